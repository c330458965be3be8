/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/in-place.h"

static GstFlowReturn
refuse_transform (GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer *outbuf)
{
  return GST_FLOW_NOT_SUPPORTED;
}

static GstFlowReturn
refuse_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  return GST_FLOW_NOT_SUPPORTED;
}

void
gst_lstm_in_place_enable (GstBaseTransformClass *klass)
{
  klass->transform = refuse_transform;
  klass->transform_ip = refuse_transform_ip;
}
