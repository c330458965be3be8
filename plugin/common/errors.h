/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gst/gst.h>

/* A GError's domain and code, for what every element has to say. */
#define GST_LSTM_STREAM(code) GST_STREAM_ERROR, GST_STREAM_ERROR_##code
#define GST_LSTM_RESOURCE(code) GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_##code

/* Sets @error, whose message may hold GST_PTR_FORMAT. Returns: FALSE, for `return`. */
gboolean gst_lstm_fail (GError **error, GQuark domain, gint code, const gchar *format, ...)
    G_GNUC_PRINTF (4, 5);

/* The same of memory that cannot be mapped; @purpose: "for reading" */
gboolean gst_lstm_fail_to_map (GError **error, const gchar *purpose, gsize bytes);

/* Posts @error as the element's own, with @debug (nullable) beside it. Not to be called with
 * the object lock held. */
void gst_lstm_post_error (gpointer element, const GError *error, const gchar *debug);

/* Posts @error as a warning of the element's, under the same conditions. */
void gst_lstm_post_warning (gpointer element, const GError *error);

/* Posts @error, once for the same @caps: upstream offers refused caps again with each buffer and
 * event. @refused remembers them until others arrive; clear it in stop(). The element keeps working
 * with the caps before, which upstream may return to: the base class does not call set_caps() then. */
void gst_lstm_refuse_caps (
    gpointer element, GstCaps **refused, GstCaps *caps, const GError *error);

/* Clears @refused if @event brings other caps. Call it for each event of the sink pad. */
void gst_lstm_forget_refused_caps (GstCaps **refused, GstEvent *event);
