/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/formats.h"
#include <string.h>

#define HEADER_AT 8  /* the first byte of the JSON of safetensors, after its length */
#define MAX_SHOWN 8u /* bytes of a file of an unknown format in a message */
#define MAX_HEAD 64u /* bytes of the beginning of a file that the functions compare */

#define CONVERT "lstm_model_load() reads the file, and lstm-convert converts it to safetensors"
#define ARRAYS                                                                                 \
  "they have no model; if they are the weights of a Keras model, convert them with "           \
  "lstm-convert and the configuration of the model in --config"
#define SAVE "save the model from Keras as .keras or .h5"
#define LOAD_AND_SAVE "load it in the program that made it, and " SAVE
#define ARRAY                                                                                  \
  "it has no model; save the weights of a Keras model with numpy.savez (file, "                \
  "*model.get_weights ()), and convert them with lstm-convert and the configuration of the "   \
  "model in --config"
#define UNPACK "unpack it, and use the model file inside"
#define DOWNLOAD "download the file rather than the page about it"
#define SAVE_STATE_DICT                                                                        \
  "save the model from PyTorch: torch.save (model.state_dict (), \"model.pt\")"
#define SAVE_AGAIN "load it with a later version of PyTorch, and save it with torch.save ()"

/* A file and its first bytes */
struct _LstmFormatSample {
  LstmContent *content;
  guint64 size;
  guint8 head[MAX_HEAD]; /* zeros after the end of the file */
  gsize n_head;
};

static LstmFormatSample
take_sample (LstmContent *content)
{
  LstmFormatSample sample = {content, lstm_content_get_size (content), {0}, 0};

  sample.n_head = (gsize) MIN (sample.size, MAX_HEAD);
  if (!lstm_content_read (content, 0, sample.n_head, sample.head, NULL))
    sample.n_head = 0;
  return sample;
}

/* Returns whether the file contains @text. */
static gboolean
has_text (const LstmFormatSample *sample, const char *text)
{
  return lstm_content_find (sample->content, 0, text, strlen (text)) < sample->size;
}

static guint64
read_length (const guint8 *data)
{
  guint64 length;

  memcpy (&length, data, sizeof length);
  return GUINT64_FROM_LE (length);
}

/* Matches if the length and the first byte of the header are right. */
static gboolean
matches_safetensors (const LstmFormatSample *sample)
{
  return sample->n_head > HEADER_AT && read_length (sample->head) <= sample->size
         && sample->head[HEADER_AT] == '{';
}

/* Matches if the length or the first byte of the header is right, or if the file is too short to
 * check both. */
static gboolean
matches_broken_safetensors (const LstmFormatSample *sample)
{
  return sample->n_head <= HEADER_AT || read_length (sample->head) <= sample->size
         || sample->head[HEADER_AT] == '{';
}

/* Matches a file with the signature at byte 0, 512, 1024, 2048 … */
static gboolean
matches_hdf5 (const LstmFormatSample *sample)
{
  static const guint8 signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  guint8 bytes[sizeof signature];

  for (guint64 at = 0; at <= sample->size && sample->size - at >= sizeof signature;
       at = at ? at * 2 : 512)
    if (lstm_content_read (sample->content, at, sizeof bytes, bytes, NULL)
        && memcmp (bytes, signature, sizeof signature) == 0)
      return TRUE;
  return FALSE;
}

/* Matches a file that begins with saved_model_schema_version 1, followed by a meta_graphs that
 * begins with meta_info_def, field 1. */
static gboolean
matches_saved_model (const LstmFormatSample *sample)
{
  const guint8 *data = sample->head;
  const gsize size = sample->n_head;
  gsize at = 3;

  if (size < 8 || data[0] != 0x08 || data[1] != 1 || data[2] != 0x12)
    return FALSE;
  while (at < size - 1 && data[at] & 0x80)
    at++;
  return at < size - 1 && data[at + 1] == 0x0a;
}

/* Matches a file that begins with ir_version, a varint of one byte, followed by another field of
 * the model. */
