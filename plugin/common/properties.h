/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties of an element. A property is a member of the element's structure, which keeps the value,
 * and a table row. */
#pragma once
#include <gst/gst.h>

typedef struct {
  GParamSpec *spec; /* floating; of a type that properties.c can store */
  gsize
      offset; /* of the member in the settings: gchar *, a boxed type, gint[2] for a fraction, else
                       the C type of the value */
} GstLstmProperty;

/* Flags of a property that changes in NULL and READY, and of one that changes in every state. */
#define GST_LSTM_PARAM_READY                                                                   \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define GST_LSTM_PARAM_PLAYING                                                                 \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

/* A value for G_DEFINE_ENUM_TYPE() and G_DEFINE_FLAGS_TYPE(). gst-inspect-1.0 prints the name of a
 * value as its description. G_DEFINE_ENUM_VALUE() would set that name to the C identifier. */
#define GST_LSTM_ENUM_VALUE(value, nick, description)                                          \
  {                                                                                            \
    value, description, nick                                                                   \
  }

/* Installs @rows as the next properties of @klass, and functions that set and get them under the object
 * lock. @settings is the offset of the settings in the instance structure. Types of enum and flags
 * properties become plugin API. Returns the id after the last installed property. */
guint gst_lstm_properties_install (
    GObjectClass *klass, gsize settings, const GstLstmProperty *rows, guint n_rows);

/* Sets every installed property of @object to its default. Call this function in instance init. */
void gst_lstm_properties_init (gpointer object);

/* Frees the values of every installed property of @object. Call this function in finalize. */
void gst_lstm_properties_clear (gpointer object);

/* Copies @value to or from the member of @spec, without a lock. A class that needs another lock than
 * the object lock calls them in its own functions. */
void gst_lstm_property_set (gpointer object, GParamSpec *spec, const GValue *value);
void gst_lstm_property_get (gpointer object, GParamSpec *spec, GValue *value);
