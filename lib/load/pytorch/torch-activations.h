/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Activations in a module chain. A keyword is the name that PyTorch uses for a function or a
 * module, or the name in docs/formats.md. An activation has the formula and the default parameters
 * of PyTorch. */
#pragma once

#include <json-glib/json-glib.h>

/* Parses "NAME", or "NAME(alpha)" if the first argument in PyTorch is the parameter alpha.
 * Returns: (transfer full) (nullable): the activation as docs/formats.md describes it; NULL if
 * @keyword is no activation */
JsonNode *lstm_torch_activation_parse (const char *keyword);

/* Returns: (transfer full): all names, for messages */
char *lstm_torch_activation_list (void);
