/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * liblstm runs recurrent networks on a CPU, one time step after another.
 *
 * A model is a chain of layers that is read from a file. A state stores the memory of bs streams,
 * which advance through the model side by side. Shapes list the outermost dimension first, as
 * NumPy prints them. Arrays are C-contiguous float32.
 *
 *     bs  streams       independent sequences that advance side by side
 *     T   steps         time steps of one call
 *     d   input size    features of a step at the model's input
 *     n   output size   features of a step at the model's output
 *     m   units         units of an LSTM layer, the size of its c
 *     p   hidden size   the size of an LSTM layer's h: m unless the layer has a projection
 *
 * An LSTM layer without a projection computes, from a step x [d] and from h', c' [m] of the
 * previous step,
 *
 *     i = sigmoid (x Wi + h' Ui + bi)      f = sigmoid (x Wf + h' Uf + bf)
 *     g = tanh    (x Wg + h' Ug + bg)      o = sigmoid (x Wo + h' Uo + bo)
 *     c = f c' + i g                       h = o tanh (c)
 *
 * (Hochreiter and Schmidhuber 1997 with the forget gate of Gers, Schmidhuber and Cummins
 * 2000; the equations of PyTorch's nn.LSTM and of Keras' LSTM).
 *
 * Invariance: on one instruction set, the numbers of a step are identical to the last bit however
 * the steps are divided into calls, however many streams run side by side, and whatever
 * floating-point mode the caller has set. See lstm_state_run(). */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#ifndef LSTM_API
#  define LSTM_API extern
#endif

/* --- Errors --------------------------------------------------------------------------- */

/* The domain of all errors of liblstm, "lstm-error-quark" */
#define LSTM_ERROR (lstm_error_quark ())

/**
 * LstmError:
 * @LSTM_ERROR_FILE: the file cannot be read: it is missing, a directory or not readable
 * @LSTM_ERROR_FORMAT: the file is not a well-formed safetensors file, or lstm-convert refused it
 * @LSTM_ERROR_TENSOR: a tensor is missing, belongs to no layer, or has an unsupported type
 * @LSTM_ERROR_SHAPE: a tensor's shape does not fit its layer, a layer's input size differs from the
 *   output size of the previous layer, or a layer is too wide for the precision
 * @LSTM_ERROR_LAYER: a layer description is invalid or unsupported, or the model is not causal
 * @LSTM_ERROR_VALUE: a weight or a value of a saved state is NaN or infinite
 * @LSTM_ERROR_MEMORY: memory allocation failed
 * @LSTM_ERROR_CPU: the instruction set that LSTM_ISA names is not available on this CPU
 * @LSTM_ERROR_STATE: a saved state is damaged, belongs to another model, or has bad metadata
 *
 * Error codes of the functions that create a model, a state or a window. The message names the file
 * and the tensor or layer, what was expected and what was found. Running a state cannot fail,
 * because everything is checked when the model is loaded and the state is created.
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
 * @LSTM_PRECISION_FLOAT32: weights and inputs are not rounded
 * @LSTM_PRECISION_BFLOAT16: half the bytes; weights, x and h are rounded to 8 significant bits
 * @LSTM_PRECISION_INT8: a quarter of the bytes; weights are rounded to 255 levels, with one scale
 *   for each gate of each unit; x and h are rounded to 255 levels, with one scale for each step
 *
 * Precision of the products x W and h U of LSTM layers. The sums of these products, the gates,
 * h and c are always float32, and so are all other layers. docs/numerics.md lists the deviations.
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
 * A chain of layers with its weights, packed once for the instruction set of this machine. A model
 * is immutable and atomically reference-counted. Any number of threads and states may share it.
 */
typedef struct _LstmModel LstmModel;

#define LSTM_TYPE_MODEL (lstm_model_get_type ())
LSTM_API GType lstm_model_get_type (void);

