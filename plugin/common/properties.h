/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties of elements. A property is a table row and a member of the settings. The member keeps
 * the value of the property. The settings are the instance structure or a structure in it. */
#pragma once
#include <gst/gst.h>

/* The member of a string is a gchar *, of a boxed type a pointer, of a fraction a gint[2], and of an
 * array of numbers a GArray * of gfloat, which a new value replaces.
 * The member of another type has the C type of its value. */
typedef struct {
  GParamSpec *spec; /* floating */
  gsize offset;     /* of the member in the settings */
} GstLstmProperty;

/* Flags of a property that may change in NULL and READY, or in every state */
#define GST_LSTM_PARAM_READY                                                                   \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define GST_LSTM_PARAM_PLAYING                                                                 \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

/* A value for G_DEFINE_ENUM_TYPE() and G_DEFINE_FLAGS_TYPE(). gst-inspect-1.0 prints the name of a
 * value as its description. G_DEFINE_ENUM_VALUE() would set that name to the C identifier. */
/* clang-format off */
#define GST_LSTM_ENUM_VALUE(value, nick, description) {value, description, nick}
/* clang-format on */

/* Installs @properties as the next properties of @klass, and functions that set and get them
 * under the object lock. @settings is the offset of the settings in the instance structure. Types
 * of enum and flags properties become plugin API. Returns the id after the last installed
 * property. */
guint gst_lstm_properties_install (
    GObjectClass *klass, gsize settings, const GstLstmProperty *properties, guint n_properties);

/* Sets every installed property of @object to its default. Call this function in instance init. */
void gst_lstm_properties_init (gpointer object);

/* Frees the values of every installed property of @object. Call this function in finalize. */
void gst_lstm_properties_clear (gpointer object);

/* Copy @value to, or from, the member of @spec without a lock. An array with an item that is no number
 * prints a warning and changes nothing. A class that needs another lock than
 * the object lock calls these functions in its own set_property() and get_property(). */
void gst_lstm_property_set (gpointer object, GParamSpec *spec, const GValue *value);
void gst_lstm_property_get (gpointer object, GParamSpec *spec, GValue *value);
