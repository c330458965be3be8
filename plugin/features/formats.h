/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The video formats that `lstmfeatures` accepts. */
#pragma once
#include <gst/gst.h>

/* Returns the caps of all frames that the element accepts, one structure. The fastest format for a
 * grid of luma, or of red, green and blue if @is_rgb, is the first. Returns: (transfer none) */
GstCaps *gst_lstm_formats_get_caps (gboolean is_rgb);