/**
 * lstm_model_load:
 * @path: (type filename): a safetensors file, see docs/formats.md, or a file that lstm-convert can
 *   convert, see docs/models.md
 * @error: return location for a #GError of domain #LSTM_ERROR
 *
 * Reads, checks and packs a model in float32. The call returns when the model is ready. The file
 * may be replaced or deleted afterwards. Any number of threads may call this function at once.
 *
 * Environment: LSTM_ISA (base, avx2, avx512, avx512vnni or avx512bf16 on x86-64, base or neondot on
 * aarch64) selects an instruction set instead of the best one of this machine. LSTM_CONVERT is the
 * path of lstm-convert. Only functions that load a model read the environment. A privileged program
 * (set-user-ID, set-group-ID, file capabilities) ignores both variables.
 *
 * Process: lstm-convert, a child process with limits on memory and time, reads files in formats
 * other than safetensors. The child has ended when this function returns. If the application dies
 * first, the kernel kills the child and all processes that the child started. The child has default
 * signal actions, an empty signal mask, and no open files of the application. The application may
 * ignore SIGCHLD or wait for all of its children, because the child sends its result through a
 * pipe. The message about a crash of the child then cannot name the signal.
 *
 * Library: an application may unload liblstm and load it again. liblstm stays in memory meanwhile,
 * because GObject keeps its types.
 *
 * Returns: (transfer full): a model, or %NULL with @error set
 */
LSTM_API LstmModel *lstm_model_load (const char *path, GError **error);

/**
 * lstm_model_load_bytes:
 * @bytes: the content of a safetensors file; not kept
 * @name: name of the content in error messages
 * @error: return location for a #GError of domain #LSTM_ERROR
 *
 * Loads a model from memory like lstm_model_load(), but does not run lstm-convert. For content in
 * another format, @error names the format and suggests how to load it.
 *
 * Returns: (transfer full): a model, or %NULL with @error set
 */
LSTM_API LstmModel *lstm_model_load_bytes (GBytes *bytes, const char *name, GError **error);

/**
 * lstm_model_load_full:
 * @path: (type filename): see lstm_model_load()
 * @precision: precision of the LSTM layers' products
 * @module_chain: (nullable): the modules of a PyTorch state dict and the functions between them, in
 *   the order in which they run, such as "lstm last relu, fc"; see docs/models.md
 * @error: return location for a #GError of domain #LSTM_ERROR
 *
 * Loads a model like lstm_model_load(), with a precision and a module chain. A state dict contains
 * neither the order of its modules nor the functions without tensors. A state dict with more than a
 * single LSTM therefore requires a @module_chain: if it is %NULL, @error proposes a chain. A
 * @module_chain is an error if the file is not a state dict or if the file describes its layers.
 *
 * Returns: (transfer full): a model, or %NULL with @error set
 */
LSTM_API LstmModel *lstm_model_load_full (
    const char *path, LstmPrecision precision, const char *module_chain, GError **error);

/**
 * lstm_model_load_bytes_full:
 * @bytes: the content of a safetensors file; not kept
 * @name: name of the content in error messages
 * @precision: precision of the LSTM layers' products
 * @module_chain: (nullable): see lstm_model_load_full()
 * @error: return location for a #GError of domain #LSTM_ERROR
 *
 * Loads a model from memory, with the options of lstm_model_load_full().
 *
 * Returns: (transfer full): a model, or %NULL with @error set
 */
LSTM_API LstmModel *lstm_model_load_bytes_full (GBytes *bytes, const char *name,
    LstmPrecision precision, const char *module_chain, GError **error);

/**
 * lstm_model_ref:
 * @model: a model
 *
 * Returns: (transfer full): @model, with its reference count increased
 */
LSTM_API LstmModel *lstm_model_ref (LstmModel *model);

/**
 * lstm_model_unref:
 * @model: (transfer full): a model
 *
 * Decreases the reference count of @model, and frees @model at zero. States and windows have their
 * own references.
 */
LSTM_API void lstm_model_unref (LstmModel *model);

/**
 * lstm_model_get_input_size:
 * @model: a model
 *
 * Returns: d, the number of features of a step at the input of the first layer
 */
LSTM_API gsize lstm_model_get_input_size (const LstmModel *model);

/**
 * lstm_model_get_output_size:
 * @model: a model
 *
 * Returns: n, the number of features of a step at the output of the last layer
 */
LSTM_API gsize lstm_model_get_output_size (const LstmModel *model);

/**
 * lstm_model_get_n_lstm_layers:
 * @model: a model
 *
 * Returns: the number of LSTM layers. Their indices begin with 0 at the input. A bidirectional
 *   layer counts as two layers, forward and reverse
 */
LSTM_API guint lstm_model_get_n_lstm_layers (const LstmModel *model);

/**
 * lstm_model_get_hidden_size:
 * @model: a model
 * @layer: index of an LSTM layer, less than lstm_model_get_n_lstm_layers()
 *
 * Returns: p, the size of the layer's h: the size of its projection, or m without a projection
 */
