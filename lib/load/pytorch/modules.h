/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The PyTorch modules whose tensors a state dict contains, recognized by the names and shapes of
 * the tensors. A state dict does not store the classes of the modules, their order, or which
 * of them run. */
#pragma once

#include "container/safetensors.h"
#include "load/pytorch/records.h"

#define LSTM_MAX_MODULES 64 /* in a file */

typedef enum {
  LSTM_MODULE_LSTM, /* nn.LSTM, or nn.LSTMCell that a loop calls once per step */
  LSTM_MODULE_GRU,  /* nn.GRU or nn.GRUCell */
  LSTM_MODULE_RNN,  /* nn.RNN or nn.RNNCell, whose nonlinearity is not in a state dict */
  LSTM_MODULE_LINEAR,
  LSTM_MODULE_LAYER_NORM,
  LSTM_MODULE_BATCH_NORM,
  LSTM_MODULE_RECORD, /* has no tensors; its record states all */
} LstmModuleKind;

typedef struct {
  LstmModuleKind kind;
  char *prefix; /* of the names of its tensors; RECORD: unused */
  char *name;   /* the prefix without a trailing dot */
  gsize in,
      out; /* features, 0 for RECORD; from the shape of one tensor; the builder checks all shapes */
  gboolean is_bidirectional;      /* recurrent only */
  gboolean has_bias;              /* LINEAR only */
  gboolean lacks_modules;         /* the module chain drops a module in it */
  const LstmModuleRecord *record; /* nullable: the file has no records */
} LstmModule;

void lstm_module_free (LstmModule *module);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmModule, lstm_module_free)

/* Returns whether @kind is LSTM_MODULE_LSTM, _GRU or _RNN. */
gboolean lstm_module_kind_is_recurrent (LstmModuleKind kind);

/* Sets @error to LSTM_ERROR_LAYER with the message "FILE: ", then @format. Returns: FALSE */
gboolean lstm_modules_set_error (
    const LstmSafetensors *st, GError **error, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* Returns whether an item "-MODULE" of @module_chain drops the tensor @name: a tensor of MODULE or
 * of a module in MODULE, or a tensor with the name MODULE that belongs to no kind of module.
 * @module_chain: (nullable) */
gboolean lstm_modules_drop_tensor (const char *module_chain, const char *name);

/* Finds the modules of @st, except those whose tensors are marked as used. @records: (nullable)
 * (element-type LstmModuleRecord): see lstm_statedict_get_layers().
 * Returns: (transfer full) (element-type LstmModule): the modules in the order of the file, at
 * least one of them recurrent; NULL with LSTM_ERROR_LAYER, _SHAPE or _TENSOR if a tensor
 * belongs to no module */
GPtrArray *lstm_modules_find (
    const LstmSafetensors *st, const GPtrArray *records, GError **error);
