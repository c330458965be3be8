/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pytorch/attributes.h"
#include "pytorch/script.h"
#include <string.h>

#define SCRIPT "__torch__."
#define MANGLED "___torch_mangle_"

/* Before PyTorch 1.6 the class is in a persistent identifier with its source code. */
const char *
torch_get_class_text (const PickleValue *value)
{
  const PickleValue *class = value && value->kind == PICKLE_OBJECT ? value->callable : NULL;

  if (class && class->kind == PICKLE_PERSISTENT)
    class = pickle_get_item (class->args, 1);
  return class && class->kind == PICKLE_GLOBAL ? class->text : NULL;
}

char *
torch_module_get_class (const PickleValue *value)
{
  const char *text = torch_get_class_text (value);
  g_auto (GStrv) parts = NULL;
  GString *class;

  if (!text || !g_str_has_prefix (text, SCRIPT))
    return g_strdup (text);
  parts = g_strsplit (text + strlen (SCRIPT), ".", -1);
  class = g_string_new (NULL);
  for (guint i = 0; parts[i]; i++)
    if (!g_str_has_prefix (parts[i], MANGLED))
      g_string_append_printf (class, "%s%s", class->len ? "." : "", parts[i]);
  return g_string_free (class, FALSE);
}

char *
torch_module_get_attribute (const TorchFile *file, const PickleValue *module, const char *name)
{
  const PickleValue *value = pickle_get (module->state, name);

  if (!value && file->is_script)
    return torch_script_get_constant (file, torch_get_class_text (module), name);
  if (!value)
    return NULL;
  if (value->kind == PICKLE_STRING)
    return g_strdup (value->text);
  return value->kind == PICKLE_FLOAT ? g_strdup_printf ("%.17g", value->number)
                                     : pickle_describe (value);
}

gboolean
torch_is_module (const TorchFile *file, const PickleValue *value)
{
  const char *class = torch_get_class_text (value);

  return class && value->state && value->state->kind == PICKLE_DICT
         && (file->is_script ? g_str_has_prefix (class, SCRIPT)
                             : pickle_get (value->state, "_modules") != NULL);
}
