/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pytorch/state-dict.h"
#include "load/pytorch/records.h"
#include "pytorch/attributes.h"
#include "pytorch/tensor.h"
#include "util/text.h"
#include <string.h>

#define MAX_DEPTH 4        /* dicts within each other, up to a state dict */
#define MAX_ITEMS 32       /* of a list that may contain a state dict */
#define MAX_VISITS 100000  /* values that the search visits */
#define MAX_TENSORS 65536u /* of a model */

/* A state dict or a module in the file */
typedef struct {
  char *path;         /* the keys from the saved object, with dots; may be "" */
  GPtrArray *entries; /* TorchEntry */
  GPtrArray *records; /* LstmModuleRecord; NULL for a state dict */
} TorchPart;

/* The search in the saved object */
typedef struct {
  const TorchFile *file;
  GPtrArray *parts; /* TorchPart */
  GString *loose;   /* paths of tensors that belong to no state dict */
  guint n_visits, n_tensors;
} Search;

static TorchPart *
part_new (const char *path, gboolean has_records)
{
  TorchPart *part = g_new0 (TorchPart, 1);

  part->path = g_strdup (path);
  part->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) torch_entry_free);
  if (has_records)
    part->records = g_ptr_array_new_with_free_func ((GDestroyNotify) lstm_module_record_free);
  return part;
}

static void
part_free (gpointer data)
{
  TorchPart *part = data;

  g_ptr_array_unref (part->entries);
  g_clear_pointer (&part->records, g_ptr_array_unref);
  g_free (part->path);
  g_free (part);
}

