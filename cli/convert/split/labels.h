/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "split/split.h"

/* Returns: (transfer full) (nullable): the labels of @split, a line for each; NULL if the model has
 * none, or if convert_labels_describe() describes a fault */
char *convert_labels_write (const ConvertSplit *split);

/* Returns: (transfer full) (nullable): why the labels of @split cannot be written as lines; NULL:
 * they can, or there are none */
char *convert_labels_describe (const ConvertSplit *split);
