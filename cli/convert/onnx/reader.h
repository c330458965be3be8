/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The reader of one ONNX file: its memory, its limits and its errors. */
#pragma once

#include "convert.h"
#include "onnx.pb-c.h"

#define ONNX_MAX_DIMS 8
#define ONNX_MAX_DEPTH 16       /* of graphs within graphs */
#define ONNX_MEMORY_PER_BYTE 32 /* the memory limit for a byte of the files */
#define ONNX_MAX_WORK (G_GUINT64_CONSTANT (1) << 31) /* values that nodes read */

typedef struct _OnnxLoop OnnxLoop;

typedef struct {
  const ConvertInput *input;
  const Onnx__ModelProto *model;
  gint64 opset;
  GPtrArray *arena;           /* memory that is freed with the reader */
  gsize memory_left;          /* in bytes, for onnx_alloc() */
  guint64 work_left;          /* in values that nodes read */
  GArray *factors;            /* of OnnxFactor */
  int length_factor;          /* factor whose size is the sequence length */
  int batch_factor;           /* factor whose size is the number of sequence lengths */
  GHashTable *state_inputs;   /* names of graph inputs that are recurrent states */
  GHashTable *length_inputs;  /* names of graph inputs that are sequence lengths */
  GArray *stored;             /* OnnxStored: values that stay in the file; nullable */
  GPtrArray *contents;        /* LstmContent: of values that stay in files; nullable */
  GHashTable *external_files; /* names of the files of external data that were opened */
  GPtrArray *notes;           /* lines for the user */
  OnnxLoop *loop;             /* the loop whose body is being read, or NULL */
} OnnxReader;

/* Returns: (nullable): zeroed memory that is freed with @reader, or NULL if the memory would exceed
 * the limit of @reader */
gpointer onnx_alloc (OnnxReader *reader, gsize n, gsize size);

/* Returns @text, which is freed with @reader. @text: (transfer full) */
const char *onnx_own_text (OnnxReader *reader, char *text);

/* Returns a copy of @text for a message: valid UTF-8 of at most 80 characters. */
const char *onnx_shorten_text (OnnxReader *reader, const char *text);

/* Returns @string, or "" if @string is NULL. */
const char *onnx_string (const char *string);

/* Sets @error to "PATH: " and the formatted text. Returns: FALSE */
gboolean onnx_set_error (const OnnxReader *reader, ConvertError code, GError **error,
    const char *format, ...) G_GNUC_PRINTF (4, 5);
