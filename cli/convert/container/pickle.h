/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads untrusted pickles, protocols 0 to 5, as data. No code runs and no module is imported: a
 * class or function of Python is a name, and its call is a record of the name and the arguments.
 * Values may refer to each other in circles. */
#pragma once

#include <glib.h>

typedef enum {
  PICKLE_NONE,
  PICKLE_BOOL,
  PICKLE_INT,
  PICKLE_BIG_INT, /* beyond 64 bits: text has the bytes, two's complement, little-endian */
  PICKLE_FLOAT,
  PICKLE_STRING,
  PICKLE_BYTES,
  PICKLE_LIST,
  PICKLE_TUPLE,
  PICKLE_SET,
  PICKLE_DICT,       /* also OrderedDict and defaultdict */
  PICKLE_GLOBAL,     /* a class or function */
  PICKLE_OBJECT,     /* the record of a call */
  PICKLE_PERSISTENT, /* an object outside the pickle */
} PickleKind;

typedef struct _PickleValue PickleValue;

struct _PickleValue {
  PickleKind kind;
  gint64 integer;   /* BOOL, INT */
  double number;    /* FLOAT */
  const char *text; /* STRING, BYTES, BIG_INT; GLOBAL: MODULE.NAME; ends with a zero byte except
                       for BYTES and BIG_INT */
  gsize length;     /* of text, in bytes */
  GPtrArray
      *items; /* LIST, TUPLE, SET; DICT: keys and values alternate. OBJECT: appended items;
                       nullable */
  GPtrArray *entries;          /* OBJECT: its keys and values alternate; nullable */
  const PickleValue *callable; /* OBJECT */
  const PickleValue *args;     /* OBJECT; PERSISTENT: the identifier */
  const PickleValue *state;    /* LIST, SET, DICT, OBJECT: the argument of BUILD; nullable */
};

typedef struct _Pickle Pickle;

/* Creates an owner of values. @source: for messages */
Pickle *pickle_new (const char *source);
void pickle_free (Pickle *pickle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pickle, pickle_free)

/* Reads the pickle at the beginning of @data. The caller keeps @data until pickle_free(). @end:
 * set to the size of the pickle in bytes. Returns: (transfer none): NULL with @error */
const PickleValue *pickle_read (
    Pickle *pickle, const guint8 *data, gsize size, gsize *end, GError **error);

/* Returns: (transfer none) (element-type PickleValue): all values, in the order in which the pickles
 * create them */
const GPtrArray *pickle_get_values (const Pickle *pickle);

/* Returns: (transfer none) (nullable): the value of @key in a DICT; NULL if @dict is NULL or no
 * DICT */
const PickleValue *pickle_get (const PickleValue *dict, const char *key);

/* Returns the number of items of a LIST, TUPLE or SET, otherwise 0. */
guint pickle_count (const PickleValue *value);

/* Returns: (transfer none) (nullable): item @i of a LIST, TUPLE or SET; NULL if there is none */
const PickleValue *pickle_get_item (const PickleValue *value, guint i);

/* Returns whether @value, which may be NULL, is a GLOBAL named @name. */
gboolean pickle_is_global (const PickleValue *value, const char *name);

/* Returns: (transfer full): @value, which may be NULL, in a few words for a message */
char *pickle_describe (const PickleValue *value);
