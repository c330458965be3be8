/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each thread has a range of the chunks of a job, so that it reads the same weights in every step,
 * which stay in the cache of its core. For the same reason a thread helps with the ranges of other
 * threads only after it has waited for a while. A claim of a chunk is one atomic operation. A
 * thread reads the job after it has claimed a chunk: the job cannot end or change until that chunk
 * is counted as done.
 *
 * A worker without a job looks for the next one for SPIN_TIME, because a step can be shorter than
 * the time in which the system wakes a thread. Then it sleeps.
 *
 * Each cache line of the structs is written by one thread at a time, because a line takes about
 * 0.2 µs from core to core. */
#include "layers/threads.h"
#include "kernels/float-mode.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* The chunks of a job for each thread. With more chunks, threads wait less for each other at the
 * end of a job; with fewer, tiles are cut less often. */
#define THREAD_CHUNKS 4

/* See LstmJob. A core computes about 8 to 64 multiply-adds of words in a nanosecond. */
#define MIN_WAKING_COST ((gsize) 1 << 20) /* about 50 µs: waking a worker costs about 3 µs */

#define SPIN_TIME 50   /* in µs */
#define SPIN_CHECKS 64 /* between two attempts to help: about 2 µs */

#define CACHE_LINE 64

/* A thread. The calling thread is the first one. */
typedef struct {
  _Alignas(CACHE_LINE) _Atomic guint32 claims; /* of the range, see make_claims() */
  _Alignas(CACHE_LINE) atomic_int is_asleep;   /* or about to wait for the semaphore */
  sem_t semaphore;
  guint index;
  LstmThreads *threads;
  GThread *thread; /* NULL: the calling thread */
} Member;

struct _LstmThreads {
  Member *members; /* (n_threads) */
  guint n_threads;
  guint fork_count;    /* number of forks when the workers were created */
  gsize unshared_cost; /* of the jobs of this pass in which a worker has slept */
  atomic_int is_ending;
  _Alignas(CACHE_LINE) LstmJob job;                    /* its data is a copy */
  guint32 n_chunks;                                    /* of all ranges */
  guint32 n_done_end;                                  /* n_done at the end of the job */
  _Alignas(CACHE_LINE) guint8 data[LSTM_MAX_JOB_DATA]; /* of the job */
  _Alignas(CACHE_LINE) _Atomic guint32 n_done;         /* chunks of all jobs, modulo 2^32 */
};

/* --- Forks: the child process has no workers --- */

static guint fork_count;

static void
count_fork (void)
{
  fork_count++;
}

static gboolean
has_workers (const LstmThreads *threads)
{
  return threads->fork_count == fork_count;
}

static guint
get_fork_count (void)
{
  static gsize is_registered;

  if (g_once_init_enter (&is_registered)) {
    pthread_atfork (NULL, NULL, count_fork);
    g_once_init_leave (&is_registered, 1);
  }
  return fork_count;
}

/* --- Chunks --- */

/* Returns the chunks [@next, @end) that no thread has claimed. */
static guint32
make_claims (gsize next, gsize end)
{
  return (guint32) (end << 16 | next);
}

static gsize
get_next (guint32 claims)
{
  return claims & 0xffff;
}

static gsize
get_end (guint32 claims)
{
  return claims >> 16;
}

static gsize
get_range_start (const LstmThreads *threads, gsize n_chunks, gsize range)
{
  return range * n_chunks / threads->n_threads;
}

/* Requests the lines of the job together: each of them takes as long as a claim. */
static void
prefetch_job (const LstmThreads *threads)
{
  __builtin_prefetch (&threads->job);
  for (gsize i = 0; i < sizeof threads->data; i += CACHE_LINE)
    __builtin_prefetch (threads->data + i);
}

