/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * liblstm: recurrent networks, step by step, on a CPU.
 *
 * A model is a chain of layers read from a file; a state is the memory of a number of
 * sequences (streams) that run through it side by side. Shapes are written outermost first,
 * as NumPy prints them, and arrays are C-contiguous float32:
 *
 *     bs  streams       independent sequences carried side by side
 *     T   steps         time steps of one call
 *     d   input size    features of a step that enter the model
 *     n   output size   features of a step that leave it
 *     m   hidden size   units of an LSTM layer
 *
 * An LSTM layer computes, from a step x [d] and the h', c' [m] of the step before,
 *
 *     i = sigmoid (x Wi + h' Ui + bi)      f = sigmoid (x Wf + h' Uf + bf)
 *     g = tanh    (x Wg + h' Ug + bg)      o = sigmoid (x Wo + h' Uo + bo)
 *     c = f c' + i g                       h = o tanh (c)
 *
 * (Hochreiter and Schmidhuber 1997 with the forget gate of Gers, Schmidhuber and Cummins
 * 2000; the equations of PyTorch's nn.LSTM and of Keras' LSTM).
 *
 * Invariance: on one instruction set the numbers of a step are the same to the last bit
 * however the steps are cut into calls, however many streams run beside it, and whatever
 * floating-point mode the caller has set: see lstm_state_run(). */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#ifndef LSTM_API
# define LSTM_API extern
#endif

/* --- Errors --------------------------------------------------------------------------- */

/* The domain of all errors, "lstm-error-quark" */
#define LSTM_ERROR (lstm_error_quark ())

/**
 * LstmError:
 * @LSTM_ERROR_FILE: the file cannot be read: missing, a directory, no permission
 * @LSTM_ERROR_FORMAT: the file is not a well-formed safetensors file, or lstm-convert refused it
 * @LSTM_ERROR_TENSOR: a tensor is missing, left unused, or of a type that is not read
 * @LSTM_ERROR_SHAPE: a tensor's shape does not fit its layer, a layer its neighbour, or the
 *   layer is too wide for the precision
 * @LSTM_ERROR_LAYER: the description of the layers names what is not supported
 * @LSTM_ERROR_VALUE: a weight, or a value of a saved state, is NaN or infinite
 * @LSTM_ERROR_MEMORY: more memory is asked for than there is
 * @LSTM_ERROR_CPU: the instruction set that LSTM_ISA asks for is not to be had
 * @LSTM_ERROR_STATE: a saved state is another model's or damaged, or what it says of itself is
 *   not possible
 *
 * Why a model or a state could not be made. Messages name the file, the tensor or layer, what
 * was expected and what was found. Running a state has no errors: all is checked before.
 */
typedef enum {
  LSTM_ERROR_FILE,
  LSTM_ERROR_FORMAT,
  LSTM_ERROR_TENSOR,
  LSTM_ERROR_SHAPE,
  LSTM_ERROR_LAYER,
  LSTM_ERROR_VALUE,
  LSTM_ERROR_MEMORY,
  LSTM_ERROR_CPU,
  LSTM_ERROR_STATE,
} LstmError;

LSTM_API GQuark lstm_error_quark (void);

/* --- Precision ------------------------------------------------------------------------ */

/**
 * LstmPrecision:
 * @LSTM_PRECISION_FLOAT32: weights and inputs as they are
 * @LSTM_PRECISION_BFLOAT16: half the bytes; weights, x and h rounded to 8 significant bits
 * @LSTM_PRECISION_INT8: a quarter of the bytes; weights rounded to 255 levels scaled by the
 *   largest weight of a unit's gate, x and h at every step to 255 levels scaled by the largest
 *   value of the step
 *
 * What an LSTM layer's products x W and h U are taken in. Their sums, the gates, h and c are
 * float32 in any case, and so are all other layers. docs/numerics.md has the errors.
 */
typedef enum {
  LSTM_PRECISION_FLOAT32,
  LSTM_PRECISION_BFLOAT16,
  LSTM_PRECISION_INT8,
} LstmPrecision;

#define LSTM_TYPE_PRECISION (lstm_precision_get_type ())
LSTM_API GType lstm_precision_get_type (void);

/* --- Model ---------------------------------------------------------------------------- */

/**
 * LstmModel:
 *
 * A chain of layers with its weights, packed once for the instruction set of this machine.
 * Immutable and atomically reference-counted: any number of threads and states may share it.
 */
