/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <lstm/lstm-model.h>

G_BEGIN_DECLS

/**
 * LstmWindow:
 *
 * Windows of @length steps, of which one begins every @hop steps. Each window starts from the
 * model's initial h and c, as models that were trained on windows expect. The output is identical
 * to the last bit to running every window by itself. A window is open from its first step until it
 * is complete. Each step computes x W once for each stream, and h U for ceil (length / hop) rows
 * of each stream in one product. LstmWindow is reference-counted, but not locked, like LstmState.
 *
 * Each stream has its own position, which is the number of its steps since its last reset.
 * lstm_window_run() advances all streams, and needs streams that have the same position.
 * lstm_window_run_rows() advances a list of streams.
 */
typedef struct _LstmWindow LstmWindow;

#define LSTM_TYPE_WINDOW (lstm_window_get_type ())
LSTM_API GType lstm_window_get_type (void);

/**
 * lstm_window_new:
 * @model: a causal model; the window takes its own reference
 * @streams: bs, the number of streams; at least 1
 * @length: steps of a window; at least 1
 * @hop: steps from the beginning of a window to the beginning of the next one; at least 1
 * @error: return location for a #GError
 *
 * Creates windows, of which the first begins at the first step. This function allocates all memory
 * that running needs: as much as a state of bs · ceil (length / hop) streams.
 *
 * Returns: (transfer full): a window, or %NULL with @error set to %LSTM_ERROR_MEMORY, or to
 *   %LSTM_ERROR_LAYER if the model is not causal
 */
LSTM_API LstmWindow *lstm_window_new (
    LstmModel *model, gsize streams, gsize length, gsize hop, GError **error);

/**
 * lstm_window_ref:
 * @window: a window
 *
 * Returns: (transfer full): @window, with its reference count increased
 */
LSTM_API LstmWindow *lstm_window_ref (LstmWindow *window);

/**
 * lstm_window_unref:
 * @window: (transfer full): a window
 *
 * Decreases the reference count of @window, and frees @window at zero.
 */
LSTM_API void lstm_window_unref (LstmWindow *window);

/**
 * lstm_window_get_model:
 * @window: a window
 *
 * Returns: (transfer none): the model of @window
 */
LSTM_API LstmModel *lstm_window_get_model (const LstmWindow *window);

/**
 * lstm_window_get_length:
 * @window: a window
 *
 * Returns: the steps of a window
 */
LSTM_API gsize lstm_window_get_length (const LstmWindow *window);

/**
 * lstm_window_get_hop:
 * @window: a window
 *
 * Returns: the steps from the beginning of a window to the beginning of the next one
 */
LSTM_API gsize lstm_window_get_hop (const LstmWindow *window);

/**
 * lstm_window_get_streams:
 * @window: a window
 *
 * Returns: bs, the number of streams
 */
LSTM_API gsize lstm_window_get_streams (const LstmWindow *window);

/**
 * lstm_window_set_threads:
 * @window: a window
 * @n_threads: the number of threads, from 1 to %LSTM_MAX_THREADS
 * @error: return location for a #GError
 *
 * Sets the number of threads that compute the steps of @window, like lstm_state_set_threads().
 *
 * Returns: %TRUE, or %FALSE with @error set to %LSTM_ERROR_THREAD
 */
LSTM_API gboolean lstm_window_set_threads (
    LstmWindow *window, guint n_threads, GError **error);

/**
 * lstm_window_get_threads:
 * @window: a window
 *
 * Returns: the number of threads of lstm_window_set_threads(), 1 for a new window
 */
LSTM_API guint lstm_window_get_threads (const LstmWindow *window);

/**
 * lstm_window_reset:
 * @window: a window
 *
 * Discards all open windows. The next step of each stream begins its first window.
 */
LSTM_API void lstm_window_reset (LstmWindow *window);

/**
 * lstm_window_reset_stream: (skip)
 * @window: a window
 * @stream: index of a stream, less than bs
 *
 * Discards the open windows of one stream. Its next step begins its first window. Other streams do
 * not change.
 */
LSTM_API void lstm_window_reset_stream (LstmWindow *window, gsize stream);

/**
 * lstm_window_copy_stream: (skip)
 * @to: a window
 * @to_stream: index of a stream of @to
 * @from: a window of the same model, with the same length and hop; may be @to
 * @from_stream: index of a stream of @from
 *
 * Copies the open windows and the position of one stream. The copy continues with the same bits.
 * Other streams do not change.
 */
LSTM_API void lstm_window_copy_stream (
    LstmWindow *to, gsize to_stream, const LstmWindow *from, gsize from_stream);

/**
 * lstm_window_get_n_outputs:
 * @window: a window whose streams have the same position; other windows are a programming error
 * @steps: T
 *
 * Returns: the number of windows that the next T steps complete. The first window is complete after
 *   @length steps, and then one window every @hop steps
 */
LSTM_API gsize lstm_window_get_n_outputs (const LstmWindow *window, gsize steps);