void
torch_model_free (TorchModel *model)
{
  g_ptr_array_unref (model->entries);
  g_clear_pointer (&model->records, g_ptr_array_unref);
  g_free (model);
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

/* Returns whether @part may be a part of the model: it has a parameter, or a matrix. A matrix that
 * does not belong to the model is then refused by name, and can be dropped by the module chain. */
static gboolean
is_model (const TorchPart *part)
{
  for (guint i = 0; i < part->entries->len; i++) {
    const TorchEntry *entry = get_entry (part, i);

    if (is_parameter_name (entry->name) || torch_count_dims (entry->value) > 1)
      return TRUE;
  }
  return FALSE;
}

/* Returns whether @part may be a recurrent model. A class of the program counts, because the error
 * then names the class. */
static gboolean
is_recurrent (const TorchPart *part)
{
  for (guint i = 0; part->records && i < part->records->len; i++) {
    const LstmModuleRecord *record = g_ptr_array_index (part->records, i);

    if (record->kind == LSTM_RECORD_UNSUPPORTED
        && !g_str_has_prefix (record->class_name, "nn."))
      return TRUE;
  }
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
  TorchPart *part = part_new (path, FALSE);

  for (guint i = 0; i + 1 < dict->items->len; i += 2) {
    const PickleValue *key = g_ptr_array_index (dict->items, i),
                      *value = g_ptr_array_index (dict->items, i + 1);

    if (key->kind != PICKLE_STRING || !torch_is_tensor (value))
      continue;
    g_ptr_array_add (part->entries, torch_entry_new (key->text, value));
    search->n_tensors++;
  }
  if (is_model (part)) {
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

/* Adds a module, without the loss functions that a program may save with a model. */
static gboolean
add_module (Search *search, const PickleValue *module, const char *path, GError **error)
{
  TorchPart *part = part_new (path, TRUE);
  const gboolean is_read = torch_module_read (
      search->file, module, part->entries, part->records, error);

  if (is_read && part->records->len) {
    search->n_tensors += part->entries->len;
    g_ptr_array_add (search->parts, part);
  } else {
    part_free (part);
  }
  return is_read && check_limits (search, error);
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

/* Finds state dicts and modules in @value, except in the state of an optimizer. */
static gboolean
visit_value (
    Search *search, const PickleValue *value, const char *path, guint depth, GError **error)
{
  const gboolean is_dict = value->kind == PICKLE_DICT;

  if (!check_limits (search, error))
    return FALSE;
  if (depth > MAX_DEPTH || (is_dict && pickle_get (value, "param_groups")))
    return TRUE;
  if (torch_module_get_compiled (value))
    return visit_value (search, torch_module_get_compiled (value), path, depth + 1, error);
  if (torch_is_module (search->file, value))
    return add_module (search, value, path, error);
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

/* Removes the parts of which the file also has the average, because programs that save an average
 * use the average. */
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

/* Removes saved modules that have no tensors, or that are settings of Lightning, if there is a
 * recurrent state dict: it contains the tensors of the model. */
static void
prefer_state_dicts (GPtrArray *parts, GPtrArray *notes)
{
  gboolean has_state_dict = FALSE;

  for (guint i = 0; i < parts->len; i++) {
    const TorchPart *part = g_ptr_array_index (parts, i);

    has_state_dict |= !part->records && is_recurrent (part);
  }
  for (guint i = has_state_dict ? parts->len : 0; i > 0; i--) {
    const TorchPart *part = g_ptr_array_index (parts, i - 1);

    if (!part->records
        || (part->entries->len && !g_str_has_prefix (part->path, "hyper_parameters.")))
      continue;
    g_ptr_array_add (notes, g_strdup_printf ("not read: module \"%s\"", part->path));
    g_ptr_array_remove_index (parts, i - 1);
  }
}

static gboolean
fail_none (const Search *search, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *root = torch_is_tensor (search->file->root)
                              ? g_strdup ("a tensor")
                              : pickle_describe (search->file->root);

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

/* Removes what nn.DataParallel, torch.compile () and torch.optim.swa_utils add to a state dict. */
static void
strip_wrappers (TorchPart *part)
{
  for (guint i = part->entries->len; i > 0; i--)
    if (g_str_equal (get_entry (part, i - 1)->name, "n_averaged"))
      g_ptr_array_remove_index (part->entries, i - 1);
  while (strip_prefix (part->entries, "module.") || strip_prefix (part->entries, "_orig_mod."))
    ;
}

/* Replaces *@name by @path.@name. */
static void
add_path (const char *path, char **name)
{
  char *joined = **name ? join_path (path, *name) : g_strdup (path);

  g_free (*name);
  *name = joined;
}

/* Moves the tensors and records of @part to @model. @has_path: whether the path of @part precedes
 * the names */
static void
move_part (TorchPart *part, gboolean has_path, TorchModel *model)
{
  const guint first_entry = model->entries->len;
  const guint first_record = model->records ? model->records->len : 0;

  g_ptr_array_extend_and_steal (model->entries, g_ptr_array_ref (part->entries));
  if (part->records)
    g_ptr_array_extend_and_steal (model->records, g_ptr_array_ref (part->records));
  for (guint i = first_entry; has_path && i < model->entries->len; i++)
    add_path (part->path, &((TorchEntry *) g_ptr_array_index (model->entries, i))->name);
  for (guint i = first_record; has_path && part->records && i < model->records->len; i++)
    add_path (part->path, &((LstmModuleRecord *) g_ptr_array_index (model->records, i))->name);
}

static TorchModel *
join_parts (const GPtrArray *parts)
{
  TorchModel *model = g_new0 (TorchModel, 1);
  gboolean has_records = FALSE;

  for (guint i = 0; i < parts->len; i++)
    has_records |= ((TorchPart *) g_ptr_array_index (parts, i))->records != NULL;
  model->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) torch_entry_free);
  if (has_records)
    model->records = g_ptr_array_new_with_free_func ((GDestroyNotify) lstm_module_record_free);
  for (guint i = 0; i < parts->len; i++)
    move_part (g_ptr_array_index (parts, i), parts->len > 1, model);
  return model;
}

TorchModel *
torch_find_model (const TorchFile *file, GPtrArray *notes, GError **error)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (part_free);
  g_autoptr (GString) loose = g_string_new (NULL);
  Search search = {.file = file, .parts = parts, .loose = loose};
  gboolean is_found = FALSE;

  if (!visit_value (&search, file->root, "", 0, error))
    return NULL;
  for (guint i = 0; i < parts->len; i++)
    is_found |= is_recurrent (g_ptr_array_index (parts, i));
  if (!is_found) {
    fail_none (&search, error);
    return NULL;
  }
  for (guint i = 0; i < parts->len; i++) {
    TorchPart *part = g_ptr_array_index (parts, i);

    if (!part->records)
      strip_wrappers (part);
  }
  prefer_averages (parts, notes);
  prefer_state_dicts (parts, notes);
  if (loose->len)
    g_ptr_array_add (
        notes, g_strdup_printf ("not read: tensors outside of a state dict: %.*s%s",
                   (int) MIN (loose->len, 200), loose->str, loose->len > 200 ? "…" : ""));
  if (parts->len == 1) {
    const TorchPart *part = g_ptr_array_index (parts, 0);

    if (*part->path)
      g_ptr_array_add (notes,
          g_strdup_printf ("%s: \"%s\"", part->records ? "module" : "state dict", part->path));
  }
  return join_parts (parts);
}
