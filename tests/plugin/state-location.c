/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state-location.h"

StateLocation
state_location_new (const gchar *more)
{
  StateLocation location = {.dir = test_dir_new ()};

  location.file = g_build_filename (location.dir, "state.safetensors", NULL);
  location.properties = g_strdup_printf ("state-location=%s %s", location.file, more);
  return location;
}

void
state_location_clear (StateLocation *location)
{
  test_dir_remove (location->dir);
  g_free (location->file);
  g_free (location->properties);
}
