/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/arguments.h"

#define MAX_STEPS 65536
#define MAX_SIDE 16384 /* of a frame, in pixels */
#define MAX_AXIS 7

void
convert_split_arguments_clear (ConvertSplitArguments *arguments)
{
  g_free (arguments->steps);
  g_free (arguments->size);
  g_free (arguments->axes);
  g_free (arguments->normalize);
  g_free (arguments->colors);
  convert_normalize_clear (&arguments->ranges);
}

static gboolean
refuse_value (const char *option, const char *expected, const char *found, GError **error)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: expected %s, found \"%s\"",
      option, expected, found);
  return FALSE;
}

static gboolean
parse_number (const char *text, guint least, guint most, guint *number)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, least, most, &value, NULL))
    return FALSE;
  *number = (guint) value;
  return TRUE;
}

static gboolean
parse_steps (ConvertSplitArguments *arguments, ConvertInput *input, GError **error)
{
  return parse_number (arguments->steps, 1, MAX_STEPS, &input->steps)
         || refuse_value ("--steps",
             "the frames of a window, from 1 to " G_STRINGIFY (MAX_STEPS), arguments->steps,
             error);
}

static gboolean
parse_size (ConvertSplitArguments *arguments, ConvertInput *input, GError **error)
{
  g_auto (GStrv) sides = g_strsplit (arguments->size, ",", 3);

  return (g_strv_length (sides) == 2
             && parse_number (sides[0], 1, MAX_SIDE, &input->frame_size[0])
             && parse_number (sides[1], 1, MAX_SIDE, &input->frame_size[1]))
         || refuse_value ("--size",
             "H,W, height and width of a frame, from 1 to " G_STRINGIFY (MAX_SIDE),
             arguments->size, error);
}

static gboolean
parse_axes (ConvertSplitArguments *arguments, ConvertInput *input, GError **error)
{
  g_auto (GStrv) axes = g_strsplit (arguments->axes, ",", 3);
  guint batch, time;

  input->axes = arguments->axes;
  return (g_strv_length (axes) == 2
             && (g_str_equal (axes[0], "-") || parse_number (axes[0], 0, MAX_AXIS, &batch))
             && parse_number (axes[1], 0, MAX_AXIS, &time) && !g_str_equal (axes[0], axes[1]))
         || refuse_value ("--axes",
             "B,T, two axes of the input from 0 to " G_STRINGIFY (
                 MAX_AXIS) ", the batch (-: none) and the time",
             arguments->axes, error);
}

static gboolean
parse_normalize (ConvertSplitArguments *arguments, ConvertInput *input, GError **error)
{
  return convert_normalize_parse (&arguments->ranges, arguments->normalize, error);
}

static gboolean
parse_colors (ConvertSplitArguments *arguments, ConvertInput *input, GError **error)
{
  arguments->is_bgr = g_str_equal (arguments->colors, "bgr");
  return arguments->is_bgr || g_str_equal (arguments->colors, "rgb")
         || refuse_value ("--colors", "rgb or bgr", arguments->colors, error);
}

gboolean
convert_split_arguments_parse (
    ConvertSplitArguments *arguments, ConvertInput *input, GError **error)
{
  const struct {
    const char *option, *text;
    gboolean (*parse) (ConvertSplitArguments *arguments, ConvertInput *input, GError **error);
  } options[] = {
      {"--steps", arguments->steps, parse_steps},
      {"--size", arguments->size, parse_size},
      {"--axes", arguments->axes, parse_axes},
      {"--normalize", arguments->normalize, parse_normalize},
      {"--colors", arguments->colors, parse_colors},
  };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++) {
    if (!options[i].text)
      continue;
    if (!arguments->is_split) {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
          "%s is supported only with --split", options[i].option);
      return FALSE;
    }
    if (!options[i].parse (arguments, input, error))
      return FALSE;
  }
  return TRUE;
}
