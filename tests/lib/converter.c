/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "converter.h"
#include <lstm/lstm.h>

/* The build passes one table row X (name, function, options, reason, ...) per reader. */
#define X(name, function, options, reason, split, split_reason) {name, reason},
const TestReader test_readers[] = {CONVERT_READERS (X){NULL}};
const TestReader test_readers_without[] = {CONVERT_READERS_WITHOUT (X){NULL}};
#undef X

const TestReader *
test_find_reader (const TestReader *readers, const char *name)
{
  for (; readers->name; readers++)
    if (g_str_equal (readers->name, name))
      return readers;
  return NULL;
}

/* Asks the converter only if the build leaves a reader out. */
gboolean
test_is_left_out (const char *path)
{
  gboolean is_left_out = FALSE;

  for (const TestReader *reader = test_readers; reader->name && !is_left_out; reader++) {
    g_autofree char *message = NULL;
    g_autoptr (LstmModel) model = NULL;
    g_autoptr (GError) error = NULL;

    if (!reader->reason)
      continue;
    message = g_strdup_printf (
        "%s: this lstm-convert was built without %s: %s", path, reader->name, reader->reason);
    model = lstm_model_load (path, &error);
    is_left_out = error && g_str_equal (error->message, message);
  }
  return is_left_out;
}

gboolean
test_skip_left_out (const char *path)
{
  const gboolean is_left_out = test_is_left_out (path);

  if (is_left_out)
    g_test_skip ("the build leaves out the reader of this file");
  return is_left_out;
}
