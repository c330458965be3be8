/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loads models from safetensors. docs/formats.md defines the keys of the layers. */
#include "container/formats.h"
#include "container/json.h"
#include "container/metadata-keys.h"
#include "kernels/float-mode.h"
#include "layers/source.h"
#include "load/convert-process.h"
#include "load/layer-config.h"
#include "model/model.h"
#include "util/onnx-data.h"
#include "util/text.h"
#include <glib/gstdio.h>

static const char *const common_keys[] = {"type", "name", "prefix", NULL};

static const char *
get_string (JsonObject *object, const char *key)
{
  return lstm_json_get_string (json_object_get_member (object, key));
}

static void
refuse_key (const LstmLayerSource *source, const char *key, GError **error)
{
  g_autoptr (GString) keys = g_string_new (NULL);

  for (guint i = 0; common_keys[i]; i++)
    lstm_text_append_item (keys, common_keys[i]);
  for (guint i = 0; source->kind->keys[i]; i++)
    lstm_text_append_item (keys, source->kind->keys[i]);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: layer \"%s\": expected keys of %s, found \"%s\"", source->st->file, source->name,
      keys->str, key);
}

/* Refuses keys that no code reads, because such an option would be silently ignored. */
static gboolean
check_keys (const LstmLayerSource *source, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (source->object);

  for (GList *l = members; l; l = l->next) {
    const char *key = l->data;
    const gboolean is_common = g_strv_contains (common_keys, key);

    if (!is_common && !g_strv_contains (source->kind->keys, key)) {
      refuse_key (source, key, error);
      return FALSE;
    }
    if (is_common && !get_string (source->object, key))
      return lstm_layer_source_refuse_value (source, source->object, key, "a string", error);
  }
  return TRUE;
}

/* Returns: (transfer none) (nullable): the layer kind that model files call @type, or NULL with
 * @error; @layer is the name of the layer in the message */
static const LstmLayerKind *
find_kind (const char *type, const char *file, const char *layer, GError **error)
{
  g_autoptr (GString) types = g_string_new (NULL);

  for (guint i = 0; lstm_layer_kinds[i]; i++) {
    const LstmLayerKind *kind = lstm_layer_kinds[i];

    if (kind->name && g_strcmp0 (type, kind->name) == 0)
      return kind;
    if (kind->name)
      lstm_text_append_item (types, kind->name);
  }
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: layer \"%s\": expected an object whose \"type\" is one of %s, found %s", file, layer,
      types->str, type ? type : "none");
  return NULL;
}

/* Adds the layer that @node describes, the @index-th element of the array of layers. */
static gboolean
add_layer (const LstmSafetensors *st, LstmBuilder *builder, JsonNode *node, guint index,
    GError **error)
{
  JsonObject *object = lstm_json_get_object (node);
  const char *type = object ? get_string (object, "type") : NULL;
  const char *name = object ? get_string (object, "name") : NULL;
  g_autofree char *shown = name ? g_strdup (name) : g_strdup_printf (KEY_LAYERS "[%u]", index);
  g_autofree char *prefix = object ? lstm_layer_config_get_prefix (object) : NULL;
  const LstmLayerKind *kind = find_kind (type, st->file, shown, error);
  const LstmLayerSource source = {kind, st, builder, shown, prefix, object};

  return kind && check_keys (&source, error) && kind->load (&source, error);
}

static gboolean
add_layers (
    const LstmSafetensors *st, LstmBuilder *builder, const char *module_chain, GError **error)
{
  g_autoptr (JsonArray) layers = lstm_layer_config_get (st, module_chain, error);

  if (!layers)
    return FALSE;
  for (guint i = 0; i < json_array_get_length (layers); i++)
    if (!add_layer (st, builder, json_array_get_element (layers, i), i, error))
      return FALSE;
  return TRUE;
}

static gboolean
check_all_used (const LstmSafetensors *st, GError **error)
{
  const LstmTensor *tensor = lstm_safetensors_find_unused (st);

  if (!tensor)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
      "%s: expected tensors of the layers in \"" KEY_LAYERS "\" of __metadata__, found tensor "
      "\"%s\"",
      st->file, tensor->name);
  return FALSE;
}

static LstmModel *
build_model (LstmContent *content, const char *name, LstmPrecision precision,
    const char *module_chain, GError **error)
{
  g_autoptr (LstmSafetensors) st = lstm_safetensors_new (content, name, error);
  g_autoptr (LstmBuilder) builder = st ? lstm_builder_new (name, precision, error) : NULL;

  LstmModel *model;
  double rate;

  if (!builder || !add_layers (st, builder, module_chain, error) || !check_all_used (st, error)
      || !lstm_layer_config_read_rate (st, &rate, error) || !lstm_safetensors_check (st, error)
      || !(model = lstm_model_new_from_builder (builder, error)))
    return NULL;
  model->rate = rate;
  return model;
}

