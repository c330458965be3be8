/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A gate on a sink pad. A sink pad accepts data as soon as its activation begins. If upstream is
 * running when the element is linked, data reaches the element before start() has returned. */
#pragma once

#include <gst/gst.h>

/* Makes serialized data wait at @sink until the activation of @sink ends. Data is refused if the
 * activation fails, and at a flush or a deactivation. Other events and queries always pass. The
 * element calls this function in instance init, when the base class has set the functions of
 * @sink. */
void gst_lstm_gate_install (GstPad *sink);
