/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The options of lstm-convert that belong to --split. */
#pragma once

#include "convert.h"
#include "split/normalize.h"

typedef struct {
  gboolean is_split;                              /* --split */
  char *steps, *size, *axes, *normalize, *colors; /* the other options; nullable */
  gboolean is_bgr;                                /* of @colors */
  ConvertNormalize ranges;                        /* of @normalize */
} ConvertSplitArguments;

void convert_split_arguments_clear (ConvertSplitArguments *arguments);

/* Parses the strings of @arguments into @input and @arguments->ranges. An error has the domain
 * G_OPTION_ERROR. */
gboolean convert_split_arguments_parse (
    ConvertSplitArguments *arguments, ConvertInput *input, GError **error);
