/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The steps of reading a Keras model: files.c opens the file, and passes its parts to a function.
 * That function opens a reader, builds the chain of layers and converts the chain. */
#pragma once

#include "container/h5.h"
#include "container/npz.h"
#include "keras/reader.h"

/* The parts of a Keras file */
typedef struct {
  const ConvertInput *input;
  const char *config;  /* JSON */
  gsize config_size;   /* bytes */
  const char *version; /* of Keras, as the file states it; nullable */
  H5 *h5;              /* the weights; NULL if they are in npz */
  Npz *npz;            /* nullable */
} KerasSource;

/* Reads the model in @source. Returns: (transfer full): NULL with @error */
typedef gpointer (*KerasRead) (const KerasSource *source, GError **error);

/* Opens the file of @input, and returns the result of @read. */
gpointer keras_read_file (const ConvertInput *input, KerasRead read, GError **error);

/* Parses the configuration. @classes: the last row has no name. The caller clears @reader in any
 * case, and takes reader->error. */
gboolean keras_reader_open (
    KerasReader *reader, const KerasSource *source, const KerasClass *classes);
void keras_reader_clear (KerasReader *reader);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KerasReader, keras_reader_clear)

/* Converts the layers of reader->chain, whose input has the shape reader->shape. */
gboolean keras_convert_chain (KerasReader *reader);
