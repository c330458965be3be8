/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Converts a trained model to a safetensors file for liblstm. */
#include "convert.h"
#include "container/formats.h"
#include "process/answer.h"
#include "process/standard-files.h"
#include "split/arguments.h"
#include "split/command.h"
#include "split/shell.h"
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
  char *command; /* the command line */
  char *to;      /* a path, or "-" */
  char *config;
  char *output;
  char *module_chain;
  ConvertSplitArguments split;
  gboolean answer;
  gboolean version;
  char **files;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->command);
  g_free (options->to);
  g_free (options->config);
  g_free (options->output);
  g_free (options->module_chain);
  convert_split_arguments_clear (&options->split);
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
      {"split", 0, 0, G_OPTION_ARG_NONE, &options->split.is_split,
          "Cut a video model before its first recurrent layer, write the parts to the folder "
          "OUT "
          "(default: IN without its suffix), and print pipelines that run them",
          NULL},
      {"steps", 0, 0, G_OPTION_ARG_STRING, &options->split.steps,
          "With --split: the frames of a window, for a model of any number of frames", "T"},
      {"size", 0, 0, G_OPTION_ARG_STRING, &options->split.size,
          "With --split: height and width of a frame, for a model of any size", "H,W"},
      {"axes", 0, 0, G_OPTION_ARG_STRING, &options->split.axes,
          "With --split: the axes of the input that are the batch (-: none) and the time",
          "B,T"},
      {"normalize", 0, 0, G_OPTION_ARG_STRING, &options->split.normalize,
          "With --split: the values of the pixels 0 and 255 in the "
          "training: " CONVERT_NORMALIZE_CHOICES,
          "RANGES"},
      {"colors", 0, 0, G_OPTION_ARG_STRING, &options->split.colors,
          "With --split: the order of the channels of a frame in the training, rgb (default) "
          "or "
          "bgr",
          "ORDER"},
      {"answer", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options->answer,
          "Begin the output with a line that liblstm parses", NULL},
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

/* Returns: (transfer full) (nullable): IN with @suffix instead of its suffix; NULL if that is IN */
static char *
get_default_output (const char *in, const char *suffix)
{
  const char *name = strrchr (in, G_DIR_SEPARATOR);
  const char *dot = strrchr (name ? name + 1 : in, '.');
  char *out = g_strdup_printf (
      "%.*s%s", (int) (dot && dot > in ? (gsize) (dot - in) : strlen (in)), in, suffix);

  if (!g_str_equal (in, out))
    return out;
  g_free (out);
  return NULL;
}

/* Sets @options->to to the default, unless the option names an output. */
static gboolean
choose_output (Options *options, GError **error)
{
  const gboolean is_split = options->split.is_split;

  if (!options->to)
    options->to = get_default_output (options->files[0], is_split ? "" : SUFFIX);
  if (!options->to)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--write: expected another file than IN, found %s; name a %s with -o",
        options->files[0], is_split ? "folder" : "file");
  else if (is_split && g_str_equal (options->to, "-"))
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--write: expected a folder with --split, found -");
  else
    return TRUE;
  return FALSE;
}

/* Returns: FALSE */
static gboolean
set_stdout_error (GError **error)
{
  g_set_error (
      error, CONVERT_ERROR, CONVERT_ERROR_FILE, "standard output: %s", g_strerror (errno));
  return FALSE;
}

/* @kind: (nullable): LSTM_ANSWER_ERROR, to write an answer line before @data */
static gboolean
write_stdout (const void *data, gsize size, const char *kind, GError **error)
{
  return ((!kind || printf (LSTM_ANSWER_LINE, kind, size) > 0)
             && fwrite (data, 1, size, stdout) == size && fflush (stdout) == 0)
         || set_stdout_error (error);
}

/* A model that is written */
typedef struct {
  LstmOutputFile file; /* NULL path: standard output */
  gboolean answer;
} Target;

static gboolean
begin_model (gpointer target, gsize size, GError **error)
{
  return !((Target *) target)->answer || printf (LSTM_ANSWER_LINE, LSTM_ANSWER_MODEL, size) > 0
         || set_stdout_error (error);
}

static gboolean
write_block (gpointer target, const void *data, gsize n, GError **error)
{
  return fwrite (data, 1, n, stdout) == n || set_stdout_error (error);
}

static gboolean
append_block (gpointer target, const void *data, gsize n, GError **error)
{
  return lstm_output_file_append (&((Target *) target)->file, data, n, error);
}

static gboolean
write_model (const ConvertModel *model, const Options *options, const char *to, GError **error)
{
  Target target = {.answer = options->answer};

  if (g_str_equal (to, "-"))
    return convert_model_write (model, begin_model, write_block, &target, error)
           && (fflush (stdout) == 0 || set_stdout_error (error));
  if (!lstm_output_file_open (&target.file, to, FALSE, error))
    return FALSE;
  if (convert_model_write (model, NULL, append_block, &target, error))
    return lstm_output_file_commit (&target.file, FALSE, error);
  lstm_output_file_abort (&target.file);
  return FALSE;
}

/* Prints the format and the layers of @model to stderr. */
static void
print_description (const ConvertModel *model, const char *path, const char *format_name)
{
  g_autofree char *description = convert_model_describe (model);

  g_printerr (PROGRAM ": %s: %s\n%s", path, format_name, description);
}

/* The library reads the last line of stderr if the program fails, and needs no description. */
static gboolean
convert_file (const ConvertInput *input, const Options *options, GError **error)
{
  const char *format_name;
  g_autoptr (ConvertModel) model = convert_read_model (input, &format_name, error);

  if (!model)
    return FALSE;
  if (!options->answer)
    print_description (model, input->path, format_name);
  return write_model (model, options, options->to, error);
}

static gboolean
split_file (const ConvertInput *input, const Options *options, GError **error)
{
  const ConvertSplitOptions split = {options->to, options->command,
      options->split.normalize ? &options->split.ranges : NULL, options->split.is_bgr};
  g_autofree char *pipelines = convert_split_model (input, &split, error);

  return pipelines && write_stdout (pipelines, strlen (pipelines), NULL, error);
}

/* Reads @input->path, converts the content and writes the result to @options->to. */
static gboolean
process_file (ConvertInput *input, const Options *options, GError **error)
{
  g_autofree char *found = lstm_format_describe_folder (input->path);
  g_autoptr (LstmContent) content = NULL;

  if (found) {
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE, "%s: expected a file, found %s",
        input->path, found);
    return FALSE;
  }
  if (!(content = lstm_content_open (input->path, error)))
    return FALSE;
  input->content = content;
  if (options->split.is_split)
    return split_file (input, options, error);
  return convert_file (input, options, error);
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
  g_auto (Options) options = {.command = convert_shell_join (argv)};
  ConvertInput input = {NULL};
  g_autoptr (GError) error = NULL;

  lstm_standard_files_fill ();
  setlocale (LC_ALL, "");
  if (!parse_options (&argc, &argv, &options, &error)
      || !convert_split_arguments_parse (&options.split, &input, &error)) {
    print_error (error, options.answer);
    return EXIT_USAGE;
  }
  if (options.version) {
    g_autofree char *build = convert_describe_build ();

    g_print ("%s", build);
    return EXIT_OK;
  }
  if (!choose_output (&options, &error)) {
    print_error (error, options.answer);
    return EXIT_USAGE;
  }
  input.path = options.files[0];
  input.config = options.config;
  input.output = options.output;
  input.module_chain = options.module_chain;
  if (!process_file (&input, &options, &error)) {
    print_error (error, options.answer);
    return EXIT_FAILED;
  }
  return EXIT_OK;
}