/* Claims a chunk of the range of @member. Returns FALSE if all are claimed. */
static gboolean
claim_chunk (Member *member, gsize *chunk)
{
  guint32 claims = atomic_load_explicit (&member->claims, memory_order_relaxed);

  do {
    if (get_next (claims) == get_end (claims))
      return FALSE;
    prefetch_job (member->threads);
  } while (!atomic_compare_exchange_weak_explicit (
      &member->claims, &claims, claims + 1, memory_order_acquire, memory_order_relaxed));
  *chunk = get_next (claims);
  return TRUE;
}

/* Runs a claimed chunk of the range of @member. */
static void
run_chunk (const Member *member, gsize chunk)
{
  const LstmThreads *threads = member->threads;
  const LstmJob *job = &threads->job;
  const gsize n = threads->n_chunks;
  gsize first, end;

  if (job->backwards)
    chunk = get_range_start (threads, n, member->index)
            + get_range_start (threads, n, member->index + 1) - 1 - chunk;
  first = chunk * job->n_items / n;
  end = (chunk + 1) * job->n_items / n;
  job->run (job->data, first, end - first);
}

static void
wake_member (Member *member)
{
  if (atomic_load (&member->is_asleep) && atomic_exchange (&member->is_asleep, FALSE))
    sem_post (&member->semaphore);
}

/* Runs the chunks of the range of @member that no thread has claimed. The thread that runs the last
 * chunk of the job wakes the calling thread. */
static void
run_range (Member *member)
{
  LstmThreads *threads = member->threads;
  guint32 end, n = 0;
  gsize chunk;

  for (; claim_chunk (member, &chunk); n++)
    run_chunk (member, chunk);
  if (n == 0)
    return;
  end = threads->n_done_end; /* before the job can end */
  if (atomic_fetch_add (&threads->n_done, n) + n == end)
    wake_member (&threads->members[0]);
}

/* --- Waiting --- */

static void
pause_thread (void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("isb" : : : "memory"); /* yield does not delay most cores */
#endif
}

static void
help_others (Member *member)
{
  LstmThreads *threads = member->threads;

  for (guint i = 1; i < threads->n_threads; i++)
    run_range (&threads->members[(member->index + i) % threads->n_threads]);
}

typedef gboolean (*Condition) (Member *member);

/* Helps other threads until @is_met is true, or for SPIN_TIME. Returns whether @is_met is true. */
static gboolean
spin (Member *member, Condition is_met)
{
  const gint64 end = g_get_monotonic_time () + SPIN_TIME;

  do {
    for (guint i = 0; i < SPIN_CHECKS; i++) {
      if (is_met (member))
        return TRUE;
      pause_thread ();
    }
    help_others (member);
  } while (g_get_monotonic_time () < end);
  return is_met (member);
}

static void
wait_for_post (Member *member)
{
  while (sem_wait (&member->semaphore) == -1 && errno == EINTR)
    ;
}

/* Waits until @is_met may be true. The thread that makes it true then calls wake_member(). */
static void
wait_until (Member *member, Condition is_met)
{
  if (spin (member, is_met))
    return;
  atomic_store (&member->is_asleep, TRUE);
  /* Either this thread sees the condition, or the other thread sees that this thread is asleep. */
  if (is_met (member) && atomic_exchange (&member->is_asleep, FALSE))
    return;
  wait_for_post (member);
}

/* --- Workers --- */

static gboolean
has_chunks (Member *member)
{
  const guint32 claims = atomic_load (&member->claims);

  return get_next (claims) != get_end (claims) || atomic_load (&member->threads->is_ending);
}

static gpointer
run_worker (gpointer data)
{
  Member *member = data;

  (void) lstm_float_mode_enter (LSTM_FLOAT_FLUSH);
  sem_post (&member->threads->members[0].semaphore); /* see start_worker() */
  while (!atomic_load (&member->threads->is_ending)) {
    run_range (member);
    wait_until (member, has_chunks);
  }
  return NULL;
}

/* Waits until the worker runs: a thread allocates memory when it starts, and a run must not. The
 * worker blocks all signals: an application expects its signal handlers in its own threads. */
