/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a test of `lstm` keeps a state. */
#pragma once
#include "testutil.h"

/* A file for a state, in a directory of the test, and the properties of an element that uses it */
typedef struct {
  gchar *dir, *file, *properties;
} Place;

static inline Place
place_new (const gchar *more)
{
  Place place = {.dir = test_dir_new ()};

  place.file = g_build_filename (place.dir, "state.safetensors", NULL);
  place.properties = g_strdup_printf ("state-location=%s %s", place.file, more);
  return place;
}

static inline void
place_clear (Place *place)
{
  test_dir_remove (place->dir);
  g_free (place->file);
  g_free (place->properties);
}
