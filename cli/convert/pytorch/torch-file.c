/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pytorch/torch-file.h"
#include <string.h>

/* The first pickle of the format before PyTorch 1.6, 0x1950a86a20f9469cfc6c, little-endian */
static const guint8 magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

#define MAX_SIZE (G_MAXSSIZE / 64) /* numbers of a storage */
#define LEGACY_PROTOCOL 1001       /* the second pickle */
#define BIG_ENDIAN_ADVICE "; load and save the file with PyTorch on a little-endian machine"

void
torch_file_close (TorchFile *file)
{
  g_clear_pointer (&file->archive, archive_close);
  g_clear_pointer (&file->storages, g_hash_table_unref);
  g_clear_pointer (&file->embedded, g_hash_table_unref);
  pickle_free (file->pickle);
  g_free (file->folder);
  g_free (file);
}

gboolean
torch_file_fail (
    const TorchFile *file, ConvertError code, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, CONVERT_ERROR, code, "%s: %s", file->input->path, problem);
  return FALSE;
}

/* --- Storages --- */

/* Reads a size. Returns FALSE if @value is no integer that fits. */
static gboolean
get_size (const PickleValue *value, gsize *size)
{
  if (!value || value->kind != PICKLE_INT || value->integer < 0 || value->integer > MAX_SIZE)
    return FALSE;
  *size = (gsize) value->integer;
  return TRUE;
}

/* Returns: (transfer none) (nullable): the text of a key, which PyTorch before 0.4 wrote as an
 * integer of Python 2 in digits */
static const char *
get_key (const PickleValue *value)
{
  return value && value->kind == PICKLE_STRING ? value->text : NULL;
}

gboolean
torch_storage_parse (
    const TorchFile *file, const PickleValue *value, TorchStorage *storage, GError **error)
{
  const PickleValue *id = value && value->kind == PICKLE_PERSISTENT ? value->args : NULL;
  const PickleValue *class = pickle_get_item (id, 1), *view = pickle_get_item (id, 5);
  const TorchStorage *embedded = g_hash_table_lookup (file->embedded, value);
  g_autofree char *found = NULL;

  if (embedded) {
    *storage = *embedded;
    return TRUE;
  }
  storage->key = get_key (pickle_get_item (id, 2));
  storage->type = torch_type_find_storage (class);
  storage->offset = 0;
  if (storage->key && !strchr (storage->key, '/')
      && get_size (pickle_get_item (id, 4), &storage->n)
      && (storage->type || pickle_is_global (class, "torch.storage.UntypedStorage")
          || pickle_is_global (class, "torch.UntypedStorage"))
      && (!pickle_count (view)
          || (get_size (pickle_get_item (view, 1), &storage->offset)
              && get_size (pickle_get_item (view, 2), &storage->n))))
    return TRUE;
  found = pickle_describe (class);
  return torch_file_fail (file, CONVERT_ERROR_FILE, error,
      "storage: expected a class of storages of PyTorch, a key and a size, found class %s",
      found);
}

GBytes *
torch_file_get_storage (TorchFile *file, const char *key, GError **error)
{
  GBytes *bytes = g_hash_table_lookup (file->storages, key);

  if (!bytes && file->archive) {
    g_autofree char *name = g_strconcat (file->folder, "data/", key, NULL);

    bytes = archive_read_path (file->archive, name, error);
    if (bytes)
      g_hash_table_insert (file->storages, g_strdup (key), bytes);
  } else if (!bytes) {
    torch_file_fail (file, CONVERT_ERROR_FILE, error,
        "storage \"%s\": expected a storage in the file, found none", key);
  }
  return bytes;
}

/* --- The archive of PyTorch 1.6 and later --- */