typedef struct _LstmModel LstmModel;

#define LSTM_TYPE_MODEL (lstm_model_get_type ())
LSTM_API GType lstm_model_get_type (void);

/**
 * lstm_model_load:
 * @path: (type filename): a safetensors file, see docs/formats.md, or one that lstm-convert makes
 *   one of, see docs/models.md
 * @error: return location for a #GError of domain #LSTM_ERROR
 *
 * Reads, checks and packs a model. The file may be replaced or deleted afterwards. Any thread may
 * call it, several at once; it returns when the model is ready.
 *
 * Environment: LSTM_ISA (base, avx2, avx512, avx512vnni, avx512bf16; neondot) picks the
 * instruction set instead of the best one that the machine has. LSTM_CONVERT is the path of
 * lstm-convert. The environment is read here and nowhere else, and in a program with more rights
 * than its user (set-user-ID, set-group-ID, file capabilities) not at all.
 *
 * Process: a file that is not safetensors is read by lstm-convert, a child of this process with
 * limits of memory and time. It is gone when this function returns, and it dies with the
 * application, as does all that it started. It has the signals' default actions and an empty
 * signal mask, and none of the application's files. The application may ignore SIGCHLD or wait for
 * all of its children: success and message come through a pipe. Only the message about a crash is
 * less precise then, as it cannot name the signal.
 *
 * Library: liblstm stays in memory once it is loaded, as GObject keeps its types: an application
 * may unload it, and load it again.
 *
 * Returns: (transfer full): a model, or %NULL with @error set
 */
LSTM_API LstmModel *lstm_model_load (const char *path, GError **error);

/**
 * lstm_model_load_bytes:
 * @bytes: the content of a safetensors file; not kept
 * @name: what to call it in messages
 * @error: return location for a #GError of domain #LSTM_ERROR
 *
 * As lstm_model_load(), from memory, and without lstm-convert: bytes of another format are an error,
 * which says what they are and what to do with them.
 *
 * Returns: (transfer full): a model, or %NULL with @error set
 */
LSTM_API LstmModel *lstm_model_load_bytes (GBytes *bytes, const char *name, GError **error);

/**
 * lstm_model_load_full:
 * @path: (type filename): as of lstm_model_load()
 * @precision: what to round the weights of LSTM layers to
 * @module_chain: (nullable): the chain of a state dict of PyTorch from input to output, as in
 *   "lstm last relu, fc": its modules and what runs between them, see docs/models.md
 * @error: return location for a #GError of domain #LSTM_ERROR
 *
 * As lstm_model_load(), which takes %LSTM_PRECISION_FLOAT32 and no module chain. A state dict does not show
 * in what order its modules run, nor what runs without tensors: one that holds more than a single
 * LSTM loads with a @module_chain only, which @error proposes. A @module_chain for a file of another kind, or for
 * one that states its layers, is an error.
 *
 * Returns: (transfer full): a model, or %NULL with @error set
 */
LSTM_API LstmModel *lstm_model_load_full (
    const char *path, LstmPrecision precision, const char *module_chain, GError **error);

/**
 * lstm_model_load_bytes_full:
 * @bytes: the content of a safetensors file; not kept
 * @name: what to call it in messages
 * @precision: what to round the weights of LSTM layers to
 * @module_chain: (nullable): as of lstm_model_load_full()
 * @error: return location for a #GError of domain #LSTM_ERROR
 *
 * As lstm_model_load_full(), from memory.
 *
 * Returns: (transfer full): a model, or %NULL with @error set
 */
LSTM_API LstmModel *lstm_model_load_bytes_full (
    GBytes *bytes, const char *name, LstmPrecision precision, const char *module_chain, GError **error);

/**
 * lstm_model_ref:
 * @model: a model
 *
 * Returns: (transfer full): @model, with a reference more
 */
LSTM_API LstmModel *lstm_model_ref (LstmModel *model);

/**
 * lstm_model_unref:
 * @model: (transfer full): a model
 *
 * Gives a reference back; the last one frees the model. States hold one of their own.
 */
LSTM_API void lstm_model_unref (LstmModel *model);

/**
 * lstm_model_get_input_size:
 * @model: a model
 *
 * Returns: d, the features of a step that enter the first layer
 */
LSTM_API gsize lstm_model_get_input_size (const LstmModel *model);

/**
 * lstm_model_get_output_size:
 * @model: a model
 *
 * Returns: n, the features of a step that leave the last layer
 */