LSTM_API gsize lstm_model_get_hidden_size (const LstmModel *model, guint layer);

/**
 * lstm_model_get_cell_size:
 * @model: a model
 * @layer: index of an LSTM layer, less than lstm_model_get_n_lstm_layers()
 *
 * Returns: m, the size of the layer's c, which is the number of its units
 */
LSTM_API gsize lstm_model_get_cell_size (const LstmModel *model, guint layer);

/**
 * lstm_model_is_causal:
 * @model: a model
 *
 * Returns: %TRUE if the output of every step depends only on this step and the steps before it;
 *   %FALSE if the model needs complete sequences, because an LSTM layer runs backwards or in both
 *   directions, or because a layer repeats the last step: see lstm_state_new_for_sequences()
 */
LSTM_API gboolean lstm_model_is_causal (const LstmModel *model);

/**
 * lstm_model_get_precision:
 * @model: a model
 *
 * Returns: the precision that @model was loaded with
 */
LSTM_API LstmPrecision lstm_model_get_precision (const LstmModel *model);

/**
 * lstm_model_get_fingerprint:
 * @model: a model
 *
 * Returns: (transfer none): a digest of layers, weights and precision in hexadecimal digits. It
 *   does not depend on the file, its names or the machine. It does not protect against forged files
 */
LSTM_API const char *lstm_model_get_fingerprint (const LstmModel *model);

/**
 * lstm_model_get_isa:
 * @model: a model
 *
 * Returns: the instruction set that the weights are packed for: "base", "avx2", "avx512",
 *   "avx512vnni" or "avx512bf16" on x86-64, of which all except "base" compute the same bits;
 *   "base" or "neondot" on aarch64
 */
LSTM_API const char *lstm_model_get_isa (const LstmModel *model);

/**
 * lstm_model_get_packed_size:
 * @model: a model
 *
 * Returns: the number of bytes of packed weights, biases and padding, all of which a step reads
 */
LSTM_API gsize lstm_model_get_packed_size (const LstmModel *model);

/* --- State ---------------------------------------------------------------------------- */

/**
 * LstmState:
 *
 * h and c of every LSTM layer for a number of streams, and the scratch memory to run the model. A
 * state is atomically reference-counted, but not locked: only one thread may use a state at a time.
 * Different states of one model may run in different threads at once.
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
 * floats for each LSTM layer, and scratch memory of bs · m floats and of about max (bs, 64) rows of
 * 6 m floats (7 m in bfloat16 and int8), where m is the number of units of the widest layer.
 *
 * Returns: (transfer full): a state, or %NULL with @error set to %LSTM_ERROR_MEMORY, or to
 *   %LSTM_ERROR_LAYER if the model is not causal
 */
LSTM_API LstmState *lstm_state_new (LstmModel *model, gsize streams, GError **error);

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
 * lstm_state_run: (skip)
 * @state: a state
 * @steps: T, may be 0
 * @input: [bs, T, d]
 * @output: (nullable): [bs, lstm_state_get_output_steps(), n], receives the output of every step
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
 * @steps: T, may be 0
 * @input: [bs, T, d]
 * @mask: (nullable): [bs, T], 0 for a masked step, any other value for a step that counts
 * @output: (nullable): [bs, T, n], receives the output of every step
 * @layer: index of the LSTM layer that @hidden, @cell and @gates belong to; the two directions of a
 *   bidirectional layer have two indices, forward and reverse. It is ignored if all three are %NULL
 * @hidden: (nullable): [bs, T, p], receives h of that layer after every step
 * @cell: (nullable): [bs, T, m], receives c of that layer after every step
 * @gates: (nullable): [bs, T, 4, m], receives the activated i, f, g and o of that layer
 * @stream_stride: steps from the first step of a stream to the first step of the next stream, in
 *   all arrays; 0 means T. A larger stride than T runs a part of longer arrays, whose pointers
 *   point to the first step of the part. It must be 0 for a state of lstm_state_new_for_sequences()
 * @should_continue: (nullable): for a state of lstm_state_new_for_sequences(), whose calls may take
 *   long: a callback that runs about once for each step and layer, in the calling thread and in the
 *   floating-point mode of the call, which it must not change. After it has returned %FALSE it must
 *   keep returning %FALSE. The call then returns soon, and the content of the arrays is undefined
 * @should_continue_data: user data of @should_continue
 *
 * The arguments of lstm_state_run_full(). The caller owns the arrays, which must not overlap. An
 * output that is %NULL costs nothing. Set members by name, because later versions may add some.
 *
 * p is lstm_model_get_hidden_size() and m is lstm_model_get_cell_size(). A layer in reverse stores
 * @hidden, @cell and @gates at the steps that they belong to. For complete sequences, the T of
 * these three is the number of steps that reach @layer: an earlier layer may return only its last
 * step, or repeat it. The T of @output is lstm_state_get_output_steps().
 *
 * @mask is equivalent to a mask of Keras. The sequence_lens of ONNX correspond to a mask that is 1
 * for each step below a stream's length. The mask applies to all LSTM layers up to and including
 * the first one that returns only its last step. At a masked step such a layer keeps h and c, and
 * repeats its last output: h, which is the initial h before the first step that counts. With
 * zero_masked in the model file its output is 0 instead. @gates of a masked step are 0. Other
 * layers ignore the mask. A masking layer of the model masks further steps.
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
 * @run: steps, input, and the outputs to store
 *
 * Runs steps like lstm_state_run(), with an optional mask, and optionally stores h, c and gates of
 * one layer at every step. Requesting one of the outputs does not alter the others.
 */
