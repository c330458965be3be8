/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npy/npy-writer.h"
#include "npy/npy-header.h"
#include "common/errors.h"
#include "util/output-file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 128 /* bytes; fits every shape, so that the header can be rewritten */
#define REGROUP_SIZE (1024 * 1024) /* bytes */

struct _GstLstmNpyWriter {
  gchar *path;
  guint streams, n_rows;
  guint step_size; /* values of a step of one stream, all rows */
  guint64 length;  /* in steps */
  LstmOutputFile output;
  FILE *file; /* the output; NULL before the output is open */

  /* Header and (length, streams, step_size). For one stream this is `file`, or else a scratch file
   * without a name. */
  FILE *step_file;
};

/* Sets @error to the message of @cause, an error of util/output-file.h. The code is @code unless
 * the disk is full. Returns FALSE. */
static gboolean
fail_to_open_or_commit (GError **error, const GError *cause, GstResourceError code)
{
  const gboolean full = g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOSPC);

  return gst_lstm_fail (error, GST_RESOURCE_ERROR,
      full ? GST_RESOURCE_ERROR_NO_SPACE_LEFT : code, "%s", cause->message);
}

static gboolean
fail_to_write (GError **error)
{
  const gint code = errno == ENOSPC ? GST_RESOURCE_ERROR_NO_SPACE_LEFT
                                    : GST_RESOURCE_ERROR_WRITE;

  return gst_lstm_fail (error, GST_RESOURCE_ERROR, code, "writing: %s", g_strerror (errno));
}

gchar *
gst_lstm_npy_writer_describe_shape (const GstLstmNpyWriter *writer)
{
  GString *text = g_string_new (NULL);

  if (writer->streams > 1)
    g_string_append_printf (text, "%u, ", writer->streams);
  g_string_append_printf (text, "%" G_GUINT64_FORMAT ", ", writer->length);
  if (writer->n_rows > 1)
    g_string_append_printf (text, "%u, ", writer->n_rows);
  g_string_append_printf (text, "%u", writer->step_size / writer->n_rows);
  return g_string_free (text, FALSE);
}

