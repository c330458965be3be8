/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests that run once for each instruction set of this machine, in the floating-point mode of the
 * kernels. */
#pragma once

#include "kernels/float-mode.h"
#include "kernels/kernels.h"
#include <glib.h>

/* Adds the test /@group/@name/ISA for each instruction set. @run receives its LstmKernels. */
static inline void
kernel_tests_add (const char *group, const char *name, GTestDataFunc run)
{
  const LstmKernels *kernels;

  for (guint i = 0; (kernels = lstm_kernels_at (i)); i++) {
    g_autofree char *path = g_strdup_printf ("/%s/%s/%s", group, name, kernels->name);

    g_test_add_data_func (path, kernels, run);
  }
}

/* Runs the tests. Returns the exit status of the program. */
static inline int
kernel_tests_run (void)
{
  lstm_float_mode_enter (LSTM_FLOAT_FLUSH);
  return g_test_run ();
}
