/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Engines of the library: a state that continues, lists of streams of such a state, a window that
 * continues, and a window that is computed again at each frame. */
#include "bench.h"
#include <string.h>

/* Steps in which c grows, and steps in which c decays to 2^-149 or to 0. c halves about every third
 * step. */
#define LOUD_STEPS 100
#define SILENT_STEPS 4000

#define N_LISTS 64 /* of streams, in turns */

typedef struct {
  LstmState *state;
  gsize streams, steps, d, n;
  float *x, *y; /* [streams, steps, d], [streams, steps, n] */
} Lstm;

/* Transposes [a, b, n] to [b, a, n]. */
static void
transpose_outer (const float *from, gsize a, gsize b, gsize n, float *to)
{
  for (gsize i = 0; i < a; i++)
    for (gsize k = 0; k < b; k++)
      memcpy (to + (k * a + i) * n, from + (i * b + k) * n, n * sizeof *to);
}

static gpointer
lstm_create (const Job *job, GError **error)
{
  const Case *c = job->c;
  LstmState *state = lstm_state_new (job->model, c->streams, error);
  Lstm *self;

  if (!state)
    return NULL;
  self = g_new (Lstm, 1);
  *self = (Lstm){state, c->streams, c->steps, job->d, job->n,
      g_new (float, c->streams * c->steps * job->d),
      g_new (float, c->streams * c->steps * job->n)};
  transpose_outer (job->x, c->steps, c->streams, job->d, self->x);
  return self;
}

static void
lstm_run (gpointer data)
{
  Lstm *self = data;

  lstm_state_run (self->state, self->steps, self->x, self->y);
}

/* Makes a state whose h and c have decayed, for an input of zeros. */
static gpointer
silence_create (const Job *job, GError **error)
{
  Lstm *self = lstm_create (job, error);

  for (gsize i = 0; self && i < LOUD_STEPS + SILENT_STEPS; i++) {
    if (i == LOUD_STEPS)
      memset (self->x, 0, self->streams * self->steps * self->d * sizeof *self->x);
    lstm_run (self);
  }
  return self;
}

static void
recompute_run (gpointer data)
{
  Lstm *self = data;

  lstm_state_reset (self->state);
  lstm_state_run (self->state, self->steps, self->x, self->y);
}

static void
lstm_output (gpointer data, float *y)
{
  Lstm *self = data;

  transpose_outer (self->y, self->streams, self->steps, self->n, y);
}

static void
lstm_free (gpointer data)
{
  Lstm *self = data;

  lstm_state_unref (self->state);
  g_free (self->x);
  g_free (self->y);
  g_free (self);
}

/* A state of which each run advances another list of streams */
typedef struct {
  LstmState *state;
  gsize n, next;
  gsize *lists; /* (N_LISTS, n) */
  float *x, *y; /* [n, d], [n, outputs] */
} Listed;

/* Fills @list with @n random streams in a random order. */
static void
choose_streams (gsize *list, gsize n)
{
  gsize all[BENCH_ALL_STREAMS];

  for (gsize i = 0; i < BENCH_ALL_STREAMS; i++)
    all[i] = i;
  for (gsize i = 0; i < n; i++) {
    const gsize k = (gsize) g_random_int_range ((gint32) i, BENCH_ALL_STREAMS);

    list[i] = all[k];
    all[k] = all[i];
  }
}

static gpointer
listed_create (const Job *job, GError **error)
{
  const gsize n = job->c->streams;
  LstmState *state = lstm_state_new (job->model, BENCH_ALL_STREAMS, error);
  Listed *self;

  if (!state)
    return NULL;
  self = g_new (Listed, 1);
  *self = (Listed){state, n, 0, g_new (gsize, N_LISTS * n),
      g_memdup2 (job->x, n * job->d * sizeof (float)), g_new (float, n * job->n)};
  for (gsize i = 0; i < N_LISTS; i++)
    choose_streams (self->lists + i * n, n);
  return self;
}

static void
listed_run (gpointer data)
{
  Listed *self = data;

  lstm_state_run_full (self->state, &(LstmRun){.size = sizeof (LstmRun),
                                        .steps = 1,
                                        .input = self->x,
                                        .output = self->y,
                                        .rows = self->lists + self->next * self->n,
                                        .n_rows = self->n});
  self->next = (self->next + 1) % N_LISTS;
}

static void
listed_free (gpointer data)
{
  Listed *self = data;

  lstm_state_unref (self->state);
  g_free (self->lists);
  g_free (self->x);
  g_free (self->y);
  g_free (self);
}

/* A window. Each run reads the next of `length` frames in a cycle. */
typedef struct {
  LstmWindow *window;
  gsize length, d, n, next;
  float *x, *y; /* [length, d], [n] */
} Window;

static gpointer
window_create (const Job *job, GError **error)
{
  gsize length = job->c->steps;
  LstmWindow *window = lstm_window_new (job->model, 1, length, 1, error);
  Window *self;

  if (!window)
    return NULL;
  self = g_new (Window, 1);
  *self = (Window){window, length, job->d, job->n, 0,
      g_memdup2 (job->x, length * job->d * sizeof (float)), g_new (float, job->n)};
  return self;
}

static void
window_run (gpointer data)
{
  Window *self = data;

  lstm_window_run (self->window, 1, self->x + self->next * self->d, self->y);
  self->next = (self->next + 1) % self->length;
}

static void
window_output (gpointer data, float *y)
{
  Window *self = data;

  memcpy (y + (self->length - 1) * self->n, self->y, self->n * sizeof *y);
}

static void
window_free (gpointer data)
{
  Window *self = data;

  lstm_window_unref (self->window);
  g_free (self->x);
  g_free (self->y);
  g_free (self);
}

#define ALL_PRECISIONS ((guint) -1)

const Engine engine_lstm = {"lstm",
    BENCH_BIT (CASE_CARRIED) | BENCH_BIT (CASE_STACK) | BENCH_BIT (CASE_GRU)
        | BENCH_BIT (CASE_DENSE) | BENCH_BIT (CASE_GRU_DENSE),
    ALL_PRECISIONS, lstm_create, lstm_run, lstm_output, lstm_free};
const Engine engine_window = {"lstm", BENCH_BIT (CASE_WINDOW), ALL_PRECISIONS, window_create,
    window_run, window_output, window_free};
const Engine engine_recompute = {"recompute", BENCH_BIT (CASE_WINDOW), ALL_PRECISIONS,
    lstm_create, recompute_run, lstm_output, lstm_free};
const Engine engine_silence = {"lstm", BENCH_BIT (CASE_SILENCE), ALL_PRECISIONS, silence_create,
    lstm_run, NULL, lstm_free};
const Engine engine_sound = {
    "sound", BENCH_BIT (CASE_SILENCE), ALL_PRECISIONS, lstm_create, lstm_run, NULL, lstm_free};
const Engine engine_listed = {"lstm", BENCH_BIT (CASE_LISTED), ALL_PRECISIONS, listed_create,
    listed_run, NULL, listed_free};
const Engine engine_unlisted = {"unlisted", BENCH_BIT (CASE_LISTED), ALL_PRECISIONS,
    lstm_create, lstm_run, NULL, lstm_free};
