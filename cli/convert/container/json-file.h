/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Model files in JSON: typed members of objects, and tensors as nested arrays of numbers. Errors
 * name the file and the field, such as "layers[0].weights[1]". */
#pragma once

#include "convert.h"

typedef struct {
  const char *path;
  JsonNode *root;
  JsonObject *object; /* @root */
  GError *error;      /* the first error */
} JsonFile;

/* An object of the file, and its field for messages */
typedef struct {
  JsonObject *object;
  const char *field; /* "" for the root */
} JsonPart;

/* Parses the file, which may begin with a byte order mark and end with zero bytes. The caller
 * clears @file in any case. Returns FALSE with an error if the file is not a JSON object. */
gboolean json_file_open (JsonFile *file, const ConvertInput *input);
void json_file_clear (JsonFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (JsonFile, json_file_clear)

/* Sets file->error, unless it is set, to "PATH: FIELD: MESSAGE". @field: "" for the file.
 * Returns: FALSE */
gboolean json_file_fail (JsonFile *file, ConvertError code, const char *field,
    const char *format, ...) G_GNUC_PRINTF (4, 5);

/* Reports that the member @key of @part is not @expected. Returns: FALSE */
gboolean json_file_fail_member (
    JsonFile *file, JsonPart part, const char *key, ConvertError code, const char *expected);

/* Returns: (transfer full): the field of the member @key of @part */
char *json_file_get_field (JsonPart part, const char *key);

/* Returns: (transfer none) (nullable): a member; NULL if it is missing or null */
JsonNode *json_file_find (JsonPart part, const char *key);

/* Return a member. Return NULL with an error if the member is missing or has another type.
 * Returns: (transfer none) (nullable) */
JsonObject *json_file_get_object (JsonFile *file, JsonPart part, const char *key);
JsonArray *json_file_get_array (JsonFile *file, JsonPart part, const char *key);
const char *json_file_get_string (JsonFile *file, JsonPart part, const char *key);

/* Set @value to a member, or to @default_value if the member is missing. Return FALSE with an
 * error if the member has another type. A flag may also be the number 0 or 1. A @default_value of 0
 * makes a count necessary, which is an integer from 1 to 2147483647. */
gboolean json_file_read_count (
    JsonFile *file, JsonPart part, const char *key, gsize default_value, gsize *value);
gboolean json_file_read_number (
    JsonFile *file, JsonPart part, const char *key, double default_value, double *value);
gboolean json_file_read_flag (
    JsonFile *file, JsonPart part, const char *key, gboolean default_value, gboolean *value);

/* Reads a tensor of one or two dimensions. @node: (nullable).
 * Returns: (transfer full) (nullable): NULL with an error if @node is not an array of numbers of
 * the shape @shape; freed with g_free() */
float *json_file_read_tensor (
    JsonFile *file, JsonNode *node, const char *field, guint n_dims, const gsize *shape);

/* Checks that no tensor of @model contains infinity. JSON has no infinity, but it has numbers that
 * are infinite as float32. */
gboolean json_file_check_finite (JsonFile *file, const ConvertModel *model);

/* Sets the rate of @model to the member @key in Hz, a number or a number as a string. A missing
 * member has no effect. Any other value adds a note to @model. */
void json_file_read_rate (JsonPart part, const char *key, ConvertModel *model);
