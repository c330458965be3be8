/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks that malformed files of saved states and windows are refused, and that files of older
 * versions load. */
#include "saved.h"
#include <math.h>
#include <string.h>

/* --- Refused files --- */

/* A saved state or window in which @to replaces the part @from of the header */
typedef struct {
  const char *name;
  gboolean of_window; /* of length 5 and hop 2 */
  const char *from, *to;
  int code; /* LstmError, or -1 if the file is accepted */
  const char *message;
} Refusal;

#define META(key, value) "\"lstm." key "\":\"" value "\""
#define HIDDEN "\"0.hidden\":{\"dtype\":\"F32\",\"shape\":[3,20],\"data_offsets\":[0,240]}"
#define OTHER(name, dtype, shape)                                                              \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[0,240]}"

static const Refusal refusals[] = {
    {"same", FALSE, "{", "{", -1, NULL},
    {"same-window", TRUE, "{", "{", -1, NULL},
    {"foreign-key", FALSE, META ("state", "1"), META ("state", "1") ",\"note\":\"\"", -1, NULL},

    {"no-version", FALSE, META ("state", "1") ",", "", LSTM_ERROR_STATE,
        "\"lstm.state\": expected 1, found none"},
    {"next-version", FALSE, META ("state", "1"), META ("state", "2"), LSTM_ERROR_STATE,
        "\"lstm.state\": expected 1, found \"2\""},
    {"other-model", FALSE, "\"lstm.model\":\"", "\"lstm.model\":\"0", LSTM_ERROR_STATE,
        "test: state of another model: expected "},
    {"no-model", FALSE, "\"lstm.model\"", "\"model\"", LSTM_ERROR_STATE, "found none"},
    {"unknown-key", FALSE, META ("state", "1"), META ("state", "1") "," META ("stat", ""),
        LSTM_ERROR_STATE, "\"lstm.stat\": expected no such key for a state, found \"\""},
    {"unknown-window-key", TRUE, META ("state", "1"), META ("state", "1") "," META ("x", "3"),
        LSTM_ERROR_STATE, "\"lstm.x\": expected no such key for windows"},
    {"state-of-windows", FALSE, META ("state", "1"),
        META ("state", "1") "," META ("window-hop", "3"), LSTM_ERROR_STATE,
        "\"lstm.window-hop\": expected no such key for a state"},

    {"no-streams", FALSE, META ("streams", "3") ",", "", LSTM_ERROR_STATE,
        "\"lstm.streams\": expected a number from 1 to "},
    {"0-streams", FALSE, META ("streams", "3"), META ("streams", "0"), LSTM_ERROR_STATE,
        "found \"0\""},
    {"-3-streams", FALSE, META ("streams", "3"), META ("streams", "-3"), LSTM_ERROR_STATE,
        "found \"-3\""},
    {"most-streams", FALSE, META ("streams", "3"), META ("streams", "9223372036854775807"),
        LSTM_ERROR_SHAPE, "expected shape [9223372036854775807, 20], found [3, 20]"},
    {"too-many-streams", FALSE, META ("streams", "3"), META ("streams", "18446744073709551619"),
        LSTM_ERROR_STATE, "expected a number from 1 to "},
    {"fewer-streams", FALSE, META ("streams", "3"), META ("streams", "2"), LSTM_ERROR_SHAPE,
        "\"0.hidden\": expected shape [2, 20], found [3, 20]"},
    {"no-steps", FALSE, "," META ("steps", "7"), "", LSTM_ERROR_STATE, "\"lstm.steps\""},
    {"steps-fraction", FALSE, META ("steps", "7"), META ("steps", "7.5"), LSTM_ERROR_STATE,
        "\"lstm.steps\""},
    {"steps-blank", FALSE, META ("steps", "7"), META ("steps", " 7"), LSTM_ERROR_STATE,
        "\"lstm.steps\""},
    {"no-time", FALSE, META ("next-time", "1000") ",", "", -1, NULL},
    {"time-empty", FALSE, META ("next-time", "1000"), META ("next-time", ""), LSTM_ERROR_STATE,
        "\"lstm.next-time\""},
    {"time-unknown", FALSE, META ("next-time", "1000"),
        META ("next-time", "18446744073709551615"), LSTM_ERROR_STATE,
        "\"lstm.next-time\": expected a number from 0 to 18446744073709551614"},
    {"last-time", FALSE, META ("next-time", "1000"), META ("time", "900"), -1, NULL},
    {"last-time-empty", FALSE, META ("next-time", "1000"), META ("time", ""), LSTM_ERROR_STATE,
        "\"lstm.time\""},
    {"empty-digest", FALSE, META ("state", "1"), META ("state", "1") "," META ("digest", ""),
        LSTM_ERROR_STATE, "\"lstm.digest\": expected sha256:"},

    {"other-length", TRUE, META ("window-length", "5"), META ("window-length", "6"),
        LSTM_ERROR_STATE, "\"lstm.window-length\": expected 5, found \"6\""},
    {"other-hop", TRUE, META ("window-hop", "2"), META ("window-hop", "3"), LSTM_ERROR_STATE,
        "\"lstm.window-hop\": expected 2, found \"3\""},
    {"no-windows", TRUE, META ("window-length", "5") ",", "", LSTM_ERROR_STATE,
        "\"lstm.window-length\": expected 5, found none"},
    {"last-position", TRUE, META ("window-position", "7"), META ("window-position", "8"), -1,
        NULL},
    {"position-too-large", TRUE, META ("window-position", "7"), META ("window-position", "9"),
        LSTM_ERROR_STATE, "\"lstm.window-position\": expected a number from 0 to 8, found"},
    {"position-far", TRUE, META ("window-position", "7"),
        META ("window-position", "18446744073709551615"), LSTM_ERROR_STATE, "from 0 to 8"},
    {"position-negative", TRUE, META ("window-position", "7"), META ("window-position", "-1"),
        LSTM_ERROR_STATE, "from 0 to 8"},
    {"no-position", TRUE, "," META ("window-position", "7"), "", LSTM_ERROR_STATE,
        "from 0 to 8"},
    {"other-slots", TRUE, "[3,3,20]", "[9,20]", LSTM_ERROR_SHAPE,
        "expected shape [3, 3, 20], found [9, 20]"},

    {"no-hidden", FALSE, HIDDEN, OTHER ("0.bidden", "F32", "[3,20]"), LSTM_ERROR_TENSOR,
        "test: expected a tensor \"0.hidden\", found none"},
    {"no-cell", FALSE, "0.cell", "1.cell", LSTM_ERROR_TENSOR, "\"0.cell\", found none"},
    {"transposed", FALSE, HIDDEN, OTHER ("0.hidden", "F32", "[20,3]"), LSTM_ERROR_SHAPE,
        "\"0.hidden\": expected shape [3, 20], found [20, 3]"},
    {"flat", FALSE, HIDDEN, OTHER ("0.hidden", "F32", "[60]"), LSTM_ERROR_SHAPE, "found [60]"},
    {"integers", FALSE, HIDDEN, OTHER ("0.hidden", "I32", "[3,20]"), LSTM_ERROR_TENSOR,
        "\"0.hidden\": expected F32, found I32"},
    {"doubles", FALSE, HIDDEN, OTHER ("0.hidden", "F64", "[3,10]"), LSTM_ERROR_TENSOR,
        "expected F32, found F64"},
    {"one-more", FALSE, HIDDEN,
        HIDDEN ",\"2.cell\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[240,240]}",
        LSTM_ERROR_TENSOR, "\"2.cell\" belongs to no layer of the model"},
    {"lying-size", FALSE, HIDDEN, OTHER ("0.hidden", "F32", "[4,20]"), LSTM_ERROR_FORMAT,
        "\"0.hidden\": expected 320 bytes"},
    {"not-json", FALSE, "{", "[", LSTM_ERROR_FORMAT, "test: header"},
};

