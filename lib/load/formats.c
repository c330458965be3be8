/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "load/formats.h"
#include <string.h>

#define HEADER_AT 8  /* where the JSON of safetensors begins, behind its length */
#define MAX_SHOWN 8u /* bytes of an unknown file */

#define CONVERT                                                                                \
  "lstm_model_load() of the file reads it, and lstm-convert makes safetensors of it"
#define SAVE "save the model from Keras as .keras or .h5"
#define LOAD_AND_SAVE "load it where the model was made, and " SAVE
#define PICKLE                                                                                 \
  "it is a program; make safetensors of it in Python: import torch; from safetensors.torch "   \
  "import save_file; save_file (torch.load (\"$FILE\", map_location=\"cpu\"), "                \
  "\"$NAME.safetensors\"), with .state_dict () behind torch.load (…) if that is a module"

static guint64
read_length (const guint8 *data)
{
  guint64 length;

  memcpy (&length, data, sizeof length);
  return GUINT64_FROM_LE (length);
}

/* Both the length of the header and its first byte are right. */
static gboolean
probe_safetensors (const guint8 *data, gsize size)
{
  return size > HEADER_AT && read_length (data) <= size && data[HEADER_AT] == '{';
}

/* One of them is, or there is too little to tell: the library says what is wrong with it. */
static gboolean
probe_broken_safetensors (const guint8 *data, gsize size)
{
  return size <= HEADER_AT || read_length (data) <= size || data[HEADER_AT] == '{';
}

/* At byte 0, 512, 1024, 2048 … */
static gboolean
probe_hdf5 (const guint8 *data, gsize size)
{
  static const guint8 signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

  for (gsize at = 0; at <= size && size - at >= sizeof signature; at = at ? at * 2 : 512)
    if (memcmp (data + at, signature, sizeof signature) == 0)
      return TRUE;
  return FALSE;
}

/* saved_model_schema_version 1; then meta_graphs, which begins with meta_info_def, field 1 */
static gboolean
probe_saved_model (const guint8 *data, gsize size)
{
  gsize at = 3;

  if (size < 8 || data[0] != 0x08 || data[1] != 1 || data[2] != 0x12)
    return FALSE;
  while (at < size - 1 && data[at] & 0x80)
    at++;
  return at < size - 1 && data[at + 1] == 0x0a;
}

static gboolean
probe_onnx (const guint8 *data, gsize size)
{
  /* ir_version comes first, a varint of one byte; then something else of the model */
  if (size < 8 || data[0] != 0x08 || !data[1] || data[1] > 64)
    return FALSE;
  switch (data[2]) {
  case 0x12: /* producer_name */
  case 0x1a: /* producer_version */
  case 0x22: /* domain */
  case 0x28: /* model_version */
  case 0x32: /* doc_string */
  case 0x3a: /* graph */
  case 0x42: /* opset_import */
  case 0x72: /* metadata_props */
    return TRUE;
  default:
    return FALSE;
  }
}

/* torch.save() before 1.6 begins with this: the first instruction, and its protocol. */
static gboolean
probe_pickle (const guint8 *data, gsize size)
{
  return size >= 4 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5;
}

/* name, reader, advice, at, magic, member, probe; the first that fits. Safetensors come first and
 * last, as a length may begin like anything. */
