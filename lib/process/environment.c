/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process/environment.h"
#include <unistd.h>
#if HAVE_GETAUXVAL
#  include <sys/auxv.h>
#endif

gboolean
lstm_is_privileged (void)
{
#if HAVE_GETAUXVAL
  return getauxval (AT_SECURE) != 0;
#else
  return getuid () != geteuid () || getgid () != getegid ();
#endif
}

const char *
lstm_getenv (const char *name)
{
  return lstm_is_privileged () ? NULL : g_getenv (name);
}
