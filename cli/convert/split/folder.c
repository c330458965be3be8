/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/folder.h"
#include "split/labels.h"
#include "split/pipelines.h"
#include "util/input-file.h"
#include "util/output-file.h"
#include <glib/gstdio.h>
#include <errno.h>
#include <string.h>

#define MAX_FILES 5

typedef struct {
  const char *name;
  GBytes *bytes;
} File;

static gboolean
make_folder (const char *folder, GError **error)
{
  GStatBuf info;

  if (g_stat (folder, &info) == 0 && !S_ISDIR (info.st_mode)) {
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE,
        "%s: --write: expected a folder with --split, found %s", folder,
        lstm_file_kind (info.st_mode));
    return FALSE;
  }
  if (g_mkdir_with_parents (folder, 0777) == 0)
    return TRUE;
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE, "%s: the folder cannot be made: %s",
      folder, g_strerror (errno));
  return FALSE;
}

static GBytes *
take_text (char *text)
{
  return g_bytes_new_take (text, strlen (text));
}

/* Lists the files in the order in which write_files() writes them. Returns: the number of files */
static guint
list_files (const ConvertSplit *split, const ConvertNormalize *normalize, GBytes *normalized,
    File *files)
{
  char *labels = convert_labels_write (split);
  guint n = 0;

  files[n++] = (File){CONVERT_MEMORY, convert_model_to_bytes (split->memory)};
  if (labels)
    files[n++] = (File){CONVERT_LABELS, take_text (labels)};
  if (normalized)
    files[n++] = (File){CONVERT_NORMALIZED_FEATURES, g_bytes_ref (normalized)};
  files[n++] = (File){
      CONVERT_FEATURES_INFO, take_text (convert_modelinfo_write (split, normalize))};
  files[n++] = (File){CONVERT_FEATURES, g_bytes_ref (split->features)};
  return n;
}

/* Writes all files, or none if one of them cannot be replaced. */
static gboolean
write_files (const File *files, guint n, const char *folder, GError **error)
{
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < n; i++) {
      g_autofree char *path = g_build_filename (folder, files[i].name, NULL);

      if (pass == 0 ? !lstm_output_file_check (path, error)
                    : !lstm_output_file_write (path, files[i].bytes, FALSE, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
convert_folder_write (const ConvertSplit *split, const ConvertNormalize *normalize,
    GBytes *normalized, const char *folder, GError **error)
{
  File files[MAX_FILES];
  gboolean ok;
  guint n;

  if (!make_folder (folder, error))
    return FALSE;
  n = list_files (split, normalize, normalized, files);
  ok = write_files (files, n, folder, error);
  for (guint i = 0; i < n; i++)
    g_bytes_unref (files[i].bytes);
  return ok;
}
