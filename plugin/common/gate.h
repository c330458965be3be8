/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GStreamer lets data through to a sink pad before the element's start() has ended, where a running
 * element is linked to it: the pad takes data from the moment on in which its activation begins. */
#pragma once

#include <gst/gst.h>

/* Serialized data waits before @sink until its activation has ended. It is refused when that fails, or
 * when a flush or a deactivation comes. Everything else passes at any time. For instance init, when the
 * base class has set the functions of @sink. */
void gst_lstm_gate_install (GstPad *sink);