static gboolean
write_header (FILE *file, const GstLstmNpyWriter *writer, GError **error)
{
  guint8 header[HEADER_SIZE];
  g_autofree gchar *shape = gst_lstm_npy_writer_describe_shape (writer);
  g_autofree gchar *text = g_strdup_printf (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", shape);

  memset (header, ' ', sizeof header);
  memcpy (header, GST_LSTM_NPY_MAGIC "\x01", GST_LSTM_NPY_MAGIC_SIZE + 2);
  GST_WRITE_UINT16_LE (header + 8, sizeof header - 10);
  memcpy (header + 10, text, strlen (text));
  header[sizeof header - 1] = '\n';
  return (fseeko (file, 0, SEEK_SET) == 0 && fwrite (header, sizeof header, 1, file) == 1)
         || fail_to_write (error);
}

static gboolean
write_floats (FILE *file, const guint8 *in, gsize n, GError **error)
{
  guint32 values[4096];

  while (n > 0) {
    gsize k = MIN (n, G_N_ELEMENTS (values));

    memcpy (values, in, k * sizeof *values);
    for (gsize i = 0; i < k; i++)
      values[i] = GUINT32_TO_LE (values[i]);
    if (fwrite (values, sizeof *values, k, file) != k)
      return fail_to_write (error);
    in += k * sizeof *values;
    n -= k;
  }
  return TRUE;
}

/* Opens stdio files on duplicated descriptors, so that fclose() leaves the output open for the
 * commit. */
static gboolean
open_files (GstLstmNpyWriter *writer, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gint descriptor;

  if (!lstm_output_file_open (&writer->output, writer->path, TRUE, &cause))
    return fail_to_open_or_commit (error, cause, GST_RESOURCE_ERROR_OPEN_WRITE);
  descriptor = fcntl (writer->output.descriptor, F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0)
    return gst_lstm_fail (
        error, GST_LSTM_RESOURCE (OPEN_WRITE), "%s: %s", writer->path, g_strerror (errno));
  writer->file = writer->step_file = fdopen (descriptor, "wb");
  g_assert (writer->file); /* fdopen() fails only without memory */
  if (writer->streams == 1)
    return TRUE;
  writer->step_file = NULL;
  descriptor = lstm_output_file_open_scratch (&writer->output, &cause);
  if (descriptor < 0)
    return fail_to_open_or_commit (error, cause, GST_RESOURCE_ERROR_OPEN_WRITE);
  writer->step_file = fdopen (descriptor, "w+b");
  g_assert (writer->step_file);
  return TRUE;
}

GstLstmNpyWriter *
gst_lstm_npy_writer_new (
    const gchar *path, guint streams, guint n_rows, guint size, GError **error)
{
  GstLstmNpyWriter *writer = g_new0 (GstLstmNpyWriter, 1);

  writer->path = g_strdup (path);
  writer->streams = streams;
  writer->n_rows = n_rows;
  writer->step_size = n_rows * size;
  if (!open_files (writer, error))
    g_clear_pointer (&writer, gst_lstm_npy_writer_discard);
  else if (!write_header (writer->step_file, writer, error)) {
    g_prefix_error (error, "%s: ", path);
    g_clear_pointer (&writer, gst_lstm_npy_writer_discard);
  }
  return writer;
}

const gchar *
gst_lstm_npy_writer_get_path (const GstLstmNpyWriter *writer)
{
  return writer->path;
}

guint64
gst_lstm_npy_writer_get_length (const GstLstmNpyWriter *writer)
{
  return writer->length;
}

gboolean
gst_lstm_npy_writer_write (
    GstLstmNpyWriter *writer, gconstpointer values, guint n_steps, GError **error)
{
  const gsize step_bytes = (gsize) writer->step_size * sizeof (gfloat); /* of one stream */
  /* The values of one step are contiguous, and so are the values of one stream. */
  const gboolean is_contiguous = writer->streams == 1 || n_steps == 1;
  const gsize n_runs = is_contiguous ? 1 : (gsize) n_steps * writer->streams;
  const gsize n = (gsize) n_steps * writer->streams * writer->step_size / n_runs;

  for (gsize i = 0; i < n_runs; i++) {
    gsize step = i / writer->streams, stream = i % writer->streams;

    if (!write_floats (writer->step_file,
            (const guint8 *) values + (stream * n_steps + step) * step_bytes, n, error)) {
      g_prefix_error (error, "%s: ", writer->path);
      return FALSE;
    }
  }
  writer->length += n_steps;
  return TRUE;
}

/* Transposes (length, streams, size) in the file of steps to (streams, length, size) in @out, as
 * many steps at once as fit into REGROUP_SIZE. */
static gboolean
regroup_streams (GstLstmNpyWriter *writer, FILE *out, GError **error)
{
  const gsize step_bytes = (gsize) writer->step_size
                           * sizeof (gfloat); /* bytes of a step of one stream */
  const gsize max_steps = MAX (1, REGROUP_SIZE / (step_bytes * writer->streams));
  g_autofree guint8 *in = g_malloc (max_steps * writer->streams * step_bytes);
  gsize n;

  if (fseeko (writer->step_file, HEADER_SIZE, SEEK_SET) != 0)
    return fail_to_write (error);
  for (guint64 step = 0; step < writer->length; step += n) {
    n = (gsize) MIN (max_steps, writer->length - step);
    if (fread (in, step_bytes * writer->streams, n, writer->step_file) != n)
      return gst_lstm_fail (
          error, GST_LSTM_RESOURCE (READ), "reading steps back: %s", g_strerror (errno));
    for (gsize stream = 0; stream < writer->streams; stream++) {
      guint64 first_step = stream * writer->length + step;

      if (fseeko (out, (off_t) (HEADER_SIZE + first_step * step_bytes), SEEK_SET) != 0)
        return fail_to_write (error);
      for (gsize i = 0; i < n; i++)
        if (fwrite (in + (i * writer->streams + stream) * step_bytes, step_bytes, 1, out) != 1)
          return fail_to_write (error);
    }
  }
  return TRUE;
}

/* Closes the output. If the disk is full, fclose() reports the error of the last bytes. */
static gboolean
close_file (GstLstmNpyWriter *writer, GError **error)
{
  FILE *file = g_steal_pointer (&writer->file);

  if (writer->step_file == file)
    writer->step_file = NULL;
  return fclose (file) == 0 || fail_to_write (error);
}

gboolean
gst_lstm_npy_writer_finish (GstLstmNpyWriter *writer, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gboolean ok = (writer->streams == 1 || regroup_streams (writer, writer->file, error))
                && write_header (writer->file, writer, error) && close_file (writer, error);

  if (!ok)
    g_prefix_error (error, "%s: ", writer->path);
  else if (!lstm_output_file_commit (&writer->output, FALSE, &cause))
    ok = fail_to_open_or_commit (error, cause, GST_RESOURCE_ERROR_WRITE);
  gst_lstm_npy_writer_discard (writer);
  return ok;
}

void
gst_lstm_npy_writer_discard (GstLstmNpyWriter *writer)
{
  if (writer->step_file && writer->step_file != writer->file)
    fclose (writer->step_file);
  if (writer->file)
    fclose (writer->file);
  lstm_output_file_abort (&writer->output);
  g_free (writer->path);
  g_free (writer);
}
