/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Classes and functions of a configuration that do not belong to Keras. */
#pragma once

#include <json-glib/json-glib.h>

/* Renames each custom class and function below @node to PACKAGE>NAME, so that no custom name equals
 * a name of Keras. */
void keras_mark_custom_objects (JsonNode *node);
