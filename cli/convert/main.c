/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Converts a trained model to a safetensors file for liblstm. */
#include "convert.h"
#include "container/formats.h"
#include "process/answer.h"
#include "process/standard-files.h"
#include "util/input-file.h"
#include "util/output-file.h"
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM "lstm-convert"
#define SUFFIX ".safetensors"
#define MAX_ERROR 4000 /* characters */

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

typedef struct {
  char *to; /* a path, or "-" */
  char *config;
  char *output;
  char *module_chain;
  gboolean answer;
  gboolean version;
  char **files;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->to);
  g_free (options->config);
  g_free (options->output);
  g_free (options->module_chain);
  g_strfreev (options->files);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse_options (int *argc, char ***argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
      {"write", 'o', 0, G_OPTION_ARG_FILENAME, &options->to,
          "Write the model to OUT, or to standard output if OUT is - (default: IN with the "
          "suffix " SUFFIX ")",
          "OUT"},
      {"config", 0, 0, G_OPTION_ARG_FILENAME, &options->config,
          "Read the model's configuration from FILE.json, for a Keras file that contains "
          "weights only",
          "FILE.json"},
      {"output", 0, 0, G_OPTION_ARG_STRING, &options->output,
          "Convert the output NAME of a model with several outputs", "NAME"},
      {"module-chain", 0, 0, G_OPTION_ARG_STRING, &options->module_chain,
          "Run the modules of a PyTorch model, and the functions between them, in this order",
          "\"lstm last, fc1 relu, fc2 softmax\""},
      {"answer", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options->answer,
          "End the output with a line that liblstm parses", NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &options->version,
          "Print the version and the formats that this build reads", NULL},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, "IN"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autofree char *names = convert_list_readers ();
  g_autofree char *summary = g_strconcat (
      "Converts a trained LSTM model to a safetensors file for liblstm. Reads: ", names, ".",
      NULL);

  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (options->version || (options->files && options->files[0] && !options->files[1]))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "IN: expected one file to convert, found %u; " PROGRAM " --help lists the options",
      options->files ? g_strv_length (options->files) : 0);
  return FALSE;
}

/* Returns: (transfer full) (nullable): IN with the suffix of safetensors; NULL if IN has that
 * suffix */
static char *
get_default_output (const char *in)
{
  const char *name = strrchr (in, G_DIR_SEPARATOR);
  const char *dot = strrchr (name ? name + 1 : in, '.');
  char *out = g_strdup_printf (
      "%.*s" SUFFIX, (int) (dot && dot > in ? (gsize) (dot - in) : strlen (in)), in);

  if (!g_str_equal (in, out))
    return out;
  g_free (out);
  return NULL;
}

/* @kind: (nullable): LSTM_ANSWER_MODEL or _ERROR, to write an answer line after @data */
static gboolean
write_stdout (const void *data, gsize size, const char *kind, GError **error)
{
  if (fwrite (data, 1, size, stdout) == size
      && (!kind || printf (LSTM_ANSWER_LINE, kind, size) > 0) && fflush (stdout) == 0)
    return TRUE;
  g_set_error (
      error, CONVERT_ERROR, CONVERT_ERROR_FILE, "standard output: %s", g_strerror (errno));
  return FALSE;
}

static gboolean
write_model (const ConvertModel *model, const Options *options, const char *to, GError **error)
{
  g_autoptr (GBytes) bytes = convert_model_to_bytes (model);
  const char *kind = options->answer ? LSTM_ANSWER_MODEL : NULL;

  if (g_str_equal (to, "-"))
    return write_stdout (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), kind, error);
  return lstm_output_file_write (to, bytes, FALSE, error);
}

static gboolean
convert_file (const Options *options, const char *to, GError **error)
{
  const char *path = options->files[0], *format_name;
  g_autoptr (ConvertModel) model = NULL;
  g_autofree char *description = NULL, *found = lstm_format_describe_folder (path);
  g_autoptr (GBytes) bytes = NULL;
  ConvertInput input = {path, NULL, 0, options->config, options->output, options->module_chain};

  if (found) {
    g_set_error (
        error, CONVERT_ERROR, CONVERT_ERROR_FILE, "%s: expected a file, found %s", path, found);
    return FALSE;
  }
  if (!(bytes = lstm_input_file_read (path, error)))
    return FALSE;
  input.data = g_bytes_get_data (bytes, &input.size);
  model = convert_read_model (&input, &format_name, error);
  if (!model)
    return FALSE;
  g_printerr (PROGRAM ": %s: %s\n", path, format_name);
  description = convert_model_describe (model);
  g_printerr ("%s", description);
  return write_model (model, options, to, error);
}

/* Prints one line, even if names in the message contain line breaks. */
static void
print_error (const GError *error, gboolean answer)
{
  g_autofree char *line = g_utf8_make_valid (error->message, -1);

  if (g_utf8_strlen (line, -1) > MAX_ERROR)
    *g_utf8_offset_to_pointer (line, MAX_ERROR) = 0;
  for (char *c = line; *c; c++)
    *c = g_ascii_iscntrl (*c) ? ' ' : *c;
  g_printerr (PROGRAM ": %s\n", line);
  if (answer)
    write_stdout (line, strlen (line), LSTM_ANSWER_ERROR, NULL);
}

int
main (int argc, char **argv)
{
  g_auto (Options) options = {NULL};
  g_autoptr (GError) error = NULL;

  lstm_standard_files_fill ();
  setlocale (LC_ALL, "");
  if (!parse_options (&argc, &argv, &options, &error)) {
    print_error (error, options.answer);
    return EXIT_USAGE;
  }
  if (options.version) {
    g_autofree char *build = convert_describe_build ();

    g_print ("%s", build);
    return EXIT_OK;
  }
  if (!options.to)
    options.to = get_default_output (options.files[0]);
  if (!options.to) {
    g_printerr ("%s: --write: expected another file than IN, found %s; name a file with -o\n",
        PROGRAM, options.files[0]);
    return EXIT_USAGE;
  }
  if (!convert_file (&options, options.to, &error)) {
    print_error (error, options.answer);
    return EXIT_FAILED;
  }
  return EXIT_OK;
}