LSTM_API void lstm_state_run_full (LstmState *state, const LstmRun *run);

/**
 * lstm_state_run_bytes: (rename-to lstm_state_run)
 * @state: a state
 * @input: float32 [bs, T, d] in native byte order; the size determines T
 *
 * Runs steps like lstm_state_run(), for language bindings. The size is a multiple of bs · d floats.
 *
 * Returns: (transfer full): float32 [bs, lstm_state_get_output_steps(), n]
 */
LSTM_API GBytes *lstm_state_run_bytes (LstmState *state, GBytes *input);

/**
 * lstm_state_get_hidden: (skip)
 * @state: a state
 * @layer: index of an LSTM layer
 * @hidden: [bs, p], receives h; p is lstm_model_get_hidden_size()
 *
 * Copies h after the last step. Before the first step, h is the model's initial h.
 */
LSTM_API void lstm_state_get_hidden (const LstmState *state, guint layer, float *hidden);

/**
 * lstm_state_get_cell: (skip)
 * @state: a state
 * @layer: index of an LSTM layer
 * @cell: [bs, m], receives c; m is lstm_model_get_cell_size()
 *
 * Copies c after the last step. Before the first step, c is the model's initial c.
 */
LSTM_API void lstm_state_get_cell (const LstmState *state, guint layer, float *cell);

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

/* --- Window --------------------------------------------------------------------------- */

/**
 * LstmWindow:
 *
 * Windows of @length steps, of which one begins every @hop steps. Each window starts from the
 * model's initial h and c, as models that were trained on windows expect. The output is identical
 * to the last bit to running every window by itself. A window is open from its first step until it
 * is complete. Each step computes x W once for each stream, and h U for ceil (length / hop) rows
 * of each stream in one product. LstmWindow is reference-counted, but not locked, like LstmState.
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
 * Discards all open windows. The next step begins the first window.
 */
LSTM_API void lstm_window_reset (LstmWindow *window);

/**
 * lstm_window_get_n_outputs:
 * @window: a window
 * @steps: T
 *
 * Returns: the number of windows that the next T steps complete. The first window is complete after
 *   @length steps, and then one window every @hop steps
 */
LSTM_API gsize lstm_window_get_n_outputs (const LstmWindow *window, gsize steps);

/**
 * lstm_window_run: (skip)
 * @window: a window
 * @steps: T, may be 0
 * @input: [bs, T, d]
 * @output: [bs, lstm_window_get_n_outputs(), n], receives the output after the last step of every
 *   window that these steps complete; not accessed if they complete no window
 *
 * Runs T steps of every stream. This function cannot fail, allocates no memory and takes no lock.
 * @output must not overlap @input.
 *
 * Returns: the value of lstm_window_get_n_outputs() before the call
 */
LSTM_API gsize lstm_window_run (
    LstmWindow *window, gsize steps, const float *input, float *output);

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

/* --- Saved states --------------------------------------------------------------------- */

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
 * lstm_window_save:
 * @window: a window
 * @next_time: see lstm_state_save()
 * @steps: see lstm_state_save()
 *
 * Writes h and c of all open windows, like lstm_state_save().
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

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmModel, lstm_model_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmState, lstm_state_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmWindow, lstm_window_unref)

G_END_DECLS
