/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "video-network.h"
#include <math.h>
#include <string.h>

#define CHECK(call) onnx_session_check (&self->session, api->call, error)

static void
encode_float (float value, guint8 *to)
{
  memcpy (to, &value, sizeof value);
}

static void
encode_byte (float value, guint8 *to)
{
  *to = (guint8) value;
}

/* Encodes a number of at most 11 significant bits, 0 or from 2^-14 to 2^15. */
static void
encode_half (float value, guint8 *to)
{
  int exponent;
  const float fraction = frexpf (value, &exponent); /* 0.5 to 1 */
  const guint16 bits = value == 0 ? 0
                                  : (guint16) ((exponent + 14) << 10
                                               | (int) ((fraction * 2 - 1) * 1024));

  memcpy (to, &bits, sizeof bits);
}

struct _VideoElement {
  ONNXTensorElementDataType type;
  gsize size;
  void (*encode) (float value, guint8 *to);
};

static const VideoElement elements[] = {
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, 4, encode_float},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, 1, encode_byte},
    {ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16, 2, encode_half},
};

static gboolean
set_type (VideoNetwork *self, ONNXTensorElementDataType type, const char *path, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (elements); i++)
    if (elements[i].type == type)
      self->element = &elements[i];
  if (!self->element)
    g_set_error (error, BENCH_ERROR, 0,
        "%s: input %s: expected float32 (1), uint8 (2) or float16 (10), found type %d", path,
        self->input_name, (int) type);
  return self->element != NULL;
}

/* Sets the type and the shape of the input. */
static gboolean
read_shape (VideoNetwork *self, const char *path, OrtTypeInfo *info, GError **error)
{
  const OrtApi *api = self->session.api;
  const OrtTensorTypeAndShapeInfo *shape;
  ONNXTensorElementDataType type;

  if (!CHECK (CastTypeInfoToTensorInfo (info, &shape))
      || !CHECK (GetTensorElementType (shape, &type))
      || !CHECK (GetDimensionsCount (shape, &self->n_dims)))
    return FALSE;
  if (self->n_dims < 1 || self->n_dims > VIDEO_MAX_DIMS) {
    g_set_error (error, BENCH_ERROR, 0, "%s: input %s: expected 1 to %d dimensions, found %zu",
        path, self->input_name, VIDEO_MAX_DIMS, self->n_dims);
    return FALSE;
  }
  if (!CHECK (GetDimensions (shape, self->dims, self->n_dims)))
    return FALSE;
  for (gsize i = 0; i < self->n_dims; i++)
    self->dims[i] = MAX (self->dims[i], 0);
  return set_type (self, type, path, error);
}

gboolean
video_network_open (VideoNetwork *self, const char *path, GError **error)
{
  const OrtApi *api;
  OrtAllocator *allocator;
  OrtTypeInfo *info = NULL;
  gsize n_inputs;
  gboolean is_read;

  *self = (VideoNetwork){0};
  if (!onnx_session_open (&self->session, NULL, path, error)) {
    g_prefix_error (error, "%s: expected an ONNX file: ", path);
    return FALSE;
  }
  api = self->session.api;
  if (!CHECK (GetAllocatorWithDefaultOptions (&allocator))
      || !CHECK (SessionGetInputCount (self->session.session, &n_inputs)))
    return FALSE;
  if (n_inputs != 1) {
    g_set_error (error, BENCH_ERROR, 0, "%s: expected one input, found %zu", path, n_inputs);
    return FALSE;
  }
  if (!CHECK (SessionGetInputName (self->session.session, 0, allocator, &self->input_name))
      || !CHECK (SessionGetOutputName (self->session.session, 0, allocator, &self->output_name))
      || !CHECK (SessionGetInputTypeInfo (self->session.session, 0, &info)))
    return FALSE;
  is_read = read_shape (self, path, info, error);
  api->ReleaseTypeInfo (info);
  return is_read;
}

static void
release_values (VideoNetwork *self)
{
  const OrtApi *api = self->session.api;

  api->ReleaseIoBinding (self->binding);
  api->ReleaseValue (self->input_value);
  api->ReleaseValue (self->output_value);
  g_free (self->input);
  self->binding = NULL;
  self->input_value = self->output_value = NULL;
  self->input = NULL;
}

void
video_network_close (VideoNetwork *self)
{
  const OrtApi *api = self->session.api;
  OrtAllocator *allocator;

  if (!onnx_session_check (
          &self->session, api->GetAllocatorWithDefaultOptions (&allocator), NULL))
    return;
  release_values (self);
  if (self->input_name)
    allocator->Free (allocator, self->input_name);
  if (self->output_name)
    allocator->Free (allocator, self->output_name);
  onnx_session_close (&self->session);
}

/* Sets the output to the memory of the output value. */
static gboolean
find_output (VideoNetwork *self, GError **error)
{
  const OrtApi *api = self->session.api;
  OrtTensorTypeAndShapeInfo *shape;
  ONNXTensorElementDataType type;
  gboolean is_found;

  if (!CHECK (GetTensorTypeAndShape (self->output_value, &shape)))
    return FALSE;
  is_found = CHECK (GetTensorElementType (shape, &type))
             && CHECK (GetTensorShapeElementCount (shape, &self->n_outputs))
             && CHECK (
                 GetTensorMutableData (self->output_value, (void **) (gpointer) &self->output));
  api->ReleaseTensorTypeAndShapeInfo (shape);
  if (is_found && type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    g_set_error (error, BENCH_ERROR, 0, "output %s: expected float32 (1), found type %d",
        self->output_name, (int) type);
    return FALSE;
  }
  return is_found;
}

gboolean
video_network_bind (VideoNetwork *self, const gint64 *dims, GError **error)
{
  const OrtApi *api = self->session.api;
  const char *const inputs[] = {self->input_name}, *const outputs[] = {self->output_name};
  gsize size = self->element->size;

  release_values (self);
  for (gsize i = 0; i < self->n_dims; i++)
    size *= (gsize) dims[i];
  self->input = g_malloc0 (size);
  return CHECK (CreateTensorWithDataAsOrtValue (self->session.place, self->input, size, dims,
             self->n_dims, self->element->type, &self->input_value))
         && CHECK (Run (self->session.session, NULL, inputs,
             (const OrtValue *const *) &self->input_value, 1, outputs, 1, &self->output_value))
         && find_output (self, error)
         && CHECK (CreateIoBinding (self->session.session, &self->binding))
         && CHECK (BindInput (self->binding, self->input_name, self->input_value))
         && CHECK (BindOutput (self->binding, self->output_name, self->output_value));
}

void
video_network_run (VideoNetwork *self)
{
  const OrtApi *api = self->session.api;
  OrtStatus *status = api->RunWithBinding (self->session.session, NULL, self->binding);

  if (status)
    g_error ("%s", api->GetErrorMessage (status));
}

guint8 *
video_network_encode (const VideoNetwork *self, const float *values, gsize n)
{
  guint8 *encoded = g_malloc (n * self->element->size);

  for (gsize i = 0; i < n; i++)
    self->element->encode (values[i], encoded + i * self->element->size);
  return encoded;
}

gboolean
video_network_has_bytes (const VideoNetwork *self)
{
  return self->element->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
}

gsize
video_network_get_element_size (const VideoNetwork *self)
{
  return self->element->size;
}