/* Checks the error of an edited file. Removes the digest first, so that the file is refused for the
 * edit. */
static void
test_refusal (gconstpointer data)
{
  const Refusal *test = data;
  g_autoptr (LstmModel) model = saved_model (0, "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (GBytes) made = saved_make (model, test->of_window);
  g_autoptr (GBytes) file = saved_without_digest (made);
  g_autoptr (GBytes) edited = test_edit_header (file, test->from, test->to, 1);
  g_autoptr (GError) error = NULL;

  g_assert_true (saved_loads (model, test->of_window, edited, &error) == (test->code < 0));
  if (test->code < 0) {
    g_assert_no_error (error);
    return;
  }
  g_test_message ("%s", error->message);
  g_assert_error (error, LSTM_ERROR, test->code);
  g_assert_true (g_str_has_prefix (error->message, "test: "));
  g_assert_nonnull (strstr (error->message, test->message));
}

/* A state does not load as a window, a window not as a state, and a model as neither. */
static void
test_other_kind (void)
{
  g_autoptr (LstmModel) model = saved_model (0, "base", LSTM_PRECISION_FLOAT32);
  GBytes *files[] = {saved_make (model, FALSE), saved_make (model, TRUE),
      test_network_file (&saved_networks[0].network)};

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    for (guint window = 0; window < 2; window++) {
      g_autoptr (GError) error = NULL;

      if (saved_loads (model, window, files[i], &error) != (i == window))
        g_error ("%" G_GSIZE_FORMAT " as %u", i, window);
      if (i != window)
        g_assert_error (error, LSTM_ERROR, LSTM_ERROR_STATE);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    g_bytes_unref (files[i]);
}

static void
test_truncated (void)
{
  g_autoptr (LstmModel) model = saved_model (0, "base", LSTM_PRECISION_FLOAT32);

  for (guint window = 0; window < 2; window++) {
    g_autoptr (GBytes) file = saved_make (model, window);

    for (gsize size = 0; size < g_bytes_get_size (file); size++) {
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (file, 0, size);
      g_autoptr (GError) error = NULL;

      g_assert_false (saved_loads (model, window, part, &error));
      g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT);
    }
  }
}

/* A file with a changed byte is refused, or has the same content. The digest finds the changes
 * that no other rule finds, for example in h and c. */
static void
test_damaged (void)
{
  static const guint8 flips[] = {0x01, 0x20, 0x80, 0xff};
  g_autoptr (LstmModel) model = saved_model (0, "base", LSTM_PRECISION_FLOAT32);

  for (guint window = 0; window < 2; window++) {
    g_autoptr (GBytes) file = saved_make (model, window);
    gsize size, by_digest = 0;
    const guint8 *content = g_bytes_get_data (file, &size);
    const gsize data = 8 + (gsize) GUINT64_FROM_LE (*(const guint64 *) content);

    for (gsize i = 0; i < size * G_N_ELEMENTS (flips); i++) {
      g_autofree guint8 *copy = g_memdup2 (content, size);
      g_autoptr (GBytes) damaged = NULL;
      g_autoptr (GError) error = NULL;

      copy[i / G_N_ELEMENTS (flips)] ^= flips[i % G_N_ELEMENTS (flips)];
      damaged = g_bytes_new (copy, size);
      if (saved_loads (model, window, damaged, &error)) {
        g_autoptr (GBytes) again = saved_load_and_save (model, window, damaged);

        g_assert_true (g_bytes_equal (again, file));
        g_assert_cmpuint (i / G_N_ELEMENTS (flips), <, data);
        continue;
      }
      g_assert_true (g_str_has_prefix (error->message, "test: "));
      by_digest += strstr (error->message, "\"lstm.digest\": expected sha256:") != NULL;
    }
    g_assert_cmpuint (by_digest, >=, (size - data) * G_N_ELEMENTS (flips));
  }
}

/* The digest does not depend on the order of keys and tensors, which other programs may change. */
static void
test_other_order (void)
{
  g_autoptr (LstmModel) model = saved_model (0, "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (GBytes) file = saved_make (model, FALSE);
  g_autoptr (GBytes) fewer = test_edit_header (file, META ("streams", "3") ",", "", 1);
  g_autoptr (GBytes) moved = test_edit_header (
      fewer, META ("steps", "7"), META ("steps", "7") "," META ("streams", "3"), 1);
  g_autoptr (GBytes) again = saved_load_and_save (model, FALSE, moved);

  g_assert_true (g_bytes_equal (again, file));
}

/* Only the slots of incomplete windows are checked. After seven steps the window that began at
 * the third step is complete, and its slot is the second. */
static void
test_not_finite (void)
{
  static const float values[] = {NAN, INFINITY, -INFINITY};
  enum { UNITS = 20 };
  g_autoptr (LstmModel) model = saved_model (0, "base", LSTM_PRECISION_FLOAT32);

  for (guint window = 0; window < 2; window++) {
    g_autoptr (GBytes) made = saved_make (model, window);
    g_autoptr (GBytes) file = saved_without_digest (made);
    const gsize rows = window ? 9 : 3;

    for (gsize i = 0; i < 2 * rows * UNITS; i++) {
      const gsize row = i / UNITS % rows, unit = i % UNITS;
      g_autoptr (GBytes) bad = saved_with_value (file, i, values[i % G_N_ELEMENTS (values)]);
      g_autofree char *at = window ? g_strdup_printf ("[%zu, %zu, %zu]", row / 3, row % 3, unit)
                                   : g_strdup_printf ("[%zu, %zu]", row, unit);
      g_autofree char *expected = g_strdup_printf (
          "test: tensor \"0.%s\": expected finite values, found %g at %s",
          i / UNITS < rows ? "hidden" : "cell", (double) values[i % G_N_ELEMENTS (values)], at);
      g_autoptr (GError) error = NULL;

      if (saved_loads (model, window, bad, &error)) {
        g_assert_true (window);
        g_assert_cmpuint (row % 3, ==, 1);
        continue;
      }
      g_assert_error (error, LSTM_ERROR, LSTM_ERROR_VALUE);
      g_assert_cmpstr (error->message, ==, expected);
    }
  }
}

/* Without an LSTM layer no tensor limits the number of streams. */
static void
test_no_memory (void)
{
  g_autoptr (LstmModel) model = saved_model (4, "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (LstmState) state = test_state_new (model, 1);
  g_autoptr (GBytes) made = lstm_state_save (state, 0, 0);
  g_autoptr (GBytes) file = saved_without_digest (made);
  g_autoptr (GBytes)
      many = test_edit_header (file, META ("streams", "1"), META ("streams", "65537"), 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (saved_loads (model, FALSE, many, &error));
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, "from 1 to 65536"));
}

/* --- Files of older versions and other machines --- */

/* Files in vectors/states, of the model variants/torch-projection and three streams after seven
 * steps. They are also seeds of the fuzzer. LSTM_TEST_RENEW writes them again, except for the old
 * files, which have no digest and state the time of the last step. */
static const struct {
  const char *name;
  gboolean of_window, is_old;
} stored[] = {{"state.safetensors", FALSE, FALSE}, {"window.safetensors", TRUE, FALSE},
    {"state-undigested.safetensors", FALSE, TRUE},
    {"window-undigested.safetensors", TRUE, TRUE}};

/* Compares two files except for the spaces at the end of the header. */
static void
assert_same_file (GBytes *a, GBytes *b)
{
  GBytes *files[] = {a, b};
  char *headers[2];
  const char *data[2];
  gsize sizes[2];

  for (guint i = 0; i < 2; i++) {
    const char *content = g_bytes_get_data (files[i], &sizes[i]);
    const gsize length = (gsize) GUINT64_FROM_LE (*(const guint64 *) content);

    headers[i] = g_strchomp (g_strndup (content + 8, length));
    data[i] = content + 8 + length;
    sizes[i] -= 8 + length;
  }
  g_assert_cmpstr (headers[0], ==, headers[1]);
  g_assert_cmpmem (data[0], sizes[0], data[1], sizes[1]);
  g_free (headers[0]);
  g_free (headers[1]);
}

static void
test_stored (void)
{
  const char *root = g_getenv ("LSTM_TEST_VECTORS");
  g_autofree char *path = g_build_filename (
      root, "variants", "torch-projection", "model.safetensors", NULL);
  g_autoptr (LstmModel) model = test_model_load (path, "base");

  for (gsize i = 0; i < G_N_ELEMENTS (stored); i++) {
    g_autofree char *file = g_build_filename (root, "states", stored[i].name, NULL);
    g_autofree char *content = NULL;
    g_autoptr (GBytes) made = saved_make (model, stored[i].of_window);
    g_autoptr (GBytes) bytes = NULL, again = NULL;
    gsize size;

    if (g_getenv ("LSTM_TEST_RENEW") && !stored[i].is_old)
      g_assert_true (g_file_set_contents (
          file, g_bytes_get_data (made, NULL), (gssize) g_bytes_get_size (made), NULL));
    g_assert_true (g_file_get_contents (file, &content, &size, NULL));
    bytes = g_bytes_new (content, size);
    again = saved_load_and_save (model, stored[i].of_window, bytes);
    if (stored[i].is_old) { /* an old file states no time of the next step */
      g_autoptr (GBytes) timeless = test_edit_header (bytes, META ("time", "1000") ",", "", 1);
      g_autoptr (GBytes) undigested = saved_without_digest (again);

      assert_same_file (undigested, timeless);
    } else {
      g_assert_true (g_bytes_equal (again, bytes));
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autofree char *path = g_strconcat ("/save-files/refused/", refusals[i].name, NULL);

    g_test_add_data_func (path, &refusals[i], test_refusal);
  }
  g_test_add_func ("/save-files/other-kind", test_other_kind);
  g_test_add_func ("/save-files/truncated", test_truncated);
  g_test_add_func ("/save-files/damaged", test_damaged);
  g_test_add_func ("/save-files/other-order", test_other_order);
  g_test_add_func ("/save-files/not-finite", test_not_finite);
  g_test_add_func ("/save-files/no-memory", test_no_memory);
  g_test_add_func ("/save-files/stored", test_stored);
  return g_test_run ();
}
