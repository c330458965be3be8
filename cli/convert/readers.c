/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which formats this lstm-convert reads. The build says so, as libraries for some may be missing. */
#include "convert.h"
#include "container/formats.h"
#include "util/text.h"

typedef struct {
  const char *name;                                                  /* as LstmFormat.reader */
  ConvertModel *(*read) (const ConvertInput *input, GError **error); /* NULL: left out */
  const char *why;                                                   /* it is left out */
} Reader;

#define X(name, read, reason) {name, read, reason},
static const Reader readers[] = {CONVERT_READERS (X)};
#undef X

static const Reader *
find_reader (const LstmFormat *format)
{
  for (guint i = 0; format && i < G_N_ELEMENTS (readers); i++)
    if (g_strcmp0 (readers[i].name, format->reader) == 0)
      return &readers[i];
  return NULL;
}

char *
convert_list_formats (void)
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
  GString *text = g_string_new ("lstm-convert " CONVERT_VERSION "\n");

  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    g_string_append_printf (text, "%s: %s%s\n", readers[i].name,
        readers[i].read ? "included" : "left out, ", readers[i].read ? "" : readers[i].why);
  return g_string_free (text, FALSE);
}

/* FALSE with @error unless there is a reader that takes the file and its options. */
static gboolean
check_reader (
    const ConvertInput *input, const LstmFormat *format, const Reader *reader, GError **error)
{
  g_autofree char *names = NULL, *found = NULL;

  if (format && format->reader && input->module_chain && !format->has_module_chain) {
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: module-chain is supported only for a PyTorch state dict in safetensors; found %s", input->path,
        format->name);
    return FALSE;
  }
  if (reader && reader->read)
    return TRUE;
  if (reader) {
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: this lstm-convert was built without %s: %s", input->path, reader->name,
        reader->why);
    return FALSE;
  }
  names = convert_list_formats ();
  found = lstm_format_describe (input->data, input->size, input->path);
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE,
      "%s: expected one of %s by the content, found %s", input->path, names, found);
  return FALSE;
}

ConvertModel *
convert_read (const ConvertInput *input, const char **name, GError **error)
{
  const LstmFormat *format = lstm_format_find (input->data, input->size);
  const Reader *reader = find_reader (format);

  if (!check_reader (input, format, reader, error))
    return NULL;
  *name = format->name;
  return reader->read (input, error);
}
