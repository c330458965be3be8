/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <lstm/lstm-model.h>

G_BEGIN_DECLS

/**
 * LstmState:
 *
 * h and c of every recurrent layer, and the sums of every pooling layer, for a number of streams,
 * and the scratch memory to run the model. A state is atomically reference-counted, but not locked:
 * only one thread may use a state at a time. Different states of one model may run in different
 * threads at once. A state runs in the calling thread only, unless lstm_state_set_threads() creates
 * further threads.
 */
typedef struct _LstmState LstmState;

#define LSTM_TYPE_STATE (lstm_state_get_type ())
LSTM_API GType lstm_state_get_type (void);

/**
 * lstm_state_new:
 * @model: a causal model; the state takes its own reference
 * @streams: bs, the number of streams; at least 1
 * @error: return location for a #GError
 *
 * Creates a state whose h and c have the model's initial values: zero, unless the model file has
 * initial_h or initial_c. This function allocates all memory that running needs: about 3 · bs · m
 * floats for each recurrent layer, and scratch memory of 3 · bs · m floats and of about
 * max (bs, 64) rows of 6 m floats (7 m in bfloat16 and int8), where m is the number of units of the
 * widest layer. lstm_state_new_for_steps() needs less scratch memory for calls of few steps.
 *
 * Returns: (transfer full): a state, or %NULL with @error set to %LSTM_ERROR_MEMORY, or to
 *   %LSTM_ERROR_LAYER if the model is not causal
 */
LSTM_API LstmState *lstm_state_new (LstmModel *model, gsize streams, GError **error);

/**
 * lstm_state_new_for_steps:
 * @model: a causal model; the state takes its own reference
 * @streams: bs, the number of streams; at least 1
 * @steps: the number of steps of a call; at least 1
 * @error: return location for a #GError
 *
 * Creates a state like lstm_state_new(), whose scratch memory has bs · @steps rows if that is less
 * than max (bs, 64) rows. A call of lstm_state_run() may have any number of steps, and the output
 * has the same bits. A call of more than @steps steps takes longer than with lstm_state_new().
 *
 * Returns: (transfer full): a state, or %NULL with @error set to %LSTM_ERROR_MEMORY, or to
 *   %LSTM_ERROR_LAYER if the model is not causal
 */
LSTM_API LstmState *lstm_state_new_for_steps (
    LstmModel *model, gsize streams, gsize steps, GError **error);

/**
 * lstm_state_new_for_sequences:
 * @model: a model, causal or not; the state takes its own reference
 * @streams: bs, the number of streams; at least 1
 * @max_steps: the maximum number of steps of a sequence; at least 1
 * @error: return location for a #GError
 *
 * Creates a state for complete sequences. Every call of lstm_state_run() runs one sequence of each
 * stream from the model's initial h and c, and outputs lstm_state_get_output_steps() steps. The
 * scratch memory grows with bs · max_steps rows.
 *
 * Returns: (transfer full): a state, or %NULL with @error set to %LSTM_ERROR_MEMORY
 */
LSTM_API LstmState *lstm_state_new_for_sequences (
    LstmModel *model, gsize streams, gsize max_steps, GError **error);

/**
 * lstm_state_get_output_steps:
 * @state: a state
 * @steps: T, the number of input steps
 *
 * Returns: the number of output steps for T input steps. It is T, except for complete sequences: 1
 *   if a layer returns only its last step, and N if a layer repeats a step N times
 */
LSTM_API gsize lstm_state_get_output_steps (const LstmState *state, gsize steps);

/**
 * lstm_state_get_layer_steps:
 * @state: a state
 * @layer: index of a recurrent layer, less than lstm_model_get_n_lstm_layers()
 * @steps: T, the number of input steps
 *
 * Returns: the number of steps that reach @layer for T input steps. It is T, except for complete
 *   sequences, in which an earlier layer may return only its last step, or repeat a step
 */
LSTM_API gsize lstm_state_get_layer_steps (const LstmState *state, guint layer, gsize steps);