LSTM_API gsize lstm_model_get_output_size (const LstmModel *model);

/**
 * lstm_model_get_n_lstm_layers:
 * @model: a model
 *
 * Returns: how many of the layers are LSTM layers; they are numbered from 0 at the input
 */
LSTM_API guint lstm_model_get_n_lstm_layers (const LstmModel *model);

/**
 * lstm_model_get_hidden_size:
 * @model: a model
 * @layer: an LSTM layer, counted from 0; below lstm_model_get_n_lstm_layers()
 *
 * Returns: the size of that layer's h: m, its units, or p where a projection follows them
 */
LSTM_API gsize lstm_model_get_hidden_size (const LstmModel *model, guint layer);

/**
 * lstm_model_get_cell_size:
 * @model: a model
 * @layer: an LSTM layer, counted from 0; below lstm_model_get_n_lstm_layers()
 *
 * Returns: the size of that layer's c: m, its units
 */
LSTM_API gsize lstm_model_get_cell_size (const LstmModel *model, guint layer);

/**
 * lstm_model_is_causal:
 * @model: a model
 *
 * Returns: whether every step depends on the steps before it only. A model with an LSTM layer
 *   that runs backwards or in both directions, or one that repeats a last step, needs whole
 *   sequences: see lstm_state_new_for_sequences()
 */
LSTM_API gboolean lstm_model_is_causal (const LstmModel *model);

/**
 * lstm_model_get_precision:
 * @model: a model
 *
 * Returns: the precision that it was loaded with
 */
LSTM_API LstmPrecision lstm_model_get_precision (const LstmModel *model);

/**
 * lstm_model_get_fingerprint:
 * @model: a model
 *
 * Returns: (transfer none): a number that names the model, in hexadecimal digits: the same for
 *   the same layers, weights and precision, whatever the file, its names and the machine. It is
 *   no protection against a file that is made to be mistaken for another
 */
LSTM_API const char *lstm_model_get_fingerprint (const LstmModel *model);

/**
 * lstm_model_get_isa:
 * @model: a model
 *
 * Returns: the instruction set that the weights are packed for: "base", "avx2", "avx512",
 *   "avx512vnni" or "avx512bf16", of which all but "base" give the same bits; on aarch64 "base" or
 *   "neondot"
 */
LSTM_API const char *lstm_model_get_isa (const LstmModel *model);

/**
 * lstm_model_get_packed_size:
 * @model: a model
 *
 * Returns: bytes of packed weights, biases and padding included: what a step has to read
 */
LSTM_API gsize lstm_model_get_packed_size (const LstmModel *model);

/* --- State ---------------------------------------------------------------------------- */

/**
 * LstmState:
 *
 * h and c of every LSTM layer for a number of streams, and the scratch memory to advance them.
 * Atomically reference-counted, but not locked: one thread at a time may use a state, while
 * different states of one model run in different threads at once.
 */
typedef struct _LstmState LstmState;

#define LSTM_TYPE_STATE (lstm_state_get_type ())
LSTM_API GType lstm_state_get_type (void);

/**
 * lstm_state_new:
 * @model: a model; the state takes a reference of its own
 * @streams: bs, sequences carried side by side; at least 1
 * @error: return location for a #GError
 *
 * Makes a state with h and c zero. All memory that running takes is allocated here:
 * about 3 · bs · m floats a layer, and scratch of bs · m floats and about max (bs, 64) rows of
 * 6 m floats (7 m in bfloat16 and int8), m being that of the widest layer.
 *
 * Returns: (transfer full): a state, or %NULL with @error set to %LSTM_ERROR_MEMORY, or to
 *   %LSTM_ERROR_LAYER if the model is not causal
 */
LSTM_API LstmState *lstm_state_new (LstmModel *model, gsize streams, GError **error);

/**
 * lstm_state_new_for_sequences:
 * @model: a model, causal or not; the state takes a reference of its own
 * @streams: bs, sequences side by side; at least 1
 * @max_steps: the most steps that a sequence has; at least 1
 * @error: return location for a #GError
 *
 * Makes a state for whole sequences: every call of lstm_state_run() begins anew, and gives
 * lstm_state_get_output_steps() steps. Scratch grows with bs · max_steps rows.
 *
 * Returns: (transfer full): a state, or %NULL with @error set to %LSTM_ERROR_MEMORY
 */
