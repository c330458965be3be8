/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ThreadSanitizer sees pthreads, but GMutex, GCond and the counts of references are futexes and
 * atomics in a library that it has not compiled. Linked into a test, these stand before GLib's own
 * functions for every library but GLib, call them, and tell what came before what. Where nothing
 * sanitizes threads the file is empty. */
#define _GNU_SOURCE
#ifdef __SANITIZE_THREAD__
#  pragma GCC visibility push(default) /* for the libraries, against the build's default */
#  include <dlfcn.h>
#  include <glib.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);
const char *__tsan_default_suppressions (void);

/* Of libraries that it has not compiled only what libc does for them is seen, and none of the
 * atomics that order it. */
const char *
__tsan_default_suppressions (void)
{
  return "called_from_lib:libglib-2.0.so\n"
         "called_from_lib:libgobject-2.0.so\n"
         "called_from_lib:libgstreamer-1.0.so\n"
         "called_from_lib:libgstbase-1.0.so\n"
         "called_from_lib:libgstcheck-1.0.so\n";
}

/* GLib's function of that name */
static gpointer
next (const gchar *name)
{
  gpointer function = dlsym (RTLD_NEXT, name);

  if (!function)
    __builtin_trap ();
  return function;
}

void
g_mutex_lock (GMutex *mutex)
{
  void (*real) (GMutex *) = next ("g_mutex_lock");

  real (mutex);
  __tsan_acquire (mutex);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  gboolean (*real) (GMutex *) = next ("g_mutex_trylock");
  const gboolean locked = real (mutex);

  if (locked)
    __tsan_acquire (mutex);
  return locked;
}

void
g_mutex_unlock (GMutex *mutex)
{
  void (*real) (GMutex *) = next ("g_mutex_unlock");

  __tsan_release (mutex);
  real (mutex);
}

/* A pthread mutex, which GLib's tail calls make unlocked in another library than it was locked. */
void
g_rec_mutex_lock (GRecMutex *mutex)
{
  void (*real) (GRecMutex *) = next ("g_rec_mutex_lock");

  real (mutex);
  __tsan_acquire (mutex);
}

void
g_rec_mutex_unlock (GRecMutex *mutex)
{
  void (*real) (GRecMutex *) = next ("g_rec_mutex_unlock");

  __tsan_release (mutex);
  real (mutex);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  void (*real) (GCond *, GMutex *) = next ("g_cond_wait");

  __tsan_release (mutex);
  real (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean (*real) (GCond *, GMutex *, gint64) = next ("g_cond_wait_until");
  gboolean signalled;

  __tsan_release (mutex);
  signalled = real (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return signalled;
}

gboolean (g_atomic_ref_count_dec) (gatomicrefcount *count)
{
  gboolean (*real) (gatomicrefcount *) = next ("g_atomic_ref_count_dec");
  gboolean last;

  __tsan_release (count);
  last = real (count);
  if (last)
    __tsan_acquire (count);
  return last;
}

#endif
