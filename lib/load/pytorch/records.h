/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Records of the modules of a saved model. A state dict has no records: its tensors show the kinds
 * of its modules. */
#pragma once

#include <json-glib/json-glib.h>

#define LSTM_RECORD_NO_DIM G_MININT /* dim=None */

typedef enum {
  LSTM_RECORD_LAYER,      /* a layer, with or without tensors */
  LSTM_RECORD_ACTIVATION, /* an activation, which the program may call at several places */
  LSTM_RECORD_NOTHING,    /* changes nothing outside of training, such as nn.Dropout */
  LSTM_RECORD_SEQUENCE,   /* nn.Sequential: runs the modules in it in their order */
  LSTM_RECORD_CUSTOM, /* a class of the program, which runs the modules in it in any order */
  LSTM_RECORD_UNSUPPORTED, /* a class that liblstm cannot run */
} LstmRecordKind;

typedef struct {
  LstmRecordKind kind;
  char *name; /* as in the names of its tensors, without a trailing dot; "" for the model */
  char *class_name;  /* for messages */
  JsonObject *layer; /* LAYER, ACTIVATION: as docs/formats.md describes it, without name and
                        direction; otherwise NULL */
  int dim;           /* ACTIVATION: the axis of a softmax; -1: the features */
} LstmModuleRecord;

/* Creates a record. @layer: (transfer full) (nullable) */
LstmModuleRecord *lstm_module_record_new (
    LstmRecordKind kind, const char *name, const char *class_name, JsonObject *layer);
void lstm_module_record_free (LstmModuleRecord *record);
