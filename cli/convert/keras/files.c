/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The containers of a Keras model: an archive, an HDF5 file with or without the configuration, or
 * the arrays of an .npz file. */
#include "container/archive.h"
#include "container/json.h"
#include "container/npz.h"
#include "keras/json.h"
#include "keras/keras.h"
#include "util/input-file.h"
#include <string.h>

#define CONFIG "config.json"
#define METADATA "metadata.json"
#define WEIGHTS "model.weights.h5"
#define MAX_METADATA_DEPTH 8

/* Returns: (transfer full) (nullable): the version of Keras that the archive states */
static char *
read_version (Archive *archive)
{
  g_autoptr (GBytes)
      bytes = archive_has (archive, METADATA) ? archive_read (archive, METADATA, NULL) : NULL;
  g_autoptr (JsonNode) root = NULL;
  gsize size;
  const char *text = bytes ? g_bytes_get_data (bytes, &size) : NULL;

  if (text)
    root = lstm_json_parse (text, size, MAX_METADATA_DEPTH, METADATA, NULL);
  return g_strdup (keras_get_string (lstm_json_get_object (root), "keras_version"));
}

static gpointer
read_archive (const ConvertInput *input, Archive *archive, KerasRead read, GError **error)
{
  KerasSource source = {input};
  g_autoptr (GBytes) config = NULL, weights = NULL;
  g_autofree char *version = NULL;
  g_autoptr (H5) h5 = NULL;
  const guint8 *data;
  gsize size;

  if (input->config) {
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: --config is supported only for a file without a configuration; found an archive "
        "with %s",
        input->path, CONFIG);
    return NULL;
  }
  version = read_version (archive);
  config = archive_read (archive, CONFIG, error);
  weights = config ? archive_read (archive, WEIGHTS, error) : NULL;
  if (!weights)
    return NULL;
  data = g_bytes_get_data (weights, &size);
  h5 = h5_open (input->path, data, size, error);
  if (!h5)
    return NULL;
  source.config = g_bytes_get_data (config, &source.config_size);
  source.version = version;
  source.h5 = h5;
  return read (&source, error);
}

/* Returns: (transfer full) (nullable): the first string of an attribute of the root group. Some
 * files of weights have the attribute in the group of the weights. */
static char *
read_attribute (H5 *h5, const char *name, GError **error)
{
  static const char *const groups[] = {"", "model_weights"};

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++) {
    g_autoptr (GPtrArray) strings = NULL;
    GError *cause = NULL;

    if (!h5_exists (h5, groups[i]))
      continue;
    strings = h5_get_strings (h5, groups[i], name, &cause);
    if (cause) {
      g_propagate_error (error, cause);
      return NULL;
    }
    if (strings && strings->len > 0)
      return g_strdup (g_ptr_array_index (strings, 0));
  }
  return NULL;
}

/* Returns: (transfer full): the argument of --config, for a message: the JSON file next to the
 * weights, if there is one of the same name */
static char *
suggest_config (const char *path)
{
  static const char *const suffixes[] = {".weights.h5", ".h5", ".hdf5", ".keras", ".npz"};
  gsize length = strlen (path);

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++) {
    g_autofree char *stem = NULL, *json = NULL;

    if (!g_str_has_suffix (path, suffixes[i]))
      continue;
    stem = g_strndup (path, length - strlen (suffixes[i]));
    json = g_strconcat (stem, ".json", NULL);
    if (g_file_test (json, G_FILE_TEST_IS_REGULAR))
      return g_path_get_basename (json);
  }
  return g_strdup ("FILE.json, which contains model.to_json ()");
}

/* Reports that @input has weights only. @found: what was expected and found */
static void
fail_no_config (const ConvertInput *input, GError **error, const char *found)
{
  g_autofree char *config = suggest_config (input->path);

  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
      "%s: %s; if the file contains weights only, pass the configuration with --config %s",
      input->path, found, config);
}

/* Returns: (transfer full): the configuration in the file of --config, or else in the file
 * itself */
static char *
read_config (const ConvertInput *input, H5 *h5, gsize *size, GError **error)
{
  GError *cause = NULL;
  char *config;

  if (input->config) {
    GBytes *bytes = lstm_input_file_read (input->config, error);

    return bytes ? g_bytes_unref_to_data (bytes, size) : NULL;
  }
  config = read_attribute (h5, "model_config", &cause);
  if (cause) {
    g_propagate_error (error, cause);
    return NULL;
  }
  if (!config)
    fail_no_config (input, error,
        "attribute model_config: expected the configuration of a Keras model, found none");
  *size = config ? strlen (config) : 0;
  return config;
}

static gpointer
read_h5 (const ConvertInput *input, KerasRead read, GError **error)
{
  g_autoptr (H5) h5 = h5_open (input->path, input->data, input->size, error);
  g_autofree char *config = NULL, *version = NULL;
  KerasSource source = {input, .h5 = h5};

  if (!h5)
    return NULL;
  source.config = config = read_config (input, h5, &source.config_size, error);
  if (!config)
    return NULL;
  source.version = version = read_attribute (h5, "keras_version", NULL);
  return read (&source, error);
}

/* Reads the weights of numpy.savez(), with the configuration in the file of --config. */
static gpointer
read_npz (const ConvertInput *input, KerasRead read, GError **error)
{
  g_autoptr (Npz) npz = npz_open (input->path, input->data, input->size, error);
  g_autoptr (GBytes) config = NULL;
  KerasSource source = {input, .npz = npz};

  if (!npz)
    return NULL;
  if (!input->config) {
    fail_no_config (
        input, error, "expected the configuration of a Keras model, found NumPy arrays only");
    return NULL;
  }
  config = lstm_input_file_read (input->config, error);
  if (!config)
    return NULL;
  source.config = g_bytes_get_data (config, &source.config_size);
  return read (&source, error);
}

/* Returns whether a zip archive contains NumPy arrays, and no configuration. */
static gboolean
has_only_arrays (Archive *archive)
{
  g_autoptr (GPtrArray) paths = archive_list (archive);

  for (guint i = 0; i < paths->len; i++)
    if (g_str_has_suffix (g_ptr_array_index (paths, i), ".npy"))
      return !archive_has (archive, CONFIG);
  return FALSE;
}

static gpointer
read_zip (const ConvertInput *input, KerasRead read, GError **error)
{
  g_autoptr (Archive) archive = archive_open (input->path, input->data, input->size, error);

  if (!archive)
    return NULL;
  return has_only_arrays (archive) ? read_npz (input, read, error)
                                   : read_archive (input, archive, read, error);
}

gpointer
keras_read_file (const ConvertInput *input, KerasRead read, GError **error)
{
  static const char zip[] = {'P', 'K'};
  gboolean is_zip = input->size >= sizeof zip && memcmp (input->data, zip, sizeof zip) == 0;

  return is_zip ? read_zip (input, read, error) : read_h5 (input, read, error);
}