/**
 * lstm_state_get_max_steps:
 * @state: a state
 *
 * Returns: the maximum number of steps, for a state of lstm_state_new_for_sequences();
 *   0 for a state of lstm_state_new(), whose sequences have no limit
 */
LSTM_API gsize lstm_state_get_max_steps (const LstmState *state);

/**
 * lstm_state_ref:
 * @state: a state
 *
 * Returns: (transfer full): @state, with its reference count increased
 */
LSTM_API LstmState *lstm_state_ref (LstmState *state);

/**
 * lstm_state_unref:
 * @state: (transfer full): a state
 *
 * Decreases the reference count of @state. At zero, frees @state and unreferences its model.
 */
LSTM_API void lstm_state_unref (LstmState *state);

/**
 * lstm_state_get_model:
 * @state: a state
 *
 * Returns: (transfer none): the model of @state
 */
LSTM_API LstmModel *lstm_state_get_model (const LstmState *state);

/**
 * lstm_state_get_streams:
 * @state: a state
 *
 * Returns: bs, the number of streams
 */
LSTM_API gsize lstm_state_get_streams (const LstmState *state);

/**
 * LSTM_MAX_THREADS:
 *
 * The maximum number of threads of a state or window.
 */
#define LSTM_MAX_THREADS 64

/**
 * lstm_state_set_threads:
 * @state: a state
 * @n_threads: the number of threads, from 1 to %LSTM_MAX_THREADS
 * @error: return location for a #GError
 *
 * Sets the number of threads that compute the steps of @state. A new state has one thread, the
 * thread that runs it. This function creates n_threads − 1 further threads, the workers of @state.
 * Another call of this function ends the previous workers, and lstm_state_unref() ends the workers
 * when it frees @state. Workers inherit the scheduling policy, the priority and the CPU affinity of
 * the thread that calls this function. They block all signals.
 *
 * The bits of outputs, h and c do not depend on the number of threads. The threads divide the units
 * of a layer. They do not divide a step that takes less than about 5 µs, because the step would not
 * become faster. Steps of 512 units and more are up to twice as fast on two threads.
 *
 * A worker that finds no work for about 50 µs sleeps, and then uses no CPU time. A run may wake
 * workers by a system call. It still cannot fail, allocates no memory and takes no lock. Use at most
 * as many threads as CPUs are free for the process: the threads of all states that run at the same
 * time add up. A child process of fork() has no workers. There the calling thread computes all
 * steps.
 *
 * Returns: %TRUE, or %FALSE with @error set to %LSTM_ERROR_THREAD. @state then keeps its previous
 *   threads
 */
LSTM_API gboolean lstm_state_set_threads (LstmState *state, guint n_threads, GError **error);

/**
 * lstm_state_get_threads:
 * @state: a state
 *
 * Returns: the number of threads of lstm_state_set_threads(), 1 for a new state
 */
LSTM_API guint lstm_state_get_threads (const LstmState *state);

/**
 * lstm_state_reset:
 * @state: a state
 *
 * Sets h and c of every stream to the model's initial values: zero, unless the model file has
 * initial_h or initial_c. Each stream then begins a new sequence.
 */
LSTM_API void lstm_state_reset (LstmState *state);

/**
 * lstm_state_reset_stream:
 * @state: a state
 * @stream: index of a stream, less than bs
 *
 * Sets h and c of one stream to the model's initial values. Other streams do not change.
 */
LSTM_API void lstm_state_reset_stream (LstmState *state, gsize stream);

/**
 * lstm_state_run:
 * @state: a state
 * @steps: T, may be 0
 * @input: (type gpointer) (not nullable): [bs, T, d]
 * @output: (type gpointer) (nullable): [bs, lstm_state_get_output_steps(), n], receives the output
 *   of every step
 *
 * Runs T steps of every stream. This function cannot fail, allocates no memory and takes no lock.
 * @output must not overlap @input. NaN and infinities in @input follow IEEE 754: a NaN stays in h
 * and c of its stream until that stream is reset.
 *
 * On x86-64 and aarch64, every function that runs steps sets its own floating-point mode, in which
 * the CPU rounds to nearest, traps no exception, and treats magnitudes below 2^-126 (denormals) as
 * 0. Otherwise c could contain denormals for ever after silence, which would slow down each step.
 * The function restores the caller's mode, and the flags of exceptions that have occurred. The
 * functions that load a model, or save or load a state, set the same mode, but preserve denormals.
 */
