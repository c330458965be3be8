/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Data of the reader for the JSON files of RTNeural and of the programs that use it. rtneural.c
 * selects the dialect of a file. layers.c reads layers as in Keras, statedict.c reads the state
 * dicts of GuitarML, tensors.c reads other state dicts. */
#pragma once

#include "convert.h"
#include "container/json-file.h"

typedef struct {
  JsonFile *file;
  const char *module_chain; /* nullable */
  ConvertModel *model;
  gsize size; /* features of the output of the last layer */
} RtReader;

/* Convert a file of the dialect to the layers of reader->model. Return FALSE with an error. */
gboolean rt_convert_layers (RtReader *reader);
gboolean rt_convert_state_dict (RtReader *reader);
gboolean rt_convert_tensors (RtReader *reader);
