/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/models.h"
#include "util/onnx-data.h"
#include <glib/gstdio.h>

/* The clock of file times ticks at least every 10 ms. A second change of a file before the next
 * tick does not change its time. */
#define TICK (20 * G_TIME_SPAN_MILLISECOND)

typedef struct {
  gchar *key;
  guint n_users; /* elements that have the model, load it or wait for it */
  gboolean is_loading;
  /* Both are NULL during loading, and if the file changed during loading. */
  LstmModel *model;
  GError *error;
} Entry;

/* The entries of all models that elements have or load. There are few enough entries for a linear
 * search. `lock` is unlocked while a file is read or a model is freed, so that elements with other
 * files do not wait. */
static GMutex lock;
static GCond loading_ended;
static GQueue entries = G_QUEUE_INIT;

static gint64
get_nanoseconds (const struct timespec *time)
{
  return (gint64) time->tv_sec * 1000000000 + time->tv_nsec;
}

/* Returns FALSE if there is no file, or if it changes so often that its time does not identify
 * its content. */
static gboolean
stat_unchanging_file (const gchar *path, GStatBuf *info)
{
  for (guint i = 0; i < 2; i++) {
    gint64 age;

    if (g_stat (path, info) != 0)
      return FALSE;
    age = g_get_real_time () - get_nanoseconds (&info->st_ctim) / 1000;
    if (age < 0 || age > TICK) /* below 0: the clock was set back */
      return TRUE;
    g_usleep (TICK);
  }
  return FALSE;
}

/* Appends the identity of the file @path to @key. Returns FALSE if the file has none. */
static gboolean
append_file (GString *key, const gchar *path)
{
  GStatBuf info;

  if (!stat_unchanging_file (path, &info))
    return FALSE;
  g_string_append (key, path);
  g_string_append_printf (key, " device %" G_GUINT64_FORMAT, (guint64) info.st_dev);
  g_string_append_printf (key, " inode %" G_GUINT64_FORMAT, (guint64) info.st_ino);
  g_string_append_printf (key, " size %" G_GUINT64_FORMAT, (guint64) info.st_size);
  g_string_append_printf (key, " mtime %" G_GINT64_FORMAT, get_nanoseconds (&info.st_mtim));
  g_string_append_printf (key, " ctime %" G_GINT64_FORMAT, get_nanoseconds (&info.st_ctim));
  return TRUE;
}

/* Appends the identity of the files in which an ONNX model stores its tensors. Returns FALSE if an
 * existing file has none. */
static gboolean
append_data_files (GString *key, const gchar *path)
{
  g_autoptr (GPtrArray) files = lstm_onnx_read_data_files (path);

  if (!files)
    return FALSE;
  for (guint i = 0; i < files->len; i++) {
    const gchar *file = g_ptr_array_index (files, i);

    g_string_append (key, " data ");
    if (g_file_test (file, G_FILE_TEST_EXISTS) && !append_file (key, file))
      return FALSE;
  }
  return TRUE;
}

/* Returns a string that is equal for equal models, or NULL if a file cannot be identified. The
 * string contains the path, because errors name the path. Returns: (transfer full) (nullable) */
static gchar *
make_key (const gchar *path, LstmPrecision precision, const gchar *module_chain)
{
  g_autoptr (GString) key = g_string_new (NULL);

  if (!append_file (key, path) || !append_data_files (key, path))
    return NULL;
  g_string_append_printf (key, " precision %d", (gint) precision);
  if (module_chain)
    g_string_append_printf (key, " module-chain %s", module_chain);
  return g_string_free (g_steal_pointer (&key), FALSE);
}

/* Returns the entry of @key, or, if @key is NULL, the entry of @model. Needs the lock.
 * Returns: (nullable) */
static Entry *
find_entry (const gchar *key, const LstmModel *model)
{
  for (GList *link = entries.head; link; link = link->next) {
    Entry *entry = link->data;

    if (key ? g_str_equal (entry->key, key) : entry->model == model)
      return entry;
  }
  return NULL;
}