LSTM_API void lstm_state_run (LstmState *state, gsize steps, const float *input, float *output);

/**
 * LstmRun: (skip)
 * @size: the size of the struct that the program was compiled with, which is sizeof (LstmRun).
 *   liblstm sets the members that a program does not know to 0
 * @steps: T, may be 0
 * @input: [bs, T, d]
 * @mask: (nullable): [bs, T], 0 for a masked step, any other value for a step that counts
 * @output: (nullable): [bs, T, n], receives the output of every step
 * @layer: index of the recurrent layer that @hidden, @cell and @gates belong to; the two directions
 *   of a bidirectional layer have two indices, forward and reverse. It is ignored if all three are
 *   %NULL
 * @hidden: (nullable): [bs, T, p], receives h of that layer after every step
 * @cell: (nullable): [bs, T, m], receives c of that layer after every step; %NULL for a layer
 *   without c, of which lstm_model_get_cell_size() is 0
 * @gates: (nullable): [bs, T, 4, m], receives the activated i, f, g and o of that layer, or
 *   [bs, T, 3, m] with z, r and n of a GRU layer; %NULL for a layer without gates, of which
 *   lstm_model_get_n_gates() is 0
 * @stream_stride: steps from the first step of a stream to the first step of the next stream, in
 *   all arrays; 0 means T. A larger stride than T runs a part of longer arrays, whose pointers
 *   point to the first step of the part. It must be 0 for a state of lstm_state_new_for_sequences()
 * @should_continue: (nullable): callback that can end a long call, see below
 * @should_continue_data: user data of @should_continue
 * @rows: (nullable): [n_rows], the indices of the streams that run, each at most once, in any
 *   order; %NULL runs all streams. See below
 * @n_rows: the number of streams in @rows, may be 0; 0 if @rows is %NULL
 *
 * The arguments of lstm_state_run_full(). The caller owns the arrays, which must not overlap. An
 * output that is %NULL costs nothing. Set members by name, because later versions may add some.
 *
 *     const LstmRun run = {.size = sizeof (LstmRun), .steps = 1, .input = x, .output = y};
 *
 * p is lstm_model_get_hidden_size(). m is lstm_model_get_cell_size(), or p for a layer without c.
 * To request c or gates of a layer that has none is a programming error: nothing runs. A layer in
 * reverse stores
 * @hidden, @cell and @gates at the steps that they belong to. For complete sequences, the T of
 * these three is the number of steps that reach @layer: an earlier layer may return only its last
 * step, or repeat it. The T of @output is lstm_state_get_output_steps().
 *
 * With @rows, the first dimension of all arrays is n_rows instead of bs. Row i of each array
 * belongs to the stream rows[i]. Streams that are not in @rows keep h and c. The call computes all
 * listed streams in one product, and costs nothing for other streams. The results have the same
 * bits as a run of each stream alone. A state of lstm_state_new_for_sequences() runs a sequence of
 * each listed stream. An index of bs or more, and an index that is listed twice, are programming
 * errors: nothing runs.
 *
 * @should_continue is for a state of lstm_state_new_for_sequences(), whose calls may take long. The
 * callback runs about once for each step and layer, in the calling thread and in the floating-point
 * mode of the call, which it must not change. After it has returned %FALSE it must keep returning
 * %FALSE. The call then returns soon, and the content of the arrays is undefined.
 *
 * @mask is equivalent to a mask of Keras. The sequence_lens of ONNX correspond to a mask that is 1
 * for each step below a stream's length. The mask applies to all layers up to and including the
 * first one that returns only its last step, or one step for all steps (pooling). At a masked step
 * a recurrent layer keeps h and c, and
 * repeats its last output: h, which is the initial h before the first step that counts. With
 * zero_masked in the model file its output is 0 instead. @gates of a masked step are 0. A pooling
 * layer does not count a masked step. Other layers ignore the mask. A masking layer of the model
 * masks further steps.
 */
