/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loads the engines that are shared objects. */
#include "bench.h"
#include <dlfcn.h>

const Engine *
bench_load_module (const char *path, GError **error)
{
  const Engine *(*get_engine) (void) = NULL;
  void *module = dlopen (path, RTLD_NOW | RTLD_LOCAL);

  if (module)
    *(void **) &get_engine = dlsym (module, "bench_module_engine");
  if (get_engine)
    return get_engine ();
  g_set_error (error, BENCH_ERROR, 0,
      "%s: expected a shared object with the function bench_module_engine, found: %s", path,
      dlerror ());
  return NULL;
}