/**
 * lstm_window_run:
 * @window: a window whose streams have the same position; other windows are a programming error
 * @steps: T, may be 0
 * @input: (type gpointer) (not nullable): [bs, T, d]
 * @output: (type gpointer): [bs, lstm_window_get_n_outputs(), n], receives the output after the
 *   last step of every window that these steps complete; not accessed if they complete no window
 *
 * Runs T steps of every stream. This function cannot fail, allocates no memory and takes no lock.
 * @output must not overlap @input.
 *
 * Returns: the value of lstm_window_get_n_outputs() before the call
 */
LSTM_API gsize lstm_window_run (
    LstmWindow *window, gsize steps, const float *input, float *output);

/**
 * lstm_window_run_rows: (skip)
 * @window: a window
 * @rows: (nullable): [n_rows], the indices of the streams that run, each at most once, in any
 *   order; %NULL only if @n_rows is 0
 * @n_rows: the number of streams in @rows, may be 0
 * @input: [n_rows, d], the step of each stream in @rows
 * @output: [n_rows, n], receives the output of the streams whose windows this step completes. The
 *   rows of other streams do not change
 * @is_complete: [n_rows], receives 1 for a stream with an output, else 0
 *
 * Runs one step of the listed streams in one product. The windows and the positions of other
 * streams do not change, and cost nothing. The results have the same bits as a run of each stream
 * alone. This function cannot fail, allocates no memory and takes no lock. @output must not overlap
 * @input. An index of bs or more, and an index that is listed twice, are programming errors:
 * nothing runs.
 */
LSTM_API void lstm_window_run_rows (LstmWindow *window, const gsize *rows, gsize n_rows,
    const float *input, float *output, guint8 *is_complete);

/**
 * lstm_window_run_bytes:
 * @window: a window whose streams have the same position; other windows are a programming error
 * @input: float32 [bs, T, d] in native byte order; the size determines T
 * @error: return location for a #GError
 *
 * Runs steps like lstm_window_run(), for language bindings that pass no addresses.
 *
 * Returns: (transfer full): float32 [bs, lstm_window_get_n_outputs(), n], or %NULL with @error set
 *   to %LSTM_ERROR_SHAPE if the size of @input is not a multiple of bs · d floats, or to
 *   %LSTM_ERROR_MEMORY
 */
LSTM_API GBytes *lstm_window_run_bytes (LstmWindow *window, GBytes *input, GError **error);

/**
 * lstm_window_is_finite:
 * @window: a window
 *
 * Checks h and c like lstm_state_is_finite(). Complete windows are ignored, because their h and c
 * are not used again.
 *
 * Returns: %TRUE if all values of h and c of all open windows are finite
 */
LSTM_API gboolean lstm_window_is_finite (const LstmWindow *window);

/**
 * lstm_window_is_stream_finite:
 * @window: a window
 * @stream: index of a stream
 *
 * Checks one stream like lstm_window_is_finite(). lstm_window_reset_stream() makes a stream finite.
 *
 * Returns: %TRUE if all values of h and c of the open windows of @stream are finite
 */
LSTM_API gboolean lstm_window_is_stream_finite (const LstmWindow *window, gsize stream);

/**
 * lstm_window_save:
 * @window: a window whose streams have the same position; other windows are a programming error
 * @next_time: see lstm_state_save()
 * @steps: see lstm_state_save()
 *
 * Writes h and c of all open windows, and the position, like lstm_state_save(). Streams with
 * different positions can be saved one by one: lstm_window_copy_stream() copies a stream to a
 * window of one stream.
 *
 * Returns: (transfer full): the content of the file
 */
LSTM_API GBytes *lstm_window_save (const LstmWindow *window, guint64 next_time, guint64 steps);

/**
 * lstm_window_load:
 * @model: see lstm_state_load()
 * @length: steps of a window, as saved; at least 1
 * @hop: steps from the beginning of a window to the beginning of the next one, as saved; at least 1
 * @bytes: the content that lstm_window_save() returned; not kept
 * @name: name of the content in error messages
 * @next_time: (out) (optional): see lstm_state_load()
 * @steps: (out) (optional): return location for the saved number of steps
 * @error: return location for a #GError
 *
 * Creates windows like lstm_state_load(). Another length or hop than the saved one is an error.
 *
 * Returns: (transfer full): a window, or %NULL with @error set
 */
LSTM_API LstmWindow *lstm_window_load (LstmModel *model, gsize length, gsize hop, GBytes *bytes,
    const char *name, guint64 *next_time, guint64 *steps, GError **error);

/**
 * lstm_window_restore:
 * @window: a window
 * @bytes: the content that lstm_window_save() returned for windows with as many streams and the
 *   same length and hop; not kept
 * @name: name of the content in error messages
 * @next_time: (out) (optional): see lstm_state_load()
 * @steps: (out) (optional): see lstm_state_load()
 * @error: return location for a #GError
 *
 * Sets all windows to the saved ones, after the checks of lstm_window_load(). An error changes
 * nothing.
 *
 * Returns: %TRUE, or %FALSE with @error set
 */
LSTM_API gboolean lstm_window_restore (LstmWindow *window, GBytes *bytes, const char *name,
    guint64 *next_time, guint64 *steps, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmWindow, lstm_window_unref)

G_END_DECLS
