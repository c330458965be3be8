/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The caps field `tensors`, by which GStreamer 1.28 describes the tensors of media: a structure
 * `tensorgroups` of groups, each of which is a set of tensors. With earlier versions no caps have
 * this field, and the functions that change caps do nothing. */
#pragma once

#include <gst/gst.h>

#define GST_LSTM_GROUP_MAX_DIMS 16

/* A tensor in a group */
typedef struct {
  GQuark id;                           /* 0: not stated */
  gsize n_dims;                        /* 0: the dimensions are not stated, or not fixed */
  gsize dims[GST_LSTM_GROUP_MAX_DIMS]; /* outermost first; 0: unknown size */
  gboolean row_major;
} GstLstmGroupTensor;

/* Calls @visit for each tensor in all groups of @s, whose group has the name @group. */
typedef void (*GstLstmVisitGroupTensor) (
    const gchar *group, const GstLstmGroupTensor *tensor, gpointer data);
void gst_lstm_tensor_groups_visit (
    const GstStructure *s, GstLstmVisitGroupTensor visit, gpointer data);

/* Adds the float32 tensor @id, whose dimensions @dims are outermost first (0: any size), to the
 * group that has the name @id. The other tensors of that group stay. */
void gst_lstm_tensor_groups_add (GstCaps *caps, GQuark id, const gsize *dims, gsize n_dims);

/* Removes the tensor @id from the group that has the name @id. */
void gst_lstm_tensor_groups_remove (GstCaps *caps, GQuark id);
