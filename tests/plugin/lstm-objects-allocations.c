/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * per-object=true: objects come and go without an allocation of their own. This program replaces
 * the allocator by an allocator that counts, unless a sanitizer replaces the allocator. */
#include "objects-rig.h"
#include <stdlib.h>

#ifndef __has_feature
#  define __has_feature(feature) 0
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)      \
    && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)                   \
    && !__has_feature(memory_sanitizer)
#  define COUNTS 1
#else
#  define COUNTS 0
#endif

#define PRESENT 24     /* objects of a frame */
#define MOVES 8        /* objects that are replaced in each frame */
#define WARM_FRAMES 20 /* in which the element reaches its largest number of known objects */
#define FRAMES 100

static gsize n_calls;

#if COUNTS
#  define EXPORT __attribute__ ((visibility ("default")))

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *memory, size_t size);

EXPORT void *
malloc (size_t size)
{
  n_calls++;
  return __libc_malloc (size);
}

EXPORT void *
calloc (size_t n, size_t size)
{
  n_calls++;
  return __libc_calloc (n, size);
}

EXPORT void *
realloc (void *memory, size_t size)
{
  n_calls++;
  return __libc_realloc (memory, size);
}
#endif

/* Returns the calls of the allocator while the element runs frame @f, whose first @moves objects
 * are other objects than in the frame before. */
static gsize
count_calls (ObjectsRig *rig, guint f, guint moves)
{
  ObjectSpec specs[PRESENT];
  GstBuffer *frame;
  gsize before, calls;

  for (guint i = 0; i < PRESENT; i++)
    specs[i] = (ObjectSpec){.id = (guint64) f * moves + i, .box = {(gint) i, 2, 3, 4}};
  frame = objects_frame_new (rig, f * OBJECT_FRAME, specs, PRESENT, OBJECT_NO_TENSORS);
  before = n_calls;
  g_assert_cmpint (gst_harness_push (rig->harness, frame), ==, GST_FLOW_OK);
  calls = n_calls - before;
  gst_buffer_unref (gst_harness_pull (rig->harness));
  return calls;
}

static void
test_rows (void)
{
  static const gchar *const modes[] = {"sequence", "window"};

  if (!COUNTS) {
    g_test_skip ("a sanitizer replaces the allocator");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autofree gchar *properties = g_strdup_printf (
        "object-features=box object-timeout=%" G_GUINT64_FORMAT
        " output-mode=%s window-length=3 gap-policy=zero-step",
        (guint64) 2 * OBJECT_FRAME, modes[i]);
    ObjectsRig still, moving;

    objects_rig_init (&still, properties);
    objects_rig_init (&moving, properties);
    for (guint f = 0; f < WARM_FRAMES + FRAMES; f++) {
      const gsize expected = count_calls (&still, f, 0);
      const gsize calls = count_calls (&moving, f, MOVES);

      if (f >= WARM_FRAMES)
        g_assert_cmpuint (calls, <=, expected);
    }
    g_assert_cmpuint (objects_rig_get_stat (&moving, "gaps"), >, FRAMES);
    objects_rig_clear (&still);
    objects_rig_clear (&moving);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-objects-allocations/rows", test_rows},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
