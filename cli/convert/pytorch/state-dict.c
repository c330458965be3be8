/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pytorch/state-dict.h"
#include "pytorch/tensor.h"
#include "util/text.h"
#include <string.h>

#define MAX_DEPTH 4        /* dicts within each other, up to a state dict */
#define MAX_ITEMS 32       /* of a list that may contain a state dict */
#define MAX_VISITS 100000  /* values that the search visits */
#define MAX_TENSORS 65536u /* of a model */

/* The search for state dicts in the saved object */
typedef struct {
  const TorchFile *file;
  GPtrArray *parts; /* TorchPart */
  GString *loose;   /* paths of tensors that belong to no state dict */
  guint n_visits, n_tensors;
} Search;

static void
entry_free (gpointer data)
{
  TorchEntry *entry = data;

  g_free (entry->name);
  g_free (entry);
}

static void
part_free (gpointer data)
{
  TorchPart *part = data;

  g_ptr_array_unref (part->entries);
  g_free (part->path);
  g_free (part);
}

static const TorchEntry *
get_entry (const TorchPart *part, guint i)
{
  return g_ptr_array_index (part->entries, i);
}

static char *
join_path (const char *path, const char *name)
{
  return *path ? g_strconcat (path, ".", name, NULL) : g_strdup (name);
}

/* Returns whether @name is the name of a parameter in a state dict, rather than of statistics of
 * the data or of the training that are saved with the model. */
static gboolean
is_parameter_name (const char *name)
{
  static const char *const words[] = {"weight", "bias", "running_mean", "running_var"};

  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    const char *found = strstr (name, words[i]);

    if (found && (found == name || found[-1] == '.' || found[-1] == '_'))
      return TRUE;
  }
  return FALSE;
}

static gboolean
has_parameter (const TorchPart *part)
{
  for (guint i = 0; i < part->entries->len; i++)
    if (is_parameter_name (get_entry (part, i)->name))
      return TRUE;
  return FALSE;
}

static gboolean
has_recurrent_weight (const TorchPart *part)
{
  for (guint i = 0; i < part->entries->len; i++)
    if (strstr (get_entry (part, i)->name, "weight_hh"))
      return TRUE;
  return FALSE;
}

static gboolean
check_limits (Search *search, GError **error)
{
  return (++search->n_visits <= MAX_VISITS && search->n_tensors <= MAX_TENSORS)
         || torch_file_fail (search->file, CONVERT_ERROR_UNSUPPORTED, error,
             "expected at most %u tensors in %d values, found more", MAX_TENSORS, MAX_VISITS);
}

/* Adds the tensors of @dict as a state dict. */
static gboolean
add_part (Search *search, const PickleValue *dict, const char *path, GError **error)
{
  TorchPart *part = g_new0 (TorchPart, 1);

  part->path = g_strdup (path);
  part->entries = g_ptr_array_new_with_free_func (entry_free);
  for (guint i = 0; i + 1 < dict->items->len; i += 2) {
    const PickleValue *key = g_ptr_array_index (dict->items, i),
                      *value = g_ptr_array_index (dict->items, i + 1);
    TorchEntry *entry;

    if (key->kind != PICKLE_STRING || !torch_is_tensor (value))
      continue;
    entry = g_new0 (TorchEntry, 1);
    entry->name = g_strdup (key->text);
    entry->value = value;
    g_ptr_array_add (part->entries, entry);
    search->n_tensors++;
  }
  if (has_parameter (part)) {
    g_ptr_array_add (search->parts, part);
  } else {
    for (guint i = 0; i < part->entries->len; i++) {
      g_autofree char *name = join_path (path, get_entry (part, i)->name);

      lstm_text_append_item (search->loose, name);
    }
    part_free (part);
  }
  return check_limits (search, error);
}

static gboolean visit_value (
    Search *search, const PickleValue *value, const char *path, guint depth, GError **error);

static gboolean
visit_item (Search *search, const PickleValue *value, const char *path, const char *name,
    guint depth, GError **error)
{
  g_autofree char *below = join_path (path, name);

  return visit_value (search, value, below, depth + 1, error);
}

/* Finds state dicts in @value, except in the state of an optimizer. */
static gboolean
visit_value (
    Search *search, const PickleValue *value, const char *path, guint depth, GError **error)
{
  const gboolean is_dict = value->kind == PICKLE_DICT;

  if (!check_limits (search, error))
    return FALSE;
  if (depth > MAX_DEPTH || (is_dict && pickle_get (value, "param_groups")))
    return TRUE;
  if (is_dict && !add_part (search, value, path, error))
    return FALSE;
  for (guint i = 0; is_dict && i + 1 < value->items->len; i += 2) {
    const PickleValue *key = g_ptr_array_index (value->items, i);

    if (key->kind == PICKLE_STRING
        && !visit_item (
            search, g_ptr_array_index (value->items, i + 1), path, key->text, depth, error))
      return FALSE;
  }
  for (guint i = 0; i < MIN (pickle_count (value), MAX_ITEMS); i++) {
    g_autofree char *name = g_strdup_printf ("%u", i);

    if (!visit_item (search, pickle_get_item (value, i), path, name, depth, error))
      return FALSE;
  }
  return TRUE;
}

