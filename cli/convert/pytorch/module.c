/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pytorch/module.h"
#include "pytorch/attributes.h"
#include "pytorch/classes.h"
#include "pytorch/tensor.h"
#include <string.h>

#define MAX_DEPTH 16     /* modules within each other */
#define MAX_MODULES 4096 /* of a file */
#define TORCH_MODULES "torch.nn.modules."
#define COMPILED "torch._dynamo.eval_frame.OptimizedModule"

TorchEntry *
torch_entry_new (const char *name, const PickleValue *value)
{
  TorchEntry *entry = g_new0 (TorchEntry, 1);

  entry->name = g_strdup (name);
  entry->value = value;
  return entry;
}

void
torch_entry_free (TorchEntry *entry)
{
  g_free (entry->name);
  g_free (entry);
}

/* --- Reading --- */

typedef struct {
  const TorchFile *file;
  GPtrArray *entries, *records;
} Walk;

static char *
join_name (const char *name, const char *child)
{
  return *name ? g_strconcat (name, ".", child, NULL) : g_strdup (child);
}

/* Appends the tensors of @dict. Returns their number. */
static guint
add_tensors (Walk *walk, const PickleValue *dict, const char *name)
{
  guint n = 0;

  for (guint i = 0; dict && dict->kind == PICKLE_DICT && i + 1 < dict->items->len; i += 2) {
    const PickleValue *key = g_ptr_array_index (dict->items, i),
                      *value = g_ptr_array_index (dict->items, i + 1);
    g_autofree char *full = NULL;

    if (key->kind != PICKLE_STRING || !torch_is_tensor (value))
      continue;
    full = join_name (name, key->text);
    g_ptr_array_add (walk->entries, torch_entry_new (full, value));
    n++;
  }
  return n;
}

/* Returns whether @dict is a dict with an entry. */
static gboolean
has_entry (const PickleValue *dict)
{
  return dict && dict->kind == PICKLE_DICT && dict->items->len > 0;
}

/* Returns: (transfer full): the record of a module whose class is not of torch.nn */
static LstmModuleRecord *
make_custom_record (
    const Walk *walk, const PickleValue *module, const char *class, const char *name)
{
  const PickleValue *state = module->state;
  gboolean has_modules = FALSE, has_tensors = FALSE;
  g_autofree char *shown = NULL;
  const PickleValue *modules = walk->file->is_script ? state : pickle_get (state, "_modules");
  const PickleValue *tensors = walk->file->is_script ? state
                                                     : pickle_get (state, "_parameters");

  for (guint i = 1; has_entry (modules) && i < modules->items->len; i += 2)
    has_modules |= torch_is_module (walk->file, g_ptr_array_index (modules->items, i));
  for (guint i = 1; has_entry (tensors) && i < tensors->items->len; i += 2)
    has_tensors |= torch_is_tensor (g_ptr_array_index (tensors->items, i));
  shown = g_strconcat (
      class, has_modules && has_tensors ? " with tensors of its own" : "", NULL);
  return lstm_module_record_new (
      has_modules && !has_tensors && !g_str_has_prefix (class, "torch.")
          ? LSTM_RECORD_CUSTOM
          : LSTM_RECORD_UNSUPPORTED,
      name, shown, NULL);
}

/* Returns: (transfer full) (nullable): the record; NULL for a module that only training uses */
static LstmModuleRecord *
make_record (const Walk *walk, const PickleValue *module, const char *class, const char *name)
{
  const PickleValue *state = module->state;

  if (g_str_has_prefix (class, TORCH_MODULES "loss."))
    return NULL;
  if (has_entry (pickle_get (state, "_forward_hooks"))
      || has_entry (pickle_get (state, "_forward_pre_hooks"))) {
    g_autofree char *shown = g_strconcat (class, " with a hook", NULL);

    return lstm_module_record_new (LSTM_RECORD_UNSUPPORTED, name, shown, NULL);
  }
  return g_str_has_prefix (class, TORCH_MODULES)
             ? torch_class_make_record (walk->file, module, class, name)
             : make_custom_record (walk, module, class, name);
}

static gboolean walk_module (
    Walk *walk, const PickleValue *module, const char *name, guint depth, GError **error);

static gboolean
walk_children (
    Walk *walk, const PickleValue *modules, const char *name, guint depth, GError **error)
{
  for (guint i = 0; has_entry (modules) && i + 1 < modules->items->len; i += 2) {
    const PickleValue *key = g_ptr_array_index (modules->items, i),
                      *value = g_ptr_array_index (modules->items, i + 1);
    g_autofree char *child = NULL;

    if (key->kind != PICKLE_STRING || !torch_is_module (walk->file, value))
      continue;
    child = join_name (name, key->text);
    if (!walk_module (walk, value, child, depth + 1, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
walk_module (
    Walk *walk, const PickleValue *module, const char *name, guint depth, GError **error)
{
  const TorchFile *file = walk->file;
  const PickleValue *state = module->state;
  g_autofree char *class = torch_module_get_class (module);
  LstmModuleRecord *record;

  if (depth > MAX_DEPTH || walk->records->len >= MAX_MODULES)
    return torch_file_fail (file, CONVERT_ERROR_UNSUPPORTED, error,
        "module \"%s\": expected at most %d modules, and %d within each other, found more",
        name, MAX_MODULES, MAX_DEPTH);
  if (!(record = make_record (walk, module, class, name)))
    return TRUE;
  g_ptr_array_add (walk->records, record);
  switch (record->kind) {
  case LSTM_RECORD_LAYER:
    add_tensors (walk, file->is_script ? state : pickle_get (state, "_parameters"), name);
    if (!file->is_script)
      add_tensors (walk, pickle_get (state, "_buffers"), name);
    return TRUE;
  case LSTM_RECORD_CUSTOM:
    if (!file->is_script) { /* forward () may use its buffers, and tensors that are attributes */
      add_tensors (walk, pickle_get (state, "_buffers"), name);
      add_tensors (walk, state, name);
    }
    /* fall through */
  case LSTM_RECORD_SEQUENCE:
    return walk_children (
        walk, file->is_script ? state : pickle_get (state, "_modules"), name, depth, error);
  default:
    return TRUE;
  }
}

const PickleValue *
torch_module_get_compiled (const PickleValue *value)
{
  const char *class = torch_get_class_text (value);

  return class && !value->state && g_str_equal (class, COMPILED)
             ? pickle_get_item (value->args, 0)
             : NULL;
}

/* Returns: (transfer none): the module in the modules that only distribute or compile it */
static const PickleValue *
unwrap_module (const TorchFile *file, const PickleValue *module)
{
  static const struct {
    const char *class, *name;
  } wrappers[] = {
      {"torch.nn.parallel.data_parallel.DataParallel", "module"},
      {"torch.nn.parallel.distributed.DistributedDataParallel", "module"},
      {COMPILED, "_orig_mod"},
  };

  for (guint depth = 0; depth < MAX_DEPTH; depth++) {
    const char *class = torch_get_class_text (module);
    const PickleValue *inner = NULL;

    for (guint i = 0; i < G_N_ELEMENTS (wrappers); i++)
      if (g_str_equal (class, wrappers[i].class))
        inner = pickle_get (pickle_get (module->state, "_modules"), wrappers[i].name);
    if (!inner || !torch_is_module (file, inner))
      return module;
    module = inner;
  }
  return module;
}

gboolean
torch_module_read (const TorchFile *file, const PickleValue *module, GPtrArray *entries,
    GPtrArray *records, GError **error)
{
  Walk walk = {file, entries, records};

  return walk_module (&walk, unwrap_module (file, module), "", 0, error);
}