typedef struct {
  gsize size;
  gsize steps;
  const float *input;
  const guint8 *mask;
  float *output;
  guint layer;
  float *hidden;
  float *cell;
  float *gates;
  gsize stream_stride;
  gboolean (*should_continue) (gpointer user_data);
  gpointer should_continue_data;
  const gsize *rows;
  gsize n_rows;
} LstmRun;

/**
 * lstm_state_run_full: (skip)
 * @state: a state
 * @run: steps, input, and the outputs to store
 *
 * Runs steps like lstm_state_run(), with an optional mask, and optionally stores h, c and gates of
 * one layer at every step. Requesting one of the outputs does not alter the others.
 */
LSTM_API void lstm_state_run_full (LstmState *state, const LstmRun *run);

/**
 * lstm_state_run_arrays:
 * @state: a state
 * @steps: T, may be 0
 * @input: (type gpointer) (not nullable): see #LstmRun
 * @mask: (type gpointer) (nullable): see #LstmRun
 * @output: (type gpointer) (nullable): see #LstmRun
 * @layer: see #LstmRun
 * @hidden: (type gpointer) (nullable): see #LstmRun
 * @cell: (type gpointer) (nullable): see #LstmRun
 * @gates: (type gpointer) (nullable): see #LstmRun
 *
 * Runs steps like lstm_state_run_full(), for language bindings that pass the addresses of arrays.
 */
LSTM_API void lstm_state_run_arrays (LstmState *state, gsize steps, const float *input,
    const guint8 *mask, float *output, guint layer, float *hidden, float *cell, float *gates);

/**
 * lstm_state_run_bytes:
 * @state: a state
 * @input: float32 [bs, T, d] in native byte order; the size determines T
 * @error: return location for a #GError
 *
 * Runs steps like lstm_state_run(), for language bindings that pass no addresses.
 *
 * Returns: (transfer full): float32 [bs, lstm_state_get_output_steps(), n], or %NULL with @error
 *   set to %LSTM_ERROR_SHAPE if the size of @input is not a multiple of bs · d floats, or if T
 *   exceeds lstm_state_get_max_steps(), or to %LSTM_ERROR_MEMORY
 */
LSTM_API GBytes *lstm_state_run_bytes (LstmState *state, GBytes *input, GError **error);

/**
 * lstm_state_get_hidden:
 * @state: a state
 * @layer: index of a recurrent layer
 * @hidden: (type gpointer) (not nullable): [bs, p], receives h; p is lstm_model_get_hidden_size()
 *
 * Copies h after the last step. Before the first step, h is the model's initial h.
 */
LSTM_API void lstm_state_get_hidden (const LstmState *state, guint layer, float *hidden);

/**
 * lstm_state_get_cell:
 * @state: a state
 * @layer: index of an LSTM layer; a layer without c is a programming error
 * @cell: (type gpointer) (not nullable): [bs, m], receives c; m is lstm_model_get_cell_size()
 *
 * Copies c after the last step. Before the first step, c is the model's initial c.
 */
LSTM_API void lstm_state_get_cell (const LstmState *state, guint layer, float *cell);

/**
 * lstm_state_get_stream_size:
 * @state: a state
 *
 * Returns: the number of floats that lstm_state_get_stream() copies
 */
LSTM_API gsize lstm_state_get_stream_size (const LstmState *state);

/**
 * lstm_state_get_stream:
 * @state: a state
 * @stream: index of a stream, less than bs
 * @values: (type gpointer) (not nullable): [lstm_state_get_stream_size()], receives h and c
 *
 * Copies h and c of one stream: h [p] of the first recurrent layer, then its c [m] if the layer has
 * c, then h and c of the next layer. The two directions of a bidirectional layer are two layers,
 * forward and reverse. The sums of the pooling layers follow: for each layer with n features, two
 * arrays of n + 1 floats.
 */
