/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The normalization of pixels, as --normalize states it: the values that the network reads for the
 * pixels 0 and 255, for each channel. */
#pragma once

#include <glib.h>

#define CONVERT_MAX_RANGES 16
#define CONVERT_NORMALIZE_CHOICES "imagenet, 0..1, -1..1, bytes or LOW,HIGH;LOW,HIGH;LOW,HIGH"

typedef struct {
  double low, high; /* the values of the pixels 0 and 255 */
} ConvertRange;

typedef struct {
  char *text;       /* of the option */
  guint n_channels; /* 0: one range for all channels */
  ConvertRange ranges[CONVERT_MAX_RANGES];
} ConvertNormalize;

void convert_normalize_clear (ConvertNormalize *normalize);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ConvertNormalize, convert_normalize_clear)

/* Parses @text, the argument of --normalize. */
gboolean convert_normalize_parse (
    ConvertNormalize *normalize, const char *text, GError **error);

/* Checks that @normalize has a range for each of @n_channels channels. @path: for the message */
gboolean convert_normalize_check (
    const ConvertNormalize *normalize, const char *path, gsize n_channels, GError **error);

ConvertRange convert_normalize_get_range (const ConvertNormalize *normalize, gsize channel);

/* Return whether the range of all channels is 0 to 255, and whether all channels have one range. */
gboolean convert_normalize_is_identity (const ConvertNormalize *normalize);
gboolean convert_normalize_is_uniform (const ConvertNormalize *normalize);

/* Appends @number with a point as the decimal separator, in every locale. */
void convert_normalize_append_number (GString *text, double number);

/* Appends the ranges of @n_channels channels as LOW,HIGH;LOW,HIGH. */
void convert_normalize_append_ranges (
    GString *text, const ConvertNormalize *normalize, gsize n_channels);
