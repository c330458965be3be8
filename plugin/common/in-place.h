/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gst/base/gstbasetransform.h>

/* Lets elements of @klass, which implements generate_output(), call
 * gst_base_transform_set_in_place(). The base class accepts TRUE only if the class has
 * transform_ip(), and FALSE only if it has transform(). Without transform(), the base class also
 * enables passthrough and requests no pool. Since generate_output() replaces both functions, the
 * base class does not call them. */
void gst_lstm_in_place_enable (GstBaseTransformClass *klass);
