/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "models.h"
#include <glib/gstdio.h>

typedef struct {
  gchar *key;
  LstmModel *model;
  guint users;
} Entry;

/* Files that are open, few enough to be looked through. Held while one is read, so that many
 * pipelines that start at once read it once. */
static GMutex lock;
static GQueue entries = G_QUEUE_INIT;

/* Returns: (transfer full) (nullable): what makes two opens one; NULL where there is no file,
 * which the library has to say */
static gchar *
key_of (const gchar *path, LstmPrecision precision)
{
  GStatBuf info;

  if (g_stat (path, &info) != 0)
    return NULL;
  return g_strdup_printf ("%d %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                          " %" G_GINT64_FORMAT ".%09ld %s",
      (gint) precision, (guint64) info.st_dev, (guint64) info.st_ino, (guint64) info.st_size,
      (gint64) info.st_mtim.tv_sec, info.st_mtim.tv_nsec, path);
}

static gint
has_key (gconstpointer entry, gconstpointer key)
{
  return g_strcmp0 (((const Entry *) entry)->key, key);
}

static gint
has_model (gconstpointer entry, gconstpointer model)
{
  return ((const Entry *) entry)->model != model;
}

static LstmModel *
find_or_load (const gchar *path, LstmPrecision precision, gchar *key, GError **error)
{
  GList *link = g_queue_find_custom (&entries, key, has_key);
  Entry *entry = link ? link->data : NULL;

  if (!entry) {
    LstmModel *model = lstm_model_load_full (path, precision, error);

    if (!model)
      return NULL;
    entry = g_new0 (Entry, 1);
    entry->key = g_strdup (key);
    entry->model = model;
    g_queue_push_head (&entries, entry);
  }
  entry->users++;
  return lstm_model_ref (entry->model);
}

LstmModel *
gst_lstm_models_open (const gchar *path, LstmPrecision precision, GError **error)
{
  g_autofree gchar *key = key_of (path, precision);
  LstmModel *model;

  if (!key)
    return lstm_model_load_full (path, precision, error);
  g_mutex_lock (&lock);
  model = find_or_load (path, precision, key, error);
  g_mutex_unlock (&lock);
  return model;
}

void
gst_lstm_models_close (LstmModel *model)
{
  GList *link;

  g_mutex_lock (&lock);
  link = g_queue_find_custom (&entries, model, has_model);
  if (link) {
    Entry *entry = link->data;

    if (--entry->users == 0) {
      g_queue_delete_link (&entries, link);
      lstm_model_unref (entry->model);
      g_free (entry->key);
      g_free (entry);
    }
  }
  g_mutex_unlock (&lock);
  lstm_model_unref (model);
}
