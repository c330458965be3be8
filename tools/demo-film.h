/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Encodes frames into a video file: VP8 in WebM. */
#pragma once
#include <cairo.h>
#include <gst/gst.h>

typedef struct _DemoFilm DemoFilm;

/* Begins a film at @path.
 * Returns: (transfer full): the film, or NULL with @error set */
DemoFilm *demo_film_new (
    const gchar *path, guint width, guint height, guint kbit_per_second, GError **error);

/* Appends a frame, an RGB24 surface of the film's size. */
void demo_film_add (DemoFilm *film, cairo_surface_t *frame);

/* Writes the pending frames and frees @film.
 * Returns: FALSE with @error set if a frame could not be written */
gboolean demo_film_close (DemoFilm *film, GError **error);