LSTM_API LstmState *lstm_state_new_for_sequences (
    LstmModel *model, gsize streams, gsize max_steps, GError **error);

/**
 * lstm_state_get_output_steps:
 * @state: a state
 * @steps: T
 *
 * Returns: the steps that leave the model when T steps enter: T, but for whole sequences 1 where
 *   a layer gives its last step only, and what a layer that repeats says
 */
LSTM_API gsize lstm_state_get_output_steps (const LstmState *state, gsize steps);

/**
 * lstm_state_ref:
 * @state: a state
 *
 * Returns: (transfer full): @state, with a reference more
 */
LSTM_API LstmState *lstm_state_ref (LstmState *state);

/**
 * lstm_state_unref:
 * @state: (transfer full): a state
 *
 * Gives a reference back; the last one frees the state and its reference to the model.
 */
LSTM_API void lstm_state_unref (LstmState *state);

/**
 * lstm_state_get_model:
 * @state: a state
 *
 * Returns: (transfer none): the model that it runs
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
 * lstm_state_reset:
 * @state: a state
 *
 * Sets h and c of every stream to zero: each begins a new sequence.
 */
LSTM_API void lstm_state_reset (LstmState *state);

/**
 * lstm_state_reset_stream:
 * @state: a state
 * @stream: which stream, from 0
 *
 * Sets h and c of one stream to zero; the others go on.
 */
LSTM_API void lstm_state_reset_stream (LstmState *state, gsize stream);

/**
 * lstm_state_run: (skip)
 * @state: a state
 * @steps: T, may be 0
 * @input: [bs, T, d]
 * @output: (nullable): [bs, T, n], where every step's output goes
 *
 * Advances every stream by T steps. Cannot fail, allocates nothing, takes no lock. @output must
 * not overlap @input. NaN and infinities in @input go through the arithmetic as IEEE 754 has
 * it, so that a NaN stays in its stream's h and c until that stream is reset.
 *
 * On x86-64 and aarch64 the call computes in a floating-point mode of its own: it rounds to nearest,
 * traps no exception, and magnitudes below 2^-126 (denormals) count as 0, as c would else hold them
 * for ever after silence, at a price on each step. The caller's mode, and the flags of exceptions
 * that have occurred, are afterwards what they were. All calls that run steps do so. Those that load
 * a model, and save or load a state, compute in a mode of their own as well, without the flush.
 */
LSTM_API void lstm_state_run (
    LstmState *state, gsize steps, const float *input, float *output);

/**
 * LstmRun: (skip)
 * @steps: T, may be 0
 * @input: [bs, T, d]
 * @mask: (nullable): [bs, T], 0 for a step that does not count, anything else for one that does
 * @output: (nullable): [bs, T, n], where every step's output goes
 * @layer: the LSTM layer whose @hidden, @cell and @gates are wanted, from 0; the two directions of
 *   a bidirectional layer count as two, forward and reverse. Without effect where none is wanted
 * @hidden: (nullable): [bs, T, p], h of that layer after every step
 * @cell: (nullable): [bs, T, m], c of that layer after every step
 * @gates: (nullable): [bs, T, 4, m], i, f, g and o of that layer at every step, after their
 *   activations
 * @stream_stride: steps from a stream's first step to the next stream's in all of the arrays; 0: T. More
 *   than T runs a part of longer arrays, whose pointers stand at the part's first step. Not for
 *   states of whole sequences
 * @should_continue: (nullable): for states of whole sequences, which may take long: called about once a
 *   step and layer with @should_continue_data, in the thread of the call and in its floating-point mode, which
 *   it must not change. When it returns %FALSE, and does so from then on, the call returns soon, and
 *   what the arrays hold means nothing
 *
 * A call of lstm_state_run_full(). The arrays are the caller's, are not kept, and must not
 * overlap; what is not wanted is %NULL, and costs nothing. Set members by name: others may follow.
 *
 * p is lstm_model_get_hidden_size(), and m lstm_model_get_cell_size(). Of a layer in reverse
 * @hidden, @cell and @gates stand at the steps that they belong to. In whole sequences, behind a
 * layer that gives or repeats its last step only, T is the number of steps that reach @layer.
 *
 * @mask says which steps count, as Keras' mask does; ONNX' sequence_lens are 1 below a row's
 * length. It reaches all LSTM layers up to and including the first that gives its last step only.
 * There a masked step holds h and c, and gives h again (zero, or what the model begins with,
 * before the first step that counts), or 0 where the model's file says zero_masked; its @gates
 * are 0. Other layers do not see the mask. A masking layer of the model adds to it.
 */
