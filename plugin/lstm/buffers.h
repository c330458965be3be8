/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Input buffers. docs/streaming.md describes how the element handles each kind of buffer. */
#pragma once

#include "lstm/element.h"

/* Implements the generate_output of the base class: runs the queued input buffer, if there is
 * one, and sets *@outbuf to the next output buffer, or to NULL. */
GstFlowReturn gst_lstm_generate_output (GstLstm *self, GstBuffer **outbuf);