static gboolean
check_byte_order (TorchFile *file, GError **error)
{
  g_autofree char *name = g_strconcat (file->folder, "byteorder", NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *order = NULL;
  gsize size;

  if (!archive_has_path (file->archive, name))
    return TRUE; /* PyTorch before 2.1 */
  bytes = archive_read_path (file->archive, name, error);
  if (!bytes)
    return FALSE;
  order = g_strndup (g_bytes_get_data (bytes, &size), MIN (g_bytes_get_size (bytes), 20));
  return g_str_equal (order, "little")
         || torch_file_fail (file, CONVERT_ERROR_UNSUPPORTED, error,
             "byteorder: expected \"little\", found \"%s\"" BIG_ENDIAN_ADVICE, order);
}

/* Reads @pickle, which must fill @bytes. @bytes: kept in @file */
static gboolean
read_pickle (TorchFile *file, GBytes *bytes, GError **error)
{
  gsize size, end;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_hash_table_insert (file->storages, g_strdup ("/data.pkl"), bytes);
  file->root = pickle_read (file->pickle, data, size, &end, error);
  return file->root != NULL;
}

static gboolean
read_archive (TorchFile *file, GError **error)
{
  const ConvertInput *input = file->input;
  g_autofree char *member = NULL, *code = NULL;
  GBytes *bytes;

  file->archive = archive_open (input->path, input->data, input->size, error);
  member = file->archive ? archive_find (file->archive, "data.pkl", error) : NULL;
  if (!member)
    return FALSE;
  file->folder = g_strndup (member, strlen (member) - strlen ("data.pkl"));
  code = g_strconcat (file->folder, "code/", NULL);
  file->is_script = archive_has_folder (file->archive, code);
  if (!check_byte_order (file, error))
    return FALSE;
  bytes = archive_read_path (file->archive, member, error);
  return bytes && read_pickle (file, bytes, error);
}

/* --- The pickles and storages before PyTorch 1.6 --- */

/* Reads the pickle at @at, and moves @at behind it. Returns: (transfer none): NULL with @error */
static const PickleValue *
read_next (TorchFile *file, gsize *at, GError **error)
{
  const ConvertInput *input = file->input;
  gsize size = 0;
  const PickleValue *value = pickle_read (
      file->pickle, input->data + *at, input->size - *at, &size, error);

  *at += size;
  return value;
}

static gboolean
check_system (const TorchFile *file, const PickleValue *system, GError **error)
{
  const PickleValue *little = pickle_get (system, "little_endian");

  return !little || little->kind != PICKLE_BOOL || little->integer
         || torch_file_fail (file, CONVERT_ERROR_UNSUPPORTED, error,
             "little_endian: expected True, found False" BIG_ENDIAN_ADVICE);
}

/* Returns: (transfer full): key → TorchType of all storages in the pickle */
static GHashTable *
list_types (const TorchFile *file)
{
  GHashTable *types = g_hash_table_new (g_str_hash, g_str_equal);
  const GPtrArray *values = pickle_get_values (file->pickle);

  for (guint i = 0; i < values->len; i++) {
    const PickleValue *value = g_ptr_array_index (values, i);
    TorchStorage storage;

    if (value->kind == PICKLE_PERSISTENT && torch_storage_parse (file, value, &storage, NULL)
        && storage.type)
      g_hash_table_insert (types, (char *) storage.key, (gpointer) storage.type);
  }
  return types;
}

/* Stores the bytes of the storage @key, which begin at @at after the number of its elements. */
static gboolean
add_storage (TorchFile *file, const char *key, const TorchType *type, gsize *at, GError **error)
{
  const ConvertInput *input = file->input;
  guint64 n;
  gsize left = input->size - *at;

  if (!key || !type)
    return torch_file_fail (file, CONVERT_ERROR_FILE, error,
        "storage \"%s\": expected the key of a storage in the pickle, found none",
        key ? key : "");
  if (left < sizeof n)
    return torch_file_fail (file, CONVERT_ERROR_FILE, error,
        "storage \"%s\": expected a size of 8 bytes, found %" G_GSIZE_FORMAT
        " bytes before the end of the file",
        key, left);
  memcpy (&n, input->data + *at, sizeof n);
  n = GUINT64_FROM_LE (n);
  *at += sizeof n;
  left -= sizeof n;
  if (n > left / type->size)
    return torch_file_fail (file, CONVERT_ERROR_FILE, error,
        "storage \"%s\": expected %" G_GUINT64_FORMAT " numbers of %" G_GSIZE_FORMAT
        " bytes, found %" G_GSIZE_FORMAT " bytes before the end of the file",
        key, n, type->size, left);
  g_hash_table_insert (file->storages, g_strdup (key),
      g_bytes_new_static (input->data + *at, (gsize) n * type->size));
  *at += (gsize) n * type->size;
  return TRUE;
}

static gboolean
read_storages (TorchFile *file, const PickleValue *keys, gsize at, GError **error)
{
  g_autoptr (GHashTable) types = list_types (file);

  for (guint i = 0; i < pickle_count (keys); i++) {
    const char *key = get_key (pickle_get_item (keys, i));

    if (!add_storage (file, key, key ? g_hash_table_lookup (types, key) : NULL, &at, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
has_magic (const PickleValue *value)
{
  return value->kind == PICKLE_BIG_INT && value->length == sizeof magic
         && memcmp (value->text, magic, sizeof magic) == 0;
}

/* Reads the pickles and storages after the magic number. @at: of the next pickle, in bytes */
static gboolean
read_sequence (TorchFile *file, gsize at, GError **error)
{
  const PickleValue *protocol = read_next (file, &at, error), *system, *keys;

  if (!protocol)
    return FALSE;
  if (protocol->kind != PICKLE_INT || protocol->integer != LEGACY_PROTOCOL) {
    g_autofree char *found = pickle_describe (protocol);

    return torch_file_fail (file, CONVERT_ERROR_UNSUPPORTED, error,
        "version: expected %d, found %s", LEGACY_PROTOCOL, found);
  }
  return (system = read_next (file, &at, error)) && check_system (file, system, error)
         && (file->root = read_next (file, &at, error)) && (keys = read_next (file, &at, error))
         && read_storages (file, keys, at, error);
}

static TorchFile *
file_new (const ConvertInput *input)
{
  g_autofree char *source = g_strconcat (input->path, ": pickle", NULL);
  TorchFile *file = g_new0 (TorchFile, 1);

  file->input = input;
  file->pickle = pickle_new (source);
  file->storages = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  file->embedded = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return file;
}

/* --- The pickle of Python --- */

/* Returns whether @value records a storage as bytes, which are a file before PyTorch 1.6. */
static gboolean
is_embedded (const PickleValue *value)
{
  return value->kind == PICKLE_OBJECT
         && pickle_is_global (value->callable, "torch.storage._load_from_bytes");
}

/* Adds the storage that @value records. */
static gboolean
add_embedded (TorchFile *file, const PickleValue *value, GError **error)
{
  const PickleValue *bytes = pickle_get_item (value->args, 0), *first;
  ConvertInput input = {.path = file->input->path};
  g_autoptr (TorchFile) inner = file_new (&input);
  g_autofree TorchStorage *storage = g_new0 (TorchStorage, 1);
  g_autofree char *key = NULL, *found = NULL;
  GBytes *content;
  gsize at = 0;

  if (!bytes || bytes->kind != PICKLE_BYTES) {
    found = pickle_describe (bytes);
    return torch_file_fail (file, CONVERT_ERROR_UNSUPPORTED, error,
        "storage in the pickle: expected bytes, found %s; save the model with torch.save ()",
        found);
  }
  input.data = (const guint8 *) bytes->text;
  input.size = bytes->length;
  if (!(first = read_next (inner, &at, error)))
    return FALSE;
  if (!has_magic (first))
    return torch_file_fail (file, CONVERT_ERROR_FILE, error,
        "storage in bytes: expected the magic number of torch.save (), found none");
  if (!read_sequence (inner, at, error)
      || !torch_storage_parse (inner, inner->root, storage, error)
      || !(content = torch_file_get_storage (inner, storage->key, error)))
    return FALSE;
  key = g_strdup_printf ("bytes %u", g_hash_table_size (file->embedded));
  g_hash_table_insert (file->storages, g_strdup (key), g_bytes_ref (content));
  g_hash_table_lookup_extended (file->storages, key, (gpointer *) &storage->key, NULL);
  g_hash_table_insert (file->embedded, (gpointer) value, g_steal_pointer (&storage));
  return TRUE;
}

/* Reads the storages in the pickle of @root. */
static gboolean
read_embedded (TorchFile *file, const PickleValue *root, GError **error)
{
  const GPtrArray *values = pickle_get_values (file->pickle);

  file->root = root;
  for (guint i = 0; i < values->len; i++) {
    const PickleValue *value = g_ptr_array_index (values, i);

    if (is_embedded (value) && !add_embedded (file, value, error))
      return FALSE;
  }
  if (g_hash_table_size (file->embedded) == 0) {
    g_autofree char *found = pickle_describe (root);

    return torch_file_fail (file, CONVERT_ERROR_UNSUPPORTED, error,
        "expected tensors of PyTorch in the pickle, found a pickle of another program: %s",
        found);
  }
  return TRUE;
}

static gboolean
read_pickles (TorchFile *file, GError **error)
{
  gsize at = 0;
  const PickleValue *first = read_next (file, &at, error);

  if (!first)
    return FALSE;
  return has_magic (first) ? read_sequence (file, at, error)
                           : read_embedded (file, first, error);
}

TorchFile *
torch_file_open (const ConvertInput *input, GError **error)
{
  g_autoptr (TorchFile) file = file_new (input);
  const gboolean is_zip = input->size >= 4 && memcmp (input->data, "PK\3\4", 4) == 0;

  if (!(is_zip ? read_archive (file, error) : read_pickles (file, error)))
    return NULL;
  return g_steal_pointer (&file);
}