LSTM_API void lstm_state_get_stream (const LstmState *state, gsize stream, float *values);

/**
 * lstm_state_set_stream:
 * @state: a state
 * @stream: index of a stream, less than bs
 * @values: (type gpointer) (not nullable): [lstm_state_get_stream_size()], in the order of
 *   lstm_state_get_stream()
 *
 * Sets h and c of one stream. Other streams do not change. A stream with the values of another
 * stream continues with the same bits, in any state of the same model.
 */
LSTM_API void lstm_state_set_stream (LstmState *state, gsize stream, const float *values);

/**
 * lstm_state_is_finite:
 * @state: a state
 *
 * Checks h and c, which costs far less than a step. A NaN in h or c stays there until its stream is
 * reset, and makes the outputs of the stream NaN.
 *
 * Returns: %TRUE if all values of h and c are finite
 */
LSTM_API gboolean lstm_state_is_finite (const LstmState *state);

/**
 * lstm_state_is_stream_finite:
 * @state: a state
 * @stream: index of a stream, from 0 to bs − 1
 *
 * Checks one stream like lstm_state_is_finite(). lstm_state_reset_stream() makes a stream finite.
 *
 * Returns: %TRUE if all values of h and c of @stream are finite
 */
LSTM_API gboolean lstm_state_is_stream_finite (const LstmState *state, gsize stream);

/**
 * lstm_state_save:
 * @state: a state of lstm_state_new(); a state of lstm_state_new_for_sequences() is a programming
 *   error, because it has no memory between two calls
 * @next_time: stream time of the next step in nanoseconds, at which a source should continue, or
 *   %G_MAXUINT64 if it is unknown
 * @steps: number of steps since the sequence began, which is the index of the next step
 *
 * Writes h and c of all streams in the safetensors format, see docs/formats.md. A state that is
 * loaded from the file continues with the same bits as @state, on the same instruction set. A
 * digest in the file reveals damage. @next_time and @steps are stored without being used. An
 * application should replace a file on disk atomically, as g_file_set_contents() does. A state that
 * is not finite is saved, but lstm_state_load() refuses the file. Call lstm_state_is_finite()
 * before replacing a good file.
 *
 * Returns: (transfer full): the content of the file
 */
LSTM_API GBytes *lstm_state_save (const LstmState *state, guint64 next_time, guint64 steps);

/**
 * lstm_state_load:
 * @model: the model of the saved state, loaded from any file; the state takes its own reference
 * @bytes: the content that lstm_state_save() returned; not kept
 * @name: name of the content in error messages
 * @next_time: (out) (optional): return location for the saved time, %G_MAXUINT64 if unknown
 * @steps: (out) (optional): return location for the saved number of steps
 * @error: return location for a #GError
 *
 * Creates a state with as many streams as were saved. The content is checked: a wrong digest, the
 * fingerprint of another model, and a NaN or an infinity in h or c are errors. A file of an older
 * version, which wrote no digests, contains neither a digest nor the time of the next step.
 *
 * Returns: (transfer full): a state, or %NULL with @error set
 */
LSTM_API LstmState *lstm_state_load (LstmModel *model, GBytes *bytes, const char *name,
    guint64 *next_time, guint64 *steps, GError **error);

/**
 * lstm_state_restore:
 * @state: a state of lstm_state_new()
 * @bytes: the content that lstm_state_save() returned for a state with as many streams; not kept
 * @name: name of the content in error messages
 * @next_time: (out) (optional): see lstm_state_load()
 * @steps: (out) (optional): see lstm_state_load()
 * @error: return location for a #GError
 *
 * Sets h and c of all streams to the saved values, after the checks of lstm_state_load(). An error
 * changes nothing.
 *
 * Returns: %TRUE, or %FALSE with @error set
 */
LSTM_API gboolean lstm_state_restore (LstmState *state, GBytes *bytes, const char *name,
    guint64 *next_time, guint64 *steps, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmState, lstm_state_unref)

G_END_DECLS
