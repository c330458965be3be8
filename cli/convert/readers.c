/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The readers of this build. Meson leaves a reader out if its libraries are missing. */
#include "convert.h"
#include "container/formats.h"
#include "sibling.h"
#include "split/command.h"
#include "util/text.h"

/* Options of lstm-convert. A reader supports --config and --output, a format the module chain. */
enum {
  HAS_CONFIG = 1 << 0,
  HAS_OUTPUT = 1 << 1,
  HAS_MODULE_CHAIN = 1 << 2,
  HAS_KERAS_SOURCE =
      1 << 3, /* no option: the file may be an export of a Keras file next to it */
  READS_ON_DEMAND = 1 << 4, /* no option: the reader needs no ConvertInput.data */
};

typedef struct {
  const char *name;                                                  /* LstmFormat.reader */
  ConvertModel *(*read) (const ConvertInput *input, GError **error); /* NULL: left out */
  guint options;
  const char *reason; /* why the reader is left out; NULL: it is included */
  ConvertSplit *(*split) (const ConvertInput *input, GError **error); /* nullable */
  const char *split_reason; /* why @split is left out; NULL: it is included, or there is none */
} Reader;

/* cli/meson.build has the rows. */
#define X(name, read, options, reason, split, split_reason)                                    \
  {name, read, options, reason, split, split_reason},
static const Reader readers[] = {CONVERT_READERS (X)};
#undef X

/* NULL in a build without a split reader */
static const ConvertSplitWriter write_split = CONVERT_SPLIT_WRITER;

static const struct {
  guint flag;
  gsize offset; /* of the value in ConvertInput */
  const char *name, *purpose;
} options[] = {
    {HAS_CONFIG, G_STRUCT_OFFSET (ConvertInput, config), "--config",
        "a Keras file that contains weights only"},
    {HAS_OUTPUT, G_STRUCT_OFFSET (ConvertInput, output), "--output",
        "a model with several outputs"},
    {HAS_MODULE_CHAIN, G_STRUCT_OFFSET (ConvertInput, module_chain), "module-chain",
        "a PyTorch model"},
};

static const Reader *
find_reader (const LstmFormat *format)
{
  for (guint i = 0; format && i < G_N_ELEMENTS (readers); i++)
    if (g_strcmp0 (readers[i].name, format->reader) == 0)
      return &readers[i];
  return NULL;
}

char *
convert_list_readers (void)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    if (readers[i].read)
      lstm_text_append_item (names, readers[i].name);
  return g_string_free (names, FALSE);
}

char *
convert_describe_build (void)
{
  GString *text = g_string_new ("lstm-convert (gst-lstm) " CONVERT_VERSION "\n");

  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    g_string_append_printf (text, "%s: %s%s\n", readers[i].name,
        readers[i].read ? "included" : "left out, ", readers[i].read ? "" : readers[i].reason);
  return g_string_free (text, FALSE);
}

static gboolean
fail_unknown_format (const ConvertInput *input, GError **error)
{
  g_autofree char *names = convert_list_readers ();
  g_autofree char *found = lstm_format_describe (input->content);

  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE,
      "%s: expected one of %s by the content, found %s", input->path, names, found);
  return FALSE;
}

static gboolean
check_options (
    const ConvertInput *input, const LstmFormat *format, const Reader *reader, GError **error)
{
  guint supported = reader->options | (format->has_module_chain ? HAS_MODULE_CHAIN : 0);

  for (guint i = 0; i < G_N_ELEMENTS (options); i++) {
    if (!G_STRUCT_MEMBER (const char *, input, options[i].offset)
        || supported & options[i].flag)
      continue;
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: %s is supported only for %s; found %s", input->path, options[i].name,
        options[i].purpose, format->name);
    return FALSE;
  }
  return TRUE;
}

/* Sets @data to the bytes of the file if @reader needs them. Returns: FALSE with @error */
static gboolean
read_data (const Reader *reader, ConvertInput *input, GBytes **data, GError **error)
{
  if (reader->options & READS_ON_DEMAND)
    return TRUE;
  if (!(*data = lstm_content_read_all (input->content, error)))
    return FALSE;
  input->data = g_bytes_get_data (*data, &input->size);
  return TRUE;
}