typedef struct {
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
} LstmRun;

/**
 * lstm_state_run_full: (skip)
 * @state: a state
 * @run: what to run, and what is wanted of it
 *
 * As lstm_state_run(), with a mask, and with h, c and gates of a layer at every step. None of them
 * changes a bit of the others.
 */
LSTM_API void lstm_state_run_full (LstmState *state, const LstmRun *run);

/**
 * lstm_state_run_bytes: (rename-to lstm_state_run)
 * @state: a state
 * @input: float32 [bs, T, d] in native byte order; T follows from the size
 *
 * As lstm_state_run(), for language bindings. A size that is no whole number of steps is a
 * programming error.
 *
 * Returns: (transfer full): float32 [bs, T, n]
 */
LSTM_API GBytes *lstm_state_run_bytes (LstmState *state, GBytes *input);

/**
 * lstm_state_get_hidden: (skip)
 * @state: a state
 * @layer: an LSTM layer, from 0
 * @hidden: [bs, m], where h goes
 *
 * Copies h as it is after the last step (zero before the first).
 */
LSTM_API void lstm_state_get_hidden (const LstmState *state, guint layer, float *hidden);

/**
 * lstm_state_get_cell: (skip)
 * @state: a state
 * @layer: an LSTM layer, from 0
 * @cell: [bs, m], where c goes
 *
 * Copies c as it is after the last step (zero before the first).
 */
LSTM_API void lstm_state_get_cell (const LstmState *state, guint layer, float *cell);

/**
 * lstm_state_is_finite:
 * @state: a state
 *
 * A NaN or an infinity in h or c stays there until its stream is reset, and makes every output
 * NaN. Looking for one costs far less than a step.
 *
 * Returns: whether all of h and c are finite
 */
LSTM_API gboolean lstm_state_is_finite (const LstmState *state);

/**
 * lstm_state_is_stream_finite:
 * @state: a state
 * @stream: from 0 to bs − 1
 *
 * As lstm_state_is_finite(), of one stream; lstm_state_reset_stream() makes it finite.
 *
 * Returns: whether h and c of @stream are finite
 */
LSTM_API gboolean lstm_state_is_stream_finite (const LstmState *state, gsize stream);

/* --- Window --------------------------------------------------------------------------- */

/**
 * LstmWindow:
 *
 * Windows of @length steps that begin every @hop steps, each from h and c zero, as models that
 * were trained on windows expect. The numbers are those of running every window by itself, to
 * the last bit, but a step costs one product for all windows that are open: ceil (length / hop)
 * rows of h U for each stream, and x W once. Atomically reference-counted, but not locked, as
 * LstmState.
 */
typedef struct _LstmWindow LstmWindow;

#define LSTM_TYPE_WINDOW (lstm_window_get_type ())
LSTM_API GType lstm_window_get_type (void);

/**
 * lstm_window_new:
 * @model: a model; the window takes a reference of its own
 * @streams: bs, sequences carried side by side; at least 1
 * @length: steps of a window; at least 1
 * @hop: steps from one window's beginning to the next one's; at least 1
 * @error: return location for a #GError
 *
 * All memory that running takes is allocated here: that of a state of
 * bs · ceil (length / hop) streams.
 *
 * Returns: (transfer full): a window, or %NULL with @error set to %LSTM_ERROR_MEMORY
 */
LSTM_API LstmWindow *lstm_window_new (
    LstmModel *model, gsize streams, gsize length, gsize hop, GError **error);

/**
 * lstm_window_ref:
 * @window: a window
 *
 * Returns: (transfer full): @window, with a reference more
 */
LSTM_API LstmWindow *lstm_window_ref (LstmWindow *window);

/**
 * lstm_window_unref:
 * @window: (transfer full): a window
 *
 * Gives a reference back; the last one frees the window.
 */
LSTM_API void lstm_window_unref (LstmWindow *window);

/**
 * lstm_window_get_streams:
 * @window: a window
 *
 * Returns: bs, the number of streams
 */
LSTM_API gsize lstm_window_get_streams (const LstmWindow *window);

/**
 * lstm_window_reset:
 * @window: a window
 *
 * Drops all open windows: the next step begins the first one.
 */
LSTM_API void lstm_window_reset (LstmWindow *window);

