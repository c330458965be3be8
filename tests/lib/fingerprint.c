/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks which changes of a file change the fingerprint of the model. */
#include "network.h"
#include "testutil.h"

#define NAME "\\\"name\\\":\\\"0\\\""
#define ACTIVATIONS(name)                                                                      \
  NAME ",\\\"activations\\\":[\\\"sigmoid\\\",\\\"tanh\\\",\\\"" name "\\\"]"

/* Edits of the header of the network below, and whether the fingerprint stays the same */
static const struct {
  const char *from, *to;
  gboolean is_same;
} edits[] = {
    {"{", "{", TRUE},
    {"\"lstm.version\"", "\"note\":\"\",\"lstm.version\"", TRUE},
    {NAME, ACTIVATIONS ("tanh"), TRUE},
    {NAME, ACTIVATIONS ("relu"), FALSE},
    {NAME, NAME ",\\\"clip\\\":3", FALSE},
    {NAME, NAME ",\\\"cell_clip\\\":3", FALSE},
    {NAME, NAME ",\\\"input_forget\\\":true", FALSE},
    {NAME, NAME ",\\\"zero_masked\\\":true", FALSE},
    {NAME, NAME ",\\\"return\\\":\\\"last\\\"", FALSE},
    {NAME, NAME ",\\\"direction\\\":\\\"reverse\\\"", FALSE},
    {"softmax", "log_softmax", FALSE},
    {"[{", "[{\\\"type\\\":\\\"masking\\\"},{", FALSE},
    {"[{", "[{\\\"type\\\":\\\"normalization\\\",\\\"mean\\\":2},{", FALSE},
    {"}]", "},{\\\"type\\\":\\\"repeat_vector\\\",\\\"n\\\":2}]", FALSE},
    {"}]", "},{\\\"type\\\":\\\"pooling\\\",\\\"function\\\":\\\"mean\\\"}]", FALSE},
    {"}]", "},{\\\"type\\\":\\\"pooling\\\",\\\"function\\\":\\\"sum\\\"}]", FALSE},
    {"}]",
        "},{\\\"type\\\":\\\"pooling\\\",\\\"function\\\":\\\"sum\\\","
        "\\\"count_masked\\\":true}]",
        FALSE},
    {"}]", "},{\\\"type\\\":\\\"residual\\\"}]", FALSE},
    {"\"lstm.version\"", "\"lstm.rate\":\"48000\",\"lstm.version\"", TRUE},
    {"}]", "},{\\\"type\\\":\\\"layer_normalization\\\"}]", FALSE},
    {"}]", "},{\\\"type\\\":\\\"layer_normalization\\\",\\\"epsilon\\\":0.1}]", FALSE},
    {"}]", "},{\\\"type\\\":\\\"activation\\\",\\\"activation\\\":\\\"elu\\\"}]", FALSE},
    {"}]",
        "},{\\\"type\\\":\\\"activation\\\",\\\"activation\\\":{\\\"name\\\":\\\"elu\\\","
        "\\\"alpha\\\":2}}]",
        FALSE},
};

static const TestNetwork named = {3, {{TEST_LSTM, 3}, {TEST_DENSE, 2, "softmax"}}};

static char *
get_fingerprint (GBytes *file, const char *isa, LstmPrecision precision)
{
  g_autoptr (LstmModel) model = test_model_load_bytes (file, isa, precision);

  return model ? g_strdup (lstm_model_get_fingerprint (model)) : NULL;
}

/* Checks that each file has the fingerprint of the first file, or one that no other file has. */
static void
test_descriptions (void)
{
  g_autoptr (GBytes) file = test_network_file (&named);
  g_autofree char *first = get_fingerprint (file, "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_hash_table_add (seen, g_strdup (first));
  for (gsize i = 0; i < G_N_ELEMENTS (edits); i++) {
    g_autoptr (GBytes) edited = test_edit_header (file, edits[i].from, edits[i].to, 1);
    g_autofree char *found = get_fingerprint (edited, "base", LSTM_PRECISION_FLOAT32);

    g_test_message ("%s: %s", edits[i].to, found);
    if (edits[i].is_same)
      g_assert_cmpstr (found, ==, first);
    else
      g_assert_true (g_hash_table_add (seen, g_steal_pointer (&found)));
  }
}

/* Neither the names of layers nor the lane order of an instruction set change the fingerprint. */
static void
test_same (void)
{
  g_autoptr (GBytes) file = test_network_file (&named);
  g_autoptr (GBytes) described = test_edit_header (file, NAME, "\\\"name\\\":\\\"other\\\"", 0);
  g_autoptr (GBytes) renamed = test_edit_header (described, "\"0.", "\"other.", 0);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
    for (gsize i = 0; test_isas[i]; i++) {
      char *a = get_fingerprint (file, test_isas[i], (LstmPrecision) p);
      g_autofree char *b = get_fingerprint (renamed, test_isas[i], (LstmPrecision) p);

      g_assert_cmpstr (a, ==, b);
      if (a)
        g_hash_table_add (seen, a);
    }
    g_assert_cmpuint (g_hash_table_size (seen), ==, p + 1);
  }
}

/* The last bit of each weight changes the fingerprint, in each precision. */
static void
test_last_bit (void)
{
  g_autoptr (GBytes) file = test_network_file (&named);
  gsize size;
  const guint8 *content = g_bytes_get_data (file, &size);
  const gsize begin = 8 + (gsize) GUINT64_FROM_LE (*(const guint64 *) content);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint p = 0; p < TEST_N_PRECISIONS; p++)
    for (gsize at = begin; at < size; at += sizeof (float)) {
      guint8 *copy = g_memdup2 (content, size);
      g_autoptr (GBytes) other = g_bytes_new_take (copy, size);

      copy[at] ^= 1;
      g_assert_true (
          g_hash_table_add (seen, get_fingerprint (other, "base", (LstmPrecision) p)));
    }
  g_assert_cmpuint (
      g_hash_table_size (seen), ==, TEST_N_PRECISIONS * (size - begin) / sizeof (float));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fingerprint/descriptions", test_descriptions);
  g_test_add_func ("/fingerprint/same", test_same);
  g_test_add_func ("/fingerprint/last-bit", test_last_bit);
  return g_test_run ();
}
