/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process/standard-files.h"
#include <fcntl.h>
#include <unistd.h>

guint
lstm_standard_files_fill (void)
{
  guint filled = 0;
  int fd;

  while ((fd = open ("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO)
    filled |= 1u << fd;
  if (fd >= 0)
    close (fd);
  return filled;
}

void
lstm_standard_files_clear (guint filled)
{
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    if (filled >> fd & 1)
      close (fd);
}