static gboolean
start_worker (Member *member, GError **error)
{
  sigset_t all, caller;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &caller);
  member->thread = g_thread_try_new ("lstm-worker", run_worker, member, error);
  pthread_sigmask (SIG_SETMASK, &caller, NULL);
  if (member->thread)
    wait_for_post (&member->threads->members[0]);
  return member->thread != NULL;
}

LstmThreads *
lstm_threads_new (guint n_threads, GError **error)
{
  LstmThreads *threads = g_aligned_alloc0 (1, sizeof (LstmThreads), CACHE_LINE);
  g_autoptr (GError) reason = NULL;

  threads->fork_count = get_fork_count ();
  threads->members = g_aligned_alloc0 (n_threads, sizeof (Member), CACHE_LINE);
  for (guint i = 0; i < n_threads; i++) {
    Member *member = &threads->members[i];

    member->index = i;
    member->threads = threads;
    sem_init (&member->semaphore, FALSE, 0);
    threads->n_threads++;
  }
  for (guint i = 1; i < n_threads; i++) {
    if (start_worker (&threads->members[i], &reason))
      continue;
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_THREAD,
        "threads: expected %u, found %u that the system permits: %s", n_threads, i,
        reason->message);
    lstm_threads_free (threads);
    return NULL;
  }
  return threads;
}

void
lstm_threads_free (LstmThreads *threads)
{
  if (!threads)
    return;
  atomic_store (&threads->is_ending, TRUE);
  for (guint i = 0; i < threads->n_threads; i++) {
    Member *member = &threads->members[i];

    if (member->thread && has_workers (threads)) {
      wake_member (member);
      g_thread_join (member->thread);
    }
    sem_destroy (&member->semaphore);
  }
  g_aligned_free (threads->members);
  g_aligned_free (threads);
}

guint
lstm_threads_get_n_threads (const LstmThreads *threads)
{
  return threads ? threads->n_threads : 1;
}

/* --- Jobs --- */

void
lstm_threads_begin_pass (LstmThreads *threads)
{
  if (threads)
    threads->unshared_cost = 0;
}

/* Wakes the workers if the jobs of this pass in which a worker has slept are large enough. Returns
 * whether a worker is awake. */
static gboolean
wake_workers (LstmThreads *threads, gsize cost)
{
  guint n_asleep = 0;

  for (guint i = 1; i < threads->n_threads; i++)
    n_asleep += atomic_load_explicit (&threads->members[i].is_asleep, memory_order_relaxed);
  if (n_asleep == 0)
    return TRUE;
  threads->unshared_cost += cost;
  if (threads->unshared_cost < MIN_WAKING_COST)
    return n_asleep + 1 < threads->n_threads;
  threads->unshared_cost = 0;
  for (guint i = 1; i < threads->n_threads; i++)
    wake_member (&threads->members[i]);
  return TRUE;
}

/* Lets all threads claim chunks of @job. */
static void
publish_job (LstmThreads *threads, const LstmJob *job)
{
  const gsize n = MIN (job->n_items, (gsize) threads->n_threads * THREAD_CHUNKS);

  threads->job = *job;
  threads->job.data = memcpy (threads->data, job->data, job->data_size);
  threads->n_chunks = (guint32) n;
  threads->n_done_end += (guint32) n;
  for (gsize i = 0; i < threads->n_threads; i++)
    atomic_store_explicit (&threads->members[i].claims,
        make_claims (get_range_start (threads, n, i), get_range_start (threads, n, i + 1)),
        memory_order_release);
}

static gboolean
is_done (Member *member)
{
  return atomic_load (&member->threads->n_done) == member->threads->n_done_end;
}

void
lstm_threads_run (LstmThreads *threads, const LstmJob *job)
{
  Member *caller = &threads->members[0];

  if (!has_workers (threads) || !wake_workers (threads, job->cost)) {
    job->run (job->data, 0, job->n_items);
    return;
  }
  publish_job (threads, job);
  run_range (caller);
  while (!is_done (caller))
    wait_until (caller, is_done);
}
