/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <lstm/lstm-visibility.h>

G_BEGIN_DECLS

/**
 * LstmPrecision:
 * @LSTM_PRECISION_FLOAT32: weights and inputs are not rounded
 * @LSTM_PRECISION_BFLOAT16: half the bytes; weights, x and h are rounded to 8 significant bits
 * @LSTM_PRECISION_INT8: a quarter of the bytes; weights are rounded to 255 levels, with one scale
 *   for each gate of each unit; x and h are rounded to 255 levels, with one scale for each step
 *
 * Precision of the products x W and h U of recurrent layers. The sums of these products, the gates,
 * h and c are always float32, and so are all other layers. docs/numerics.md lists the deviations.
 */
typedef enum {
  LSTM_PRECISION_FLOAT32,
  LSTM_PRECISION_BFLOAT16,
  LSTM_PRECISION_INT8,
} LstmPrecision;

#define LSTM_TYPE_PRECISION (lstm_precision_get_type ())
LSTM_API GType lstm_precision_get_type (void);

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
 * @precision: precision of the recurrent layers' products
 * @module_chain: (nullable): the modules of a PyTorch model and the functions between them, in
 *   the order in which they run, such as "lstm last relu, fc"; see docs/models.md
 * @error: return location for a #GError of domain #LSTM_ERROR
 *
 * Loads a model like lstm_model_load(), with a precision and a module chain. A PyTorch file contains
 * neither the order of its modules, except for an nn.Sequential, nor the functions without tensors.
 * A file with more than a single LSTM or GRU therefore requires a @module_chain: if it is %NULL,
 * @error proposes a chain. A @module_chain is an error if the file is not from PyTorch or if the
 * file describes its layers.
 *
 * Returns: (transfer full): a model, or %NULL with @error set
 */
LSTM_API LstmModel *lstm_model_load_full (
    const char *path, LstmPrecision precision, const char *module_chain, GError **error);

/**
 * lstm_model_load_bytes_full:
 * @bytes: the content of a safetensors file; not kept
 * @name: name of the content in error messages
 * @precision: precision of the recurrent layers' products
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
 * lstm_model_get_n_parameters:
 * @model: a model
 *
 * Returns: the number of values in the tensors of the model file that the layers use: weights and
 *   biases, initial h and c, means and variances
 */
LSTM_API gsize lstm_model_get_n_parameters (const LstmModel *model);

/**
 * lstm_model_get_summary:
 * @model: a model
 *
 * Describes a model for people: a line about the model, and a line for each layer with its kind,
 * its sizes and its number of parameters. Lines are separated by newlines. Programs should not
 * parse the text.
 *
 * Returns: (transfer full): the description
 */
LSTM_API char *lstm_model_get_summary (const LstmModel *model);

/**
 * lstm_model_get_load_report:
 * @model: a model
 *
 * Returns: (transfer none): a line for logs about the loading of @model: the format of the file,
 *   and if lstm-convert read the file, its command line and its time in milliseconds
 */
LSTM_API const char *lstm_model_get_load_report (const LstmModel *model);

/**
 * lstm_model_get_n_lstm_layers:
 * @model: a model
 *
 * Returns: the number of recurrent layers: LSTM, GRU and simple recurrent layers. Their indices
 *   begin with 0 at the input. A bidirectional layer counts as two layers, forward and reverse
 */
LSTM_API guint lstm_model_get_n_lstm_layers (const LstmModel *model);

/**
 * lstm_model_get_hidden_size:
 * @model: a model
 * @layer: index of a recurrent layer, less than lstm_model_get_n_lstm_layers()
 *
 * Returns: p, the size of the layer's h: the size of its projection, or m without a projection
 */
LSTM_API gsize lstm_model_get_hidden_size (const LstmModel *model, guint layer);

/**
 * lstm_model_get_cell_size:
 * @model: a model
 * @layer: index of a recurrent layer, less than lstm_model_get_n_lstm_layers()
 *
 * Returns: m, the size of the layer's c, which is the number of its units; 0 for a GRU layer or a
 *   simple recurrent layer, which has no c
 */
LSTM_API gsize lstm_model_get_cell_size (const LstmModel *model, guint layer);

/**
 * lstm_model_get_n_gates:
 * @model: a model
 * @layer: index of a recurrent layer, less than lstm_model_get_n_lstm_layers()
 *
 * Returns: the number of gates of each unit, which #LstmRun can store: 4 for an LSTM layer (i, f, g
 *   and o), 3 for a GRU layer (z, r and n), 0 for a simple recurrent layer
 */
LSTM_API guint lstm_model_get_n_gates (const LstmModel *model, guint layer);

/**
 * lstm_model_is_causal:
 * @model: a model
 *
 * Returns: %TRUE if the output of every step depends only on this step and the steps before it;
 *   %FALSE if the model needs complete sequences, because a recurrent layer runs backwards or in
 *   both directions, or because a layer repeats the last step: see lstm_state_new_for_sequences()
 */
LSTM_API gboolean lstm_model_is_causal (const LstmModel *model);

/**
 * lstm_model_returns_last_step:
 * @model: a model
 *
 * Returns: %TRUE if the output for a complete sequence is one step, because a layer returns only
 *   its last step, as return_sequences=False does in Keras, and no later layer repeats the step.
 *   Keras and PyTorch then output [bs, n], without a dimension for steps
 */
LSTM_API gboolean lstm_model_returns_last_step (const LstmModel *model);

/**
 * lstm_model_get_rate:
 * @model: a model
 *
 * Returns the rate of the steps that the model file states in its metadata as `lstm.rate`. The rate
 * of a model of an amplifier is the sample rate of the audio that trained the model. The library
 * does not use the rate.
 *
 * Returns: the number of steps per second, or 0 if the file does not state a rate
 */
LSTM_API double lstm_model_get_rate (const LstmModel *model);

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

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmModel, lstm_model_unref)

G_END_DECLS
