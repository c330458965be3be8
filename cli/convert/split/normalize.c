/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/normalize.h"
#include "convert.h"
#include <errno.h>
#include <math.h>
#include <string.h>

/* The range of (pixel / 255 - @mean) / @deviation */
#define STANDARDIZED(mean, deviation)                                                          \
  {                                                                                            \
    -(mean) / (deviation), (1 - (mean)) / (deviation)                                          \
  }

static const struct {
  const char *name;
  guint n_channels; /* 0: any number */
  ConvertRange ranges[3];
} named[] = {
    /* the mean and the deviation of ImageNet's training pictures, which torchvision's models use */
    {"imagenet", 3,
        {STANDARDIZED (0.485, 0.229), STANDARDIZED (0.456, 0.224),
            STANDARDIZED (0.406, 0.225)}},
    {"0..1", 0, {{0, 1}}},
    {"-1..1", 0, {{-1, 1}}},
    {"bytes", 0, {{0, 255}}},
};

void
convert_normalize_clear (ConvertNormalize *normalize)
{
  g_clear_pointer (&normalize->text, g_free);
}

static gboolean
parse_number (const char *text, double *number)
{
  char *end;

  errno = 0;
  *number = g_ascii_strtod (text, &end);
  return end != text && *end == 0 && errno == 0 && isfinite (*number)
         && !g_ascii_isspace (*text);
}

/* Parses "LOW,HIGH". */
static gboolean
parse_range (const char *text, ConvertRange *range)
{
  g_auto (GStrv) numbers = g_strsplit (text, ",", 3);

  return g_strv_length (numbers) == 2 && parse_number (numbers[0], &range->low)
         && parse_number (numbers[1], &range->high) && range->low < range->high;
}

static gboolean
parse_ranges (ConvertNormalize *normalize, const char *text)
{
  g_auto (GStrv) pairs = g_strsplit (text, ";", CONVERT_MAX_RANGES + 1);

  normalize->n_channels = g_strv_length (pairs);
  if (normalize->n_channels == 0 || normalize->n_channels > CONVERT_MAX_RANGES)
    return FALSE;
  for (guint i = 0; i < normalize->n_channels; i++)
    if (!parse_range (pairs[i], &normalize->ranges[i]))
      return FALSE;
  return TRUE;
}

gboolean
convert_normalize_parse (ConvertNormalize *normalize, const char *text, GError **error)
{
  normalize->text = g_strdup (text);
  for (guint i = 0; i < G_N_ELEMENTS (named); i++)
    if (g_str_equal (text, named[i].name)) {
      normalize->n_channels = named[i].n_channels;
      memcpy (normalize->ranges, named[i].ranges, sizeof named[i].ranges);
      return TRUE;
    }
  if (parse_ranges (normalize, text))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "--normalize: expected " CONVERT_NORMALIZE_CHOICES
      ", a range for each of at most %u channels with LOW below HIGH, found \"%s\"",
      CONVERT_MAX_RANGES, text);
  return FALSE;
}

gboolean
convert_normalize_check (
    const ConvertNormalize *normalize, const char *path, gsize n_channels, GError **error)
{
  if (normalize->n_channels == 0 || normalize->n_channels == n_channels)
    return TRUE;
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
      "%s: --normalize: expected a range for each of the %" G_GSIZE_FORMAT
      " channels of a frame, found \"%s\", which has %u",
      path, n_channels, normalize->text, normalize->n_channels);
  return FALSE;
}

ConvertRange
convert_normalize_get_range (const ConvertNormalize *normalize, gsize channel)
{
  return normalize->ranges[normalize->n_channels ? channel : 0];
}

gboolean
convert_normalize_is_uniform (const ConvertNormalize *normalize)
{
  for (guint i = 1; i < normalize->n_channels; i++)
    if (normalize->ranges[i].low != normalize->ranges[0].low
        || normalize->ranges[i].high != normalize->ranges[0].high)
      return FALSE;
  return TRUE;
}

gboolean
convert_normalize_is_identity (const ConvertNormalize *normalize)
{
  return convert_normalize_is_uniform (normalize) && normalize->ranges[0].low == 0
         && normalize->ranges[0].high == 255;
}

void
convert_normalize_append_number (GString *text, double number)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (buffer, sizeof buffer, "%.9g", number);
  g_string_append (text, buffer);
  if (!strpbrk (buffer, ".e"))
    g_string_append (text, ".0");
}

void
convert_normalize_append_ranges (
    GString *text, const ConvertNormalize *normalize, gsize n_channels)
{
  for (gsize i = 0; i < n_channels; i++) {
    const ConvertRange range = convert_normalize_get_range (normalize, i);

    g_string_append (text, i ? ";" : "");
    convert_normalize_append_number (text, range.low);
    g_string_append_c (text, ',');
    convert_normalize_append_number (text, range.high);
  }
}