static const LstmFormat formats[] = {
    {LSTM_FORMAT_SAFETENSORS, LSTM_FORMAT_SAFETENSORS, NULL, .probe = probe_safetensors},
    {"a pickle of PyTorch", NULL, PICKLE, 0, "PK\3\4", "data.pkl"},
    {"a Keras archive", "Keras", CONVERT, 0, "PK\3\4", "config.json"},
    {"a zip archive", NULL, "unpack it, and take the model in it", 0, "PK\3\4"},
    {"HDF5 of Keras", "Keras", CONVERT, .probe = probe_hdf5},
    {"TensorFlow Lite", NULL, SAVE, 4, "TFL3"},
    {"a SavedModel of TensorFlow", NULL, LOAD_AND_SAVE, .probe = probe_saved_model},
    {"ONNX", "ONNX", CONVERT, .probe = probe_onnx},
    {"a gzip archive", NULL, "unpack it, and take the model in it", 0, "\x1f\x8b\x08"},
    {"a pickle of PyTorch", NULL, PICKLE, .probe = probe_pickle},
    {LSTM_FORMAT_SAFETENSORS, LSTM_FORMAT_SAFETENSORS, NULL, .probe = probe_broken_safetensors},
    {"JSON", NULL,
        "it has no weights; if it is the configuration of a Keras model, give it to "
        "lstm-convert as --config, with the file of the weights",
        0, "{"},
    {"a pointer of Git LFS", NULL, "fetch the file with git lfs pull", 0,
        "version https://git-lfs"},
    {"a web page", NULL, "download the file, not the page about it", 0, "<!DOCTYPE"},
    {"a web page", NULL, "download the file, not the page about it", 0, "<!doctype"},
    {"a web page", NULL, "download the file, not the page about it", 0, "<html"},
};

/* Folders that models are saved as, by a file in them */
static const struct {
  const char *member, *name, *advice;
} folders[] = {
    {"saved_model.pb", "a SavedModel of TensorFlow", LOAD_AND_SAVE},
    {"model.weights.h5", "an unpacked Keras archive",
        "pack its files into a zip archive again"},
    {"checkpoint", "a checkpoint of TensorFlow, which is weights alone", LOAD_AND_SAVE},
    {"model.safetensors", "a directory", "take the file model.safetensors in it"},
    {"pytorch_model.bin", "a directory", "take the file pytorch_model.bin in it"},
};

static gboolean
fits (const LstmFormat *format, const guint8 *data, gsize size)
{
  gsize length;

  if (format->probe)
    return format->probe (data, size);
  length = strlen (format->magic);
  if (size < format->at + length || memcmp (data + format->at, format->magic, length) != 0)
    return FALSE;
  return !format->member || memmem (data, size, format->member, strlen (format->member));
}

const LstmFormat *
lstm_format_find (const guint8 *data, gsize size)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (fits (&formats[i], data, size))
      return &formats[i];
  return NULL;
}

gboolean
lstm_format_is_safetensors (const guint8 *data, gsize size)
{
  const LstmFormat *format = lstm_format_find (data, size);

  return format && g_strcmp0 (format->reader, LSTM_FORMAT_SAFETENSORS) == 0;
}

static char *
describe_unknown (const guint8 *data, gsize size)
{
  GString *text = g_string_new ("something else, which begins with");

  for (gsize i = 0; i < MIN (size, MAX_SHOWN); i++)
    g_string_append_printf (text, " %02x", data[i]);
  return g_string_free (text, FALSE);
}

char *
lstm_format_describe (const guint8 *data, gsize size, const char *file)
{
  const LstmFormat *format = lstm_format_find (data, size);
  g_autofree char *base = NULL, *stem = NULL;
  GString *text;
  char *dot;

  if (!format)
    return describe_unknown (data, size);
  base = g_path_get_basename (file);
  stem = g_strdup (base);
  dot = strrchr (stem, '.');
  if (dot && dot > stem)
    *dot = 0;
  text = g_string_new (format->name);
  if (format->advice)
    g_string_append_printf (text, " (%s)", format->advice);
  g_string_replace (text, "$FILE", base, 1);
  g_string_replace (text, "$NAME", stem, 1);
  return g_string_free (text, FALSE);
}

char *
lstm_format_describe_folder (const char *path)
{
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
    g_autofree char *member = g_build_filename (path, folders[i].member, NULL);

    if (g_file_test (member, G_FILE_TEST_EXISTS))
      return g_strdup_printf ("%s (%s)", folders[i].name, folders[i].advice);
  }
  return NULL;
}