/**
 * lstm_window_get_n_outputs:
 * @window: a window
 * @steps: T
 *
 * Returns: how many windows the next T steps will complete: the first after @length steps, then
 *   one every @hop
 */
LSTM_API gsize lstm_window_get_n_outputs (const LstmWindow *window, gsize steps);

/**
 * lstm_window_run: (skip)
 * @window: a window
 * @steps: T, may be 0
 * @input: [bs, T, d]
 * @output: [bs, lstm_window_get_n_outputs(), n], the output after the last step of every window that
 *   these steps complete; not read or written when that is none
 *
 * Advances every stream by T steps. Cannot fail, allocates nothing, takes no lock. @output must
 * not overlap @input.
 *
 * Returns: lstm_window_get_n_outputs() as it was before the call
 */
LSTM_API gsize lstm_window_run (
    LstmWindow *window, gsize steps, const float *input, float *output);

/**
 * lstm_window_is_finite:
 * @window: a window
 *
 * As lstm_state_is_finite(). Windows that are complete do not count: nothing is made of them
 * any more.
 *
 * Returns: whether h and c of all windows that are open are finite
 */
LSTM_API gboolean lstm_window_is_finite (const LstmWindow *window);

/* --- Saved states --------------------------------------------------------------------- */

/**
 * lstm_state_save:
 * @state: a state; one for whole sequences holds nothing that could be saved, and is a
 *   programming error
 * @next_time: stream time of the next step in nanoseconds, where a source is to go on from, or
 *   %G_MAXUINT64 where it is not known
 * @steps: steps since the sequence began, which is the number of the next step, counted from 0
 *
 * Makes a safetensors file of h and c of all streams, see docs/formats.md. A state that is
 * loaded from it goes on bit for bit where this one is, on the same instruction set. The file has
 * a digest, so that a damaged one is found. @next_time and @steps are only carried. Whoever
 * writes it to a disk should do so as g_file_set_contents() does, all or nothing.
 *
 * A state that is not finite is saved as it is, but lstm_state_load() refuses it: ask
 * lstm_state_is_finite() before you replace a good file.
 *
 * Returns: (transfer full): the file's content
 */
LSTM_API GBytes *lstm_state_save (const LstmState *state, guint64 next_time, guint64 steps);

/**
 * lstm_state_load:
 * @model: the model whose state it is, from whatever file; the state takes a reference of its own
 * @bytes: what lstm_state_save() gave; not kept
 * @name: what to call it in messages
 * @next_time: (out) (optional): where the saved time goes, or %G_MAXUINT64 where the file has none
 * @steps: (out) (optional): where the saved steps go
 * @error: return location for a #GError
 *
 * Makes a state of as many streams as were saved. All is checked: a damaged file, as its digest
 * says, one of another model, as lstm_model_get_fingerprint() says, and one with a NaN or an
 * infinity in h or c is an error. A file that was written before there were digests has none;
 * nor does it tell the time of the next step.
 *
 * Returns: (transfer full): a state, or %NULL with @error set
 */
LSTM_API LstmState *lstm_state_load (LstmModel *model, GBytes *bytes, const char *name,
    guint64 *next_time, guint64 *steps, GError **error);

/**
 * lstm_window_save:
 * @window: a window
 * @next_time: as of lstm_state_save()
 * @steps: as of lstm_state_save()
 *
 * As lstm_state_save(), with all windows that are open.
 *
 * Returns: (transfer full): the file's content
 */
LSTM_API GBytes *lstm_window_save (const LstmWindow *window, guint64 next_time, guint64 steps);

/**
 * lstm_window_load:
 * @model: as of lstm_state_load()
 * @length: steps of a window, as saved; at least 1
 * @hop: steps from one window's beginning to the next one's, as saved; at least 1
 * @bytes: what lstm_window_save() gave; not kept
 * @name: what to call it in messages
 * @next_time: (out) (optional): where the saved time goes, or %G_MAXUINT64 where the file has none
 * @steps: (out) (optional): where the saved steps go
 * @error: return location for a #GError
 *
 * As lstm_state_load(). Windows of another length or hop are an error.
 *
 * Returns: (transfer full): a window, or %NULL with @error set
 */
LSTM_API LstmWindow *lstm_window_load (LstmModel *model, gsize length, gsize hop, GBytes *bytes,
    const char *name, guint64 *next_time, guint64 *steps, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmModel, lstm_model_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmState, lstm_state_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmWindow, lstm_window_unref)

G_END_DECLS
