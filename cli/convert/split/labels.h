/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "split/split.h"

/* Returns: (transfer full) (nullable): a line for each label of @split; NULL if there are no
 * labels, or if convert_labels_describe() returns a fault */
char *convert_labels_write (const ConvertSplit *split);

/* Returns: (transfer full) (nullable): the first fault in the labels of @split; NULL if each label
 * is a line of text, or if there are no labels */
char *convert_labels_describe (const ConvertSplit *split);
