/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtneural/rtneural.h"
#include "container/json.h"
#include "util/text.h"

#define MAX_LISTED 8 /* keys of the file in a message */

/* The dialects, each with the keys of its files. A dialect without a function is not supported. */
static const struct {
  const char *keys[2];
  gboolean (*convert) (RtReader *reader);
  const char *found; /* description of a dialect that is not supported */
} dialects[] = {
    {{"in_shape", "layers"}, rt_convert_layers},
    {{"model_data", "state_dict"}, rt_convert_state_dict},
    {{"conv1d", "lstm"}, NULL, "convolutions before an LSTM, as SmartAmpPro saves them"},
    {{"residual_channels", "dilations"}, NULL, "a WaveNet, as SmartGuitarAmp saves it"},
};

/* Returns whether the file has a tensor of a recurrent module of PyTorch at the top. */
static gboolean
has_tensors (const JsonFile *file)
{
  g_autoptr (GList) keys = json_object_get_members (file->object);

  for (GList *l = keys; l; l = l->next)
    if (g_str_has_suffix (l->data, "weight_hh_l0"))
      return TRUE;
  return FALSE;
}

static gboolean
fail_dialect (JsonFile *file)
{
  g_autoptr (GList) keys = json_object_get_members (file->object);
  g_autoptr (GString) found = g_string_new (NULL);
  guint n = 0;

  for (GList *l = keys; l && n < MAX_LISTED; l = l->next, n++)
    lstm_text_append_item (found, l->data);
  if (n == MAX_LISTED)
    g_string_append (found, ", …");
  return json_file_fail (file, CONVERT_ERROR_UNSUPPORTED, "",
      "expected one model, with the keys in_shape and layers of RTNeural, or model_data and "
      "state_dict of GuitarML; found %s",
      n ? found->str : "no keys");
}

static gboolean
convert_dialect (RtReader *reader)
{
  JsonFile *file = reader->file;

  for (gsize i = 0; i < G_N_ELEMENTS (dialects); i++) {
    if (!json_object_has_member (file->object, dialects[i].keys[0])
        || !json_object_has_member (file->object, dialects[i].keys[1]))
      continue;
    if (dialects[i].convert)
      return dialects[i].convert (reader);
    return json_file_fail (file, CONVERT_ERROR_UNSUPPORTED, dialects[i].keys[0],
        "expected an LSTM or a GRU with dense layers, found %s", dialects[i].found);
  }
  return has_tensors (file) ? rt_convert_tensors (reader) : fail_dialect (file);
}

/* Reads the rate from the file, or from its metadata, which take precedence. */
static void
read_rate (RtReader *reader)
{
  static const char *const keys[] = {"samplerate", "sample_rate"};
  const JsonPart root = {reader->file->object, ""};
  const JsonPart metadata = {
      lstm_json_get_object (json_file_find (root, "metadata")), "metadata"};

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    const gboolean has_metadata = metadata.object && json_file_find (metadata, keys[i]);

    json_file_read_rate (has_metadata ? metadata : root, keys[i], reader->model);
  }
}

ConvertModel *
convert_read_rtneural (const ConvertInput *input, GError **error)
{
  g_auto (JsonFile) file = {0};
  RtReader reader = {
      .file = &file, .module_chain = input->module_chain, .model = convert_model_new ()};

  if (json_file_open (&file, input) && convert_dialect (&reader)
      && json_file_check_finite (&file, reader.model)) {
    read_rate (&reader);
    return reader.model;
  }
  convert_model_free (reader.model);
  g_propagate_error (error, g_steal_pointer (&file.error));
  return NULL;
}
