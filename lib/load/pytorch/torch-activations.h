/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Activations by the names that PyTorch has for them, as a function or as a module, and by those of
 * docs/formats.md. The numbers are PyTorch's. */
#pragma once

#include <json-glib/json-glib.h>

/* @word: "NAME", or "NAME(x)" where PyTorch's first argument is our alpha.
 * Returns: (transfer full) (nullable): as docs/formats.md has an activation; NULL for another word */
JsonNode *lstm_torch_activation_parse (const char *word);

/* Returns: (transfer full): all names, for messages */
char *lstm_torch_activation_list (void);