static gboolean
matches_onnx (const LstmFormatSample *sample)
{
  const guint8 *data = sample->head;

  if (sample->n_head < 8 || data[0] != 0x08 || !data[1] || data[1] > 64)
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

/* Matches a file of torch.save() before PyTorch 1.6. The file begins with an instruction that
 * contains the number of the pickle protocol. */
static gboolean
matches_pickle (const LstmFormatSample *sample)
{
  return sample->n_head >= 4 && sample->head[0] == 0x80 && sample->head[1] >= 2
         && sample->head[1] <= 5;
}

/* Matches an object in JSON, also after a byte order mark and white space. */
static gboolean
matches_json (const LstmFormatSample *sample)
{
  guint64 at = sample->n_head >= 3 && memcmp (sample->head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  guint8 byte;

  while (at < sample->size && lstm_content_read (sample->content, at, 1, &byte, NULL)) {
    if (!g_ascii_isspace (byte))
      return byte == '{';
    at++;
  }
  return FALSE;
}

/* Matches JSON text in which each key of @format is a string. */
static gboolean
matches_keys (const LstmFormat *format, const LstmFormatSample *sample)
{
  if (!matches_json (sample))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (format->keys); i++) {
    g_autofree char *quoted = g_strdup_printf ("\"%s\"", format->keys[i]);

    if (!has_text (sample, quoted))
      return FALSE;
  }
  return TRUE;
}

/* Matches JSON that has a tensor of a recurrent module of PyTorch at the top. */
static gboolean
matches_json_state_dict (const LstmFormatSample *sample)
{
  return matches_json (sample) && has_text (sample, "weight_hh_l0\"");
}

/* The first row that matches is the format of a file. The length that safetensors begins with can
 * look like the beginning of any format, so intact safetensors are first and broken safetensors
 * follow the formats that have a long signature. */
static const LstmFormat formats[] = {
    {"safetensors", "safetensors", TRUE, TRUE, .matches = matches_safetensors},
    {"a program of torch.export", .advice = SAVE_STATE_DICT, .magic = "PK\3\4",
        .member = "serialized_exported_program"},
    {"a program of torch.export", .advice = SAVE_STATE_DICT, .magic = "PK\3\4",
        .member = "archive_format"},
    {"TorchScript", "PyTorch", .has_module_chain = TRUE, .advice = CONVERT, .magic = "PK\3\4",
        .member = "constants.pkl"},
    {"PyTorch", "PyTorch", .has_module_chain = TRUE, .advice = CONVERT, .magic = "PK\3\4",
        .member = "data.pkl"},
    {"a Keras archive", "Keras", .advice = CONVERT, .magic = "PK\3\4", .member = "config.json"},
    {"NumPy arrays", "Keras", .advice = ARRAYS, .magic = "PK\3\4", .member = ".npy"},
    {"a zip archive", .advice = UNPACK, .magic = "PK\3\4"},
    {"Keras HDF5", "Keras", .advice = CONVERT, .matches = matches_hdf5},
    {"TensorFlow Lite", .advice = SAVE, .magic = "TFL3", .offset = 4},
    {"a TensorFlow SavedModel", .advice = LOAD_AND_SAVE, .matches = matches_saved_model},
    {"ONNX", "ONNX", .advice = CONVERT, .matches = matches_onnx},
    {"a NumPy array", .advice = ARRAY, .magic = "\x93NUMPY"},
    {"a gzip archive", .advice = UNPACK, .magic = "\x1f\x8b\x08"},
    {"a tar archive of PyTorch before 0.2", .advice = SAVE_AGAIN, .magic = "sys_info"},
    {"PyTorch", "PyTorch", .has_module_chain = TRUE, .advice = CONVERT,
        .matches = matches_pickle},
    {"a TensorFlow.js model", .advice = SAVE, .keys = {"modelTopology", "weightsManifest"}},
    {"RTNeural JSON", "RTNeural", .advice = CONVERT, .keys = {"in_shape", "layers"}},
    {"GuitarML JSON", "RTNeural", .advice = CONVERT, .keys = {"model_data", "state_dict"}},
    {"GuitarML JSON", "RTNeural", .advice = CONVERT, .keys = {"conv1d", "lstm"}},
    {"GuitarML JSON", "RTNeural", .advice = CONVERT,
        .keys = {"residual_channels", "dilations"}},
    {"a NAM file", "NAM", .advice = CONVERT, .keys = {"architecture", "weights"}},
    {"a PyTorch state dict in JSON", "RTNeural", .has_module_chain = TRUE, .advice = CONVERT,
        .matches = matches_json_state_dict},
    {"safetensors", "safetensors", TRUE, TRUE, .matches = matches_broken_safetensors},
    {"JSON",
        .advice = "it has no weights; if it is the configuration of a Keras model, pass it to "
                  "lstm-convert as --config, with the file of the weights",
        .matches = matches_json},
    {"a Git LFS pointer", .advice = "fetch the file with git lfs pull",
        .magic = "version https://git-lfs"},
    {"a web page", .advice = DOWNLOAD, .magic = "<!DOCTYPE"},
    {"a web page", .advice = DOWNLOAD, .magic = "<!doctype"},
    {"a web page", .advice = DOWNLOAD, .magic = "<html"},
};

/* Models that are saved as a folder, recognized by a file in the folder */
static const struct {
  const char *member, *name, *advice;
} folders[] = {
    {"saved_model.pb", "a TensorFlow SavedModel", LOAD_AND_SAVE},
    {"model.weights.h5", "an unpacked Keras archive",
        "pack its files into a zip archive again"},
    {"checkpoint", "a TensorFlow checkpoint, which has weights only", LOAD_AND_SAVE},
    {"model.safetensors", "a directory", "use the file model.safetensors in it"},
    {"pytorch_model.bin", "a directory", "use the file pytorch_model.bin in it"},
};

static gboolean
matches_format (const LstmFormat *format, const LstmFormatSample *sample)
{
  gsize length;

  if (format->keys[0])
    return matches_keys (format, sample);
  if (format->matches)
    return format->matches (sample);
  length = strlen (format->magic);
  if (sample->n_head < format->offset + length
      || memcmp (sample->head + format->offset, format->magic, length) != 0)
    return FALSE;
  return !format->member || has_text (sample, format->member);
}

const LstmFormat *
lstm_format_list (guint *n)
{
  *n = G_N_ELEMENTS (formats);
  return formats;
}

const LstmFormat *
lstm_format_find (LstmContent *content)
{
  const LstmFormatSample sample = take_sample (content);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (matches_format (&formats[i], &sample))
      return &formats[i];
  return NULL;
}

gboolean
lstm_format_is_native (LstmContent *content)
{
  const LstmFormat *format = lstm_format_find (content);

  return format && format->is_native;
}

static char *
describe_unknown (LstmContent *content)
{
  const LstmFormatSample sample = take_sample (content);
  GString *text = g_string_new ("an unknown format that begins with");

  for (gsize i = 0; i < MIN (sample.n_head, MAX_SHOWN); i++)
    g_string_append_printf (text, " %02x", sample.head[i]);
  return g_string_free (text, FALSE);
}

char *
lstm_format_describe (LstmContent *content)
{
  const LstmFormat *format = lstm_format_find (content);

  if (!format)
    return describe_unknown (content);
  if (format->advice)
    return g_strdup_printf ("%s (%s)", format->name, format->advice);
  return g_strdup (format->name);
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
