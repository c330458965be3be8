/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Locks that ThreadSanitizer understands. It knows pthreads, but GMutex, GCond and reference counts
 * are futexes and atomics in a library that it has not instrumented. A test links the functions
 * below. They replace GLib's functions in all libraries except GLib: each calls GLib's function and
 * reports the synchronization to ThreadSanitizer. Without ThreadSanitizer the file is empty. */
#define _GNU_SOURCE
#ifdef __SANITIZE_THREAD__
#  pragma GCC visibility push(                                                                 \
      default) /* libraries must find the functions; the build hides symbols by default */
#  include <dlfcn.h>
#  include <glib.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);
const char *__tsan_default_suppressions (void);

/* Suppresses reports from libraries that are not instrumented. ThreadSanitizer sees their calls of
 * libc, but not the atomics that order these calls. */
const char *
__tsan_default_suppressions (void)
{
  return "called_from_lib:libglib-2.0.so\n"
         "called_from_lib:libgobject-2.0.so\n"
         "called_from_lib:libgstreamer-1.0.so\n"
         "called_from_lib:libgstbase-1.0.so\n"
         "called_from_lib:libgstcheck-1.0.so\n";
}

/* Returns the function @name of GLib. */
static gpointer
find_glib_function (const gchar *name)
{
  gpointer function = dlsym (RTLD_NEXT, name);

  if (!function)
    __builtin_trap ();
  return function;
}

void
g_mutex_lock (GMutex *mutex)
{
  void (*real) (GMutex *) = find_glib_function ("g_mutex_lock");

  real (mutex);
  __tsan_acquire (mutex);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  gboolean (*real) (GMutex *) = find_glib_function ("g_mutex_trylock");
  const gboolean locked = real (mutex);

  if (locked)
    __tsan_acquire (mutex);
  return locked;
}

void
g_mutex_unlock (GMutex *mutex)
{
  void (*real) (GMutex *) = find_glib_function ("g_mutex_unlock");

  __tsan_release (mutex);
  real (mutex);
}

/* A GRecMutex is a pthread mutex. Because of tail calls in GLib it seems to be unlocked by another
 * library than the one that locked it. */
void
g_rec_mutex_lock (GRecMutex *mutex)
{
  void (*real) (GRecMutex *) = find_glib_function ("g_rec_mutex_lock");

  real (mutex);
  __tsan_acquire (mutex);
}

void
g_rec_mutex_unlock (GRecMutex *mutex)
{
  void (*real) (GRecMutex *) = find_glib_function ("g_rec_mutex_unlock");

  __tsan_release (mutex);
  real (mutex);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  void (*real) (GCond *, GMutex *) = find_glib_function ("g_cond_wait");

  __tsan_release (mutex);
  real (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean (*real) (GCond *, GMutex *, gint64) = find_glib_function ("g_cond_wait_until");
  gboolean signalled;

  __tsan_release (mutex);
  signalled = real (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return signalled;
}

gboolean (g_atomic_ref_count_dec) (gatomicrefcount *count)
{
  gboolean (*real) (gatomicrefcount *) = find_glib_function ("g_atomic_ref_count_dec");
  gboolean last;

  __tsan_release (count);
  last = real (count);
  if (last)
    __tsan_acquire (count);
  return last;
}

#endif