/* Runs in a floating-point mode of its own, so that weights and their rounding are the same in
 * any thread. */
static LstmModel *
load_content (LstmContent *content, const char *name, LstmPrecision precision,
    const char *module_chain, GError **error)
{
  const LstmFloatMode caller = lstm_float_mode_enter (LSTM_FLOAT_EXACT);
  LstmModel *model = build_model (content, name, precision, module_chain, error);

  if (model)
    model->load_report = g_strdup ("safetensors");
  lstm_float_mode_leave (caller);
  lstm_error_make_valid (error);
  return model;
}

LstmModel *
lstm_model_load_bytes_full (GBytes *bytes, const char *name, LstmPrecision precision,
    const char *module_chain, GError **error)
{
  g_autoptr (LstmContent) content = lstm_content_new (bytes);

  return load_content (content, name, precision, module_chain, error);
}

LstmModel *
lstm_model_load_bytes (GBytes *bytes, const char *name, GError **error)
{
  return lstm_model_load_bytes_full (bytes, name, LSTM_PRECISION_FLOAT32, NULL, error);
}

/* Opens a file, which must not be a folder.
 * Returns: (transfer full) (nullable): its content, or NULL with LSTM_ERROR_FILE */
static LstmContent *
open_file (const char *path, GError **error)
{
  g_autofree char *folder = lstm_format_describe_folder (path);
  g_autoptr (GError) cause = NULL;
  LstmContent *content;

  if (folder) {
    g_set_error (
        error, LSTM_ERROR, LSTM_ERROR_FILE, "%s: expected a file, found %s", path, folder);
    return NULL;
  }
  if (!(content = lstm_content_open (path, &cause)))
    g_set_error_literal (error, LSTM_ERROR, LSTM_ERROR_FILE, cause->message);
  return content;
}

/* Returns whether lstm-convert must read a file of @format, or of an unknown format (NULL). The
 * library itself reads safetensors, and explains the known formats that lstm-convert does not
 * read. */
static gboolean
needs_conversion (const LstmFormat *format)
{
  return !format || (format->reader && !format->is_native);
}

/* Returns the size of the model @path with the files that store its tensors. */
static gsize
count_bytes (const char *path, LstmContent *content)
{
  gsize size = (gsize) MIN (lstm_content_get_size (content), G_MAXSIZE / 2);
  g_autoptr (GPtrArray) files = lstm_onnx_list_data_files (path, content);
  GStatBuf info;

  for (guint i = 0; i < files->len; i++)
    if (g_stat (g_ptr_array_index (files, i), &info) == 0)
      size += (gsize) MIN ((guint64) info.st_size, G_MAXSIZE / 2 - size);
  return size;
}

/* Sets the line about the loading of @model, a file of @format. @conversion: (nullable) */
static void
set_load_report (LstmModel *model, const LstmFormat *format, const char *conversion)
{
  g_autofree char *report = g_strconcat (format ? format->name : "an unknown format",
      conversion ? ", " : "", conversion ? conversion : "", NULL);

  g_free (model->load_report);
  model->load_report = g_utf8_make_valid (report, -1);
}

/* Returns: (transfer full): the content of the file at @path, which lstm-convert converts, or NULL
 * with @error. @report: see lstm_convert_file() */
static LstmContent *
convert_file (const char *path, LstmContent *file, const LstmFormat *format,
    const char *module_chain, char **report, GError **error)
{
  if (!module_chain || !format || format->has_module_chain)
    return lstm_convert_file (path, count_bytes (path, file), module_chain, report, error);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: module-chain is supported only for a PyTorch model; found %s", path, format->name);
  return NULL;
}

static LstmModel *
load_file (const char *path, LstmPrecision precision, const char *module_chain, GError **error)
{
  g_autofree char *conversion = NULL;
  g_autoptr (LstmContent) file = open_file (path, error), converted = NULL;
  const LstmFormat *format;
  LstmModel *model;

  if (!file)
    return NULL;
  format = lstm_format_find (file);
  if (needs_conversion (format)) {
    if (!(converted = convert_file (path, file, format, module_chain, &conversion, error)))
      return NULL;
    module_chain = NULL; /* The converter has applied the chain. */
  }
  model = load_content (converted ? converted : file, path, precision, module_chain, error);
  if (model)
    set_load_report (model, format, conversion);
  return model;
}

LstmModel *
lstm_model_load_full (
    const char *path, LstmPrecision precision, const char *module_chain, GError **error)
{
  LstmModel *model = load_file (path, precision, module_chain, error);

  lstm_error_make_valid (error);
  return model;
}

LstmModel *
lstm_model_load (const char *path, GError **error)
{
  return lstm_model_load_full (path, LSTM_PRECISION_FLOAT32, NULL, error);
}
