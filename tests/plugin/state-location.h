/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files for states of `lstm`. */
#pragma once
#include "testutil.h"

typedef struct {
  gchar *dir;        /* directory of the test */
  gchar *file;       /* path of the state file in this directory */
  gchar *properties; /* state-location=FILE and further properties of an element */
} StateLocation;

/* @more: properties that follow state-location */
StateLocation state_location_new (const gchar *more);

/* Removes the directory and frees the strings. */
void state_location_clear (StateLocation *location);
