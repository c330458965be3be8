/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The threads of a state: the calling thread, and workers that wait for jobs. Threads share a job
 * chunk by chunk. No result depends on a worker: the calling thread computes every chunk that no
 * worker has begun. */
#pragma once

#include "lstm/lstm.h"

typedef struct _LstmThreads LstmThreads;

/* The largest size of the data of a job, in bytes */
#define LSTM_MAX_JOB_DATA 320

/* Items that threads can compute side by side and in any order */
typedef struct {
  /* Computes the items [@first, @first + @n). */
  void (*run) (gconstpointer data, gsize first, gsize n);
  gconstpointer data;
  gsize data_size;
  gsize n_items;
  gsize cost;         /* multiply-adds of 32-bit words, see threads.c */
  gboolean backwards; /* from the last item to the first: see LstmMemory */
} LstmJob;

/* Creates @n_threads - 1 workers. @n_threads: from 2 to LSTM_MAX_THREADS
 * Returns: (transfer full): the threads, or NULL with @error set if the system refuses a thread */
LstmThreads *lstm_threads_new (guint n_threads, GError **error);

/* Ends the workers, and waits for their end. NULL is permitted. */
void lstm_threads_free (LstmThreads *threads);

/* Returns the number of threads, 1 if @threads is NULL. */
guint lstm_threads_get_n_threads (const LstmThreads *threads);

/* Marks the beginning of a pass. NULL is permitted. */
void lstm_threads_begin_pass (LstmThreads *threads);

/* Runs all items of @job. Only one thread may call this function at a time. */
void lstm_threads_run (LstmThreads *threads, const LstmJob *job);