/* --- The choice of a state dict --- */

/* Returns whether a word of @path is "ema", an exponential moving average of the weights. */
static gboolean
is_average (const char *path)
{
  g_auto (GStrv) words = g_strsplit_set (path, "._-", -1);

  return g_strv_contains ((const char *const *) words, "ema");
}

static gboolean
has_same_names (const TorchPart *a, const TorchPart *b)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < a->entries->len; i++)
    g_hash_table_add (names, get_entry (a, i)->name);
  for (guint i = 0; i < b->entries->len; i++)
    if (!g_hash_table_contains (names, get_entry (b, i)->name))
      return FALSE;
  return a->entries->len == b->entries->len;
}

/* Removes the state dicts of which the file also has the average, because programs that save an
 * average use the average. */
static void
prefer_averages (GPtrArray *parts, GPtrArray *notes)
{
  for (guint a = 0; a < parts->len; a++) {
    const TorchPart *average = g_ptr_array_index (parts, a);

    for (guint i = parts->len; is_average (average->path) && i > 0; i--) {
      const TorchPart *part = g_ptr_array_index (parts, i - 1);

      if (is_average (part->path) || !has_same_names (part, average))
        continue;
      g_ptr_array_add (
          notes, g_strdup_printf ("not read: \"%s\", whose moving average is \"%s\"",
                     part->path, average->path));
      g_ptr_array_remove_index (parts, i - 1);
      a = 0;
    }
  }
}

static gboolean
fail_none (const Search *search, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *root = pickle_describe (search->file->root);

  for (guint i = 0; i < search->parts->len && names->len < 200; i++) {
    const TorchPart *part = g_ptr_array_index (search->parts, i);

    for (guint k = 0; k < part->entries->len && names->len < 200; k++)
      lstm_text_append_item (names, get_entry (part, k)->name);
  }
  return torch_file_fail (search->file, CONVERT_ERROR_UNSUPPORTED, error,
      "expected a state dict with a tensor \"weight_hh_l0\" of an nn.LSTM, nn.GRU or nn.RNN, "
      "found %s%s%s",
      names->len ? "tensors " : root, names->str, names->len >= 200 ? ", …" : "");
}

/* Removes @prefix from all names if each name begins with it. Returns whether it did. */
static gboolean
strip_prefix (GPtrArray *entries, const char *prefix)
{
  const gsize length = strlen (prefix);

  for (guint i = 0; i < entries->len; i++)
    if (!g_str_has_prefix (((TorchEntry *) g_ptr_array_index (entries, i))->name, prefix))
      return FALSE;
  for (guint i = 0; i < entries->len; i++) {
    TorchEntry *entry = g_ptr_array_index (entries, i);

    memmove (entry->name, entry->name + length, strlen (entry->name) - length + 1);
  }
  return entries->len > 0;
}

/* Returns: (transfer full) (element-type TorchEntry): the tensors of all parts */
static GPtrArray *
join_parts (const GPtrArray *parts)
{
  GPtrArray *entries = g_ptr_array_new_with_free_func (entry_free);

  for (guint i = 0; i < parts->len; i++) {
    const TorchPart *part = g_ptr_array_index (parts, i);

    /* nn.DataParallel, and torch.compile () */
    while (
        strip_prefix (part->entries, "module.") || strip_prefix (part->entries, "_orig_mod."))
      ;
    for (guint k = 0; k < part->entries->len; k++) {
      TorchEntry *entry = g_new0 (TorchEntry, 1);

      entry->name = join_path (parts->len > 1 ? part->path : "", get_entry (part, k)->name);
      entry->value = get_entry (part, k)->value;
      g_ptr_array_add (entries, entry);
    }
  }
  return entries;
}

GPtrArray *
torch_find_tensors (const TorchFile *file, GPtrArray *notes, GError **error)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (part_free);
  g_autoptr (GString) loose = g_string_new (NULL);
  Search search = {.file = file, .parts = parts, .loose = loose};
  guint n_recurrent = 0;

  if (!visit_value (&search, file->root, "", 0, error))
    return NULL;
  for (guint i = 0; i < parts->len; i++)
    n_recurrent += has_recurrent_weight (g_ptr_array_index (parts, i));
  if (!n_recurrent) {
    fail_none (&search, error);
    return NULL;
  }
  prefer_averages (parts, notes);
  if (loose->len)
    g_ptr_array_add (
        notes, g_strdup_printf ("not read: tensors outside of a state dict: %.*s%s",
                   (int) MIN (loose->len, 200), loose->str, loose->len > 200 ? "…" : ""));
  if (parts->len == 1 && *((TorchPart *) g_ptr_array_index (parts, 0))->path)
    g_ptr_array_add (notes, g_strdup_printf ("state dict: \"%s\"",
                                ((TorchPart *) g_ptr_array_index (parts, 0))->path));
  return join_parts (parts);
}
