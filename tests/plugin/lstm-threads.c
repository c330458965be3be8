/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The property threads: the outputs are those of one thread, and the workers end with the
 * element. */
#include "lstm-rig.h"
#include <sys/resource.h>
#include <unistd.h>

#define N_STREAMS 8 /* of 257 units, so that threads share a step */
#define N_STEPS 30

/* Initializes @rig with random input of N_STREAMS streams. */
static void
init_streams (Rig *rig, const gchar *folder, const gchar *properties)
{
  GRand *rand = g_rand_new_with_seed (1);
  gsize n;

  rig_init (rig, folder, properties);
  n = N_STREAMS * N_STEPS * rig->x.size;
  g_free (rig->x.items);
  rig->x.items = g_new (gfloat, n);
  rig->x.streams = rig->n_streams = N_STREAMS;
  rig->x.length = N_STEPS;
  rig->n_steps = 5;
  for (gsize i = 0; i < n; i++)
    rig->x.items[i] = (gfloat) g_rand_double_range (rand, -1, 1);
  g_rand_free (rand);
  rig_expect_reset (rig); /* the number of streams changes */
}

/* Returns the number of workers in this process. */
static guint
count_workers (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  const gchar *task;
  guint n = 0;

  while ((task = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename ("/proc/self/task", task, "comm", NULL);
    g_autofree gchar *name = NULL;

    if (g_file_get_contents (path, &name, NULL, NULL) && g_str_equal (name, "lstm-worker\n"))
      n++;
  }
  return n;
}

/* Waits until the process has @n workers. A worker has its name as soon as it runs, and the system
 * lists a thread for a moment after its end. */
static void
await_workers (guint n)
{
  while (count_workers () != n)
    g_thread_yield ();
}

/* Returns: (transfer full): the content of the output buffers of all steps */
static GArray *
run_steps (const gchar *properties, guint n_workers)
{
  GArray *outputs;
  Rig rig;

  init_streams (&rig, "wide", properties);
  await_workers (0);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, N_STEPS);
  await_workers (n_workers);
  rig_push_eos (&rig);
  outputs = g_array_ref (rig.outputs);
  gst_element_set_state (rig.lstm, GST_STATE_READY);
  await_workers (0);
  rig_clear (&rig);
  return outputs;
}

static void
test_outputs (void)
{
  static const gchar *const modes[] = {
      "",
      "emit=output+hidden+cell+gates",
      "reset-on=nan",
      "precision=int8",
      "output-mode=final",
      "output-mode=window window-length=7 window-hop=2",
  };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autofree gchar *properties = g_strconcat (modes[i], " threads=3", NULL);
    g_autoptr (GArray) expected = run_steps (modes[i], 0);
    g_autoptr (GArray) found = run_steps (properties, 2);

    g_test_message ("%s", modes[i]);
    g_assert_cmpuint (expected->len, >, 0);
    g_assert_cmpmem (found->data, found->len * sizeof (gfloat), expected->data,
        expected->len * sizeof (gfloat));
  }
}

/* A restored state has workers as well. */
static void
test_restored_state (void)
{
  g_autoptr (GBytes) bytes = NULL;
  gboolean was_set = FALSE;
  Rig rig;

  init_streams (&rig, "wide", "threads=4");
  rig_begin_stream (&rig);
  rig_push_and_expect (&rig, 0, 10);
  g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
  g_signal_emit_by_name (rig.lstm, "set-state", bytes, &was_set);
  g_assert_true (was_set);
  rig_push_and_expect (&rig, 10, 20);
  await_workers (3);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
  await_workers (0);
}

static void
limit_memory (void)
{
  g_autofree gchar *statm = NULL;
  struct rlimit limits;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &statm, NULL, NULL));
  limits.rlim_cur = limits.rlim_max = g_ascii_strtoull (statm, NULL, 10)
                                          * (rlim_t) sysconf (_SC_PAGESIZE)
                                      + (100 << 20);
  g_assert_cmpint (setrlimit (RLIMIT_AS, &limits), ==, 0);
}

/* The stacks of the workers exceed the address space of the process. */
static void
test_refused_threads (void)
{
  Rig rig;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  g_test_skip ("the memory of a sanitizer exceeds the limit");
  return;
#endif
  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, 0);
    g_test_trap_assert_passed ();
    return;
  }
  init_streams (&rig, "wide", "threads=64");
  rig_push_stream_start (&rig);
  limit_memory ();
  g_assert_false (rig_push_caps (&rig));
  rig_assert_caps_error (&rig, "*threads: expected 64, found *");
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-threads/outputs", test_outputs},
      {"/lstm-threads/restored-state", test_restored_state},
      {"/lstm-threads/refused-threads", test_refused_threads},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
