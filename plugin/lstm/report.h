/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptions of the model for the log and for the property model-info. */
#pragma once

#include "lstm/element.h"

/* Describes the model of a running element in about 60 characters: the sizes, the output mode and
 * the name of the file. Needs `lock`. Returns: (transfer full) (nullable): NULL without a model */
gchar *gst_lstm_describe_model (GstLstm *self);

/* Logs the model of the element, which has started. @load_time: of gst_lstm_models_open() */
void gst_lstm_report_model (GstLstm *self, gint64 load_time);

/* Logs the statistics of the element, which stops. Needs `lock`. */
void gst_lstm_report_end (GstLstm *self);
