/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loads liblstm, unloads it and loads it again, as a host of plugins does. This program does not
 * link to liblstm. Usage: test-reload LIBRARY */
#include <dlfcn.h>
#include <glib-object.h>

#define ROUNDS 3

typedef struct {
  void *(*load) (const char *path, GError **error);
  void (*unref) (void *model);
  void *(*new_state) (void *model, gsize streams, GError **error);
  void (*unref_state) (void *state);
} Library;

static const char *const types[] = {
    "lstm_model_get_type",
    "lstm_state_get_type",
    "lstm_window_get_type",
    "lstm_precision_get_type",
};

static gpointer
find_symbol (void *handle, const char *name)
{
  gpointer symbol = dlsym (handle, name);

  if (!symbol)
    g_error ("%s: %s", name, dlerror ());
  return symbol;
}

static void
use_types (void *handle)
{
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++) {
    GType (*get_type) (void);
    g_autofree char *name = NULL;
    GValue value = G_VALUE_INIT;

    *(gpointer *) &get_type = find_symbol (handle, types[i]);
    name = g_strdup (g_type_name (get_type ()));
    g_assert_true (g_str_has_prefix (name, "Lstm"));
    g_assert_true (g_type_from_name (name) == get_type ());
    g_value_init (&value, get_type ());
    g_value_unset (&value);
  }
}

static void
use_model (void *handle, const char *path)
{
  g_autoptr (GError) error = NULL;
  Library library;
  void *model, *state;

  *(gpointer *) &library.load = find_symbol (handle, "lstm_model_load");
  *(gpointer *) &library.unref = find_symbol (handle, "lstm_model_unref");
  *(gpointer *) &library.new_state = find_symbol (handle, "lstm_state_new");
  *(gpointer *) &library.unref_state = find_symbol (handle, "lstm_state_unref");
  model = library.load (path, &error);
  g_assert_no_error (error);
  state = library.new_state (model, 2, &error);
  g_assert_no_error (error);
  library.unref_state (state);
  library.unref (model);
  g_assert_null (library.load ("/nonexistent/model.safetensors", &error));
  g_assert_cmpstr (g_quark_to_string (error->domain), !=, NULL);
}

static void
test_reload (gconstpointer data)
{
  g_autofree char *model = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), "lstm", "head", "model.safetensors", NULL);

  for (guint i = 0; i < ROUNDS; i++) {
    void *handle = dlopen (data, RTLD_NOW | RTLD_LOCAL);

    if (!handle)
      g_error ("%s", dlerror ());
    use_types (handle);
    use_model (handle, model);
    g_assert_cmpint (dlclose (handle), ==, 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/reload", argv[1], test_reload);
  return g_test_run ();
}