/* Returns the entry of @key, to which the function adds a user. *@first: the entry is new, and the
 * caller must load the model. */
static Entry *
join_entry (const gchar *key, gboolean *first)
{
  Entry *entry;

  g_mutex_lock (&lock);
  entry = find_entry (key, NULL);
  *first = !entry;
  if (!entry) {
    entry = g_new0 (Entry, 1);
    entry->key = g_strdup (key);
    entry->is_loading = TRUE;
    g_queue_push_head (&entries, entry);
  }
  entry->n_users++;
  g_mutex_unlock (&lock);
  return entry;
}

/* Removes a user from @entry. The last user frees @entry. */
static void
leave_entry (Entry *entry)
{
  gboolean last;

  g_mutex_lock (&lock);
  last = --entry->n_users == 0;
  if (last)
    g_queue_remove (&entries, entry);
  g_mutex_unlock (&lock);
  if (!last)
    return;
  g_clear_pointer (&entry->model, lstm_model_unref);
  g_clear_error (&entry->error);
  g_free (entry->key);
  g_free (entry);
}

/* Loads a model and sets *@load_time, in us. */
static LstmModel *
load_model (const gchar *path, LstmPrecision precision, const gchar *module_chain,
    gint64 *load_time, GError **error)
{
  const gint64 begin = g_get_monotonic_time ();
  LstmModel *model = lstm_model_load_full (path, precision, module_chain, error);

  *load_time = g_get_monotonic_time () - begin;
  return model;
}

/* Loads the model of @entry, also for the elements that wait for it, unless the file changed
 * since they joined @entry. */
static LstmModel *
load_for_all (Entry *entry, const gchar *path, LstmPrecision precision,
    const gchar *module_chain, gint64 *load_time, GError **error)
{
  g_autoptr (GError) cause = NULL;
  LstmModel *model = load_model (path, precision, module_chain, load_time, &cause);
  g_autofree gchar *key = make_key (path, precision, module_chain);
  const gboolean unchanged = g_strcmp0 (key, entry->key) == 0;

  g_mutex_lock (&lock);
  entry->is_loading = FALSE;
  if (unchanged && model)
    entry->model = lstm_model_ref (model);
  else
    g_queue_remove (&entries, entry);
  if (unchanged && cause)
    entry->error = g_error_copy (cause);
  g_cond_broadcast (&loading_ended);
  g_mutex_unlock (&lock);
  if (cause)
    g_propagate_error (error, g_steal_pointer (&cause));
  return model;
}

/* Returns FALSE if the file changed while it was loaded, and must be opened again. */
static gboolean
wait_until_loaded (Entry *entry, LstmModel **model, GError **error)
{
  g_mutex_lock (&lock);
  while (entry->is_loading)
    g_cond_wait (&loading_ended, &lock);
  g_mutex_unlock (&lock);
  *model = entry->model ? lstm_model_ref (entry->model) : NULL;
  if (entry->error)
    g_propagate_error (error, g_error_copy (entry->error));
  return entry->model || entry->error;
}

LstmModel *
gst_lstm_models_open (const gchar *path, LstmPrecision precision, const gchar *module_chain,
    gint64 *load_time, GError **error)
{
  LstmModel *model = NULL;
  gboolean first, done = FALSE;

  while (!done) {
    g_autofree gchar *key = make_key (path, precision, module_chain);
    Entry *entry;

    if (!key)
      return load_model (path, precision, module_chain, load_time, error);
    entry = join_entry (key, &first);
    if (first)
      model = load_for_all (entry, path, precision, module_chain, load_time, error);
    else
      *load_time = -1;
    done = first || wait_until_loaded (entry, &model, error);
    if (!entry->model)
      leave_entry (entry);
  }
  return model;
}

void
gst_lstm_models_close (LstmModel *model)
{
  Entry *entry;

  g_mutex_lock (&lock);
  entry = find_entry (NULL, model);
  g_mutex_unlock (&lock);
  if (entry)
    leave_entry (entry);
  lstm_model_unref (model);
}