/* Returns whether lstm-convert converts the file @path, a Keras model. */
static gboolean
loads_keras (const char *path)
{
  g_autoptr (LstmContent) content = lstm_content_open (path, NULL);
  g_autoptr (GBytes) data = NULL;
  g_autoptr (ConvertModel) model = NULL;
  ConvertInput input = {path, content};
  const Reader *reader;

  if (!content)
    return FALSE;
  reader = find_reader (lstm_format_find (content));
  if (reader && reader->read && g_str_equal (reader->name, "Keras")
      && read_data (reader, &input, &data, NULL))
    model = reader->read (&input, NULL);
  return model != NULL;
}

/* Appends "; HINT" to the message of @error. */
static void
add_hint (GError *error, const char *hint)
{
  char *message = error->message;

  error->message = g_strconcat (message, "; ", hint, NULL);
  g_free (message);
}

/* Adds to the message of @error that a Keras file next to @path can be converted. */
static void
add_sibling (const char *path, GError *error)
{
  g_autofree char *name = convert_find_sibling (path, loads_keras), *hint = NULL;

  if (!name)
    return;
  hint = g_strdup_printf ("%s in the same folder would load", name);
  add_hint (error, hint);
}

/* Returns whether @reader cuts the model, with @steps if it has no number of steps. */
static gboolean
can_split (const Reader *reader, const ConvertInput *input, guint steps)
{
  ConvertInput with_steps = *input;
  g_autoptr (GError) error = NULL;
  g_autoptr (ConvertSplit) split = NULL;

  with_steps.steps = steps;
  if (reader->split)
    split = reader->split (&with_steps, &error);
  return split != NULL;
}

/* Adds to the message of @error that --split cuts the model. */
static void
add_split (const Reader *reader, const ConvertInput *input, GError *error)
{
  if (can_split (reader, input, 0) || can_split (reader, input, 16))
    add_hint (error, "lstm-convert --split would cut this video model");
}

/* Returns the reader of a file in the format @format, if it is included and supports the options,
 * else NULL with @error. */
static const Reader *
choose_reader (const ConvertInput *input, const LstmFormat *format, GError **error)
{
  const Reader *reader = find_reader (format);

  if (!reader) {
    fail_unknown_format (input, error);
    return NULL;
  }
  if (!reader->read) {
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: this lstm-convert was built without %s: %s", input->path, reader->name,
        reader->reason);
    return NULL;
  }
  return check_options (input, format, reader, error) ? reader : NULL;
}

ConvertModel *
convert_read_model (const ConvertInput *input, const char **format_name, GError **error)
{
  const LstmFormat *format = lstm_format_find (input->content);
  const Reader *reader = choose_reader (input, format, error);
  ConvertInput with_data = *input;
  g_autoptr (GBytes) data = NULL;
  g_autoptr (GError) cause = NULL;
  ConvertModel *model;

  if (!reader || !read_data (reader, &with_data, &data, error))
    return NULL;
  *format_name = format->name;
  model = reader->read (&with_data, &cause);
  if (!model && reader->options & HAS_KERAS_SOURCE)
    add_sibling (input->path, cause);
  if (!model && g_error_matches (cause, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED))
    add_split (reader, &with_data, cause);
  if (cause)
    g_propagate_error (error, g_steal_pointer (&cause));
  return model;
}

/* Returns whether @reader splits models. */
static gboolean
check_split (
    const ConvertInput *input, const LstmFormat *format, const Reader *reader, GError **error)
{
  if (reader->split)
    return TRUE;
  if (reader->split_reason)
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: --split: this lstm-convert was built without ONNX, in which the features are "
        "written: %s",
        input->path, reader->split_reason);
  else
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: --split is supported only for Keras and ONNX models; found %s", input->path,
        format->name);
  return FALSE;
}

char *
convert_split_model (
    const ConvertInput *input, const ConvertSplitOptions *split_options, GError **error)
{
  const LstmFormat *format = lstm_format_find (input->content);
  const Reader *reader = choose_reader (input, format, error);
  ConvertInput with_data = *input;
  g_autoptr (GBytes) data = NULL;
  g_autoptr (ConvertSplit) split = NULL;

  if (!reader || !check_split (input, format, reader, error)
      || !read_data (reader, &with_data, &data, error))
    return NULL;
  split = reader->split (&with_data, error);
  if (!split)
    return NULL;
  g_printerr ("lstm-convert: %s: %s\n", input->path, format->name);
  return write_split (split, input->path, split_options, error);
}
