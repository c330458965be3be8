/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A gate on a sink pad. A sink pad accepts data as soon as its activation begins. If upstream runs
 * when the element is linked, data may reach the element before start() has returned. */
#pragma once

#include <gst/gst.h>

/* Makes serialized data wait at @sink until the activation of @sink ends. The gate refuses data if
 * the activation fails, and at a flush or a deactivation. Other events and queries always pass. The
 * element calls this function in instance init, after the base class has set the functions of
 * @sink. */
void gst_lstm_gate_install (GstPad *sink);
