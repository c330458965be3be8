/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx-run.h"

#ifndef HAVE_ONNXRUNTIME
gboolean
test_has_onnxruntime (void)
{
  return FALSE;
}

gboolean
test_onnx_run (const char *path, gsize n_rows, guint n_row_dims, const gsize *row_dims,
    const float *input, gsize n_outputs, float *output)
{
  return FALSE;
}
#else
#  include <fcntl.h>
#  include <onnxruntime_c_api.h>
#  include <string.h>
#  include <unistd.h>

static const OrtApi *api;

typedef struct {
  OrtEnv *env;
  OrtSession *session;
  OrtMemoryInfo *place;
  ONNXTensorElementDataType type; /* of the input */
} Runner;

/* Returns whether ONNX Runtime refuses a model because it is too new, and frees @status then. */
static gboolean
is_too_new (OrtStatus *status)
{
  const char *message = status ? api->GetErrorMessage (status) : "";
  const gboolean result = strstr (message, "Unsupported model IR version")
                          || strstr (message, "official support for domain ai.onnx");

  if (result)
    api->ReleaseStatus (status);
  return result;
}

static void
check_status (OrtStatus *status)
{
  if (status)
    g_error ("%s", api->GetErrorMessage (status));
}

gboolean
test_has_onnxruntime (void)
{
  return TRUE;
}

/* Makes the session, which is NULL if the model is too new, with stderr redirected to /dev/null,
 * because Debian's build registers each operator of ONNX twice and prints about a thousand
 * lines. */
static Runner
runner_new (const char *path)
{
  const int null = open ("/dev/null", O_WRONLY), saved = dup (STDERR_FILENO);
  OrtSessionOptions *options;
  OrtTypeInfo *info;
  const OrtTensorTypeAndShapeInfo *tensor;
  Runner runner;
  OrtStatus *status;

  api = OrtGetApiBase ()->GetApi (ORT_API_VERSION);
  dup2 (null, STDERR_FILENO);
  check_status (api->CreateEnv (ORT_LOGGING_LEVEL_ERROR, "test", &runner.env));
  check_status (api->CreateSessionOptions (&options));
  check_status (api->SetIntraOpNumThreads (options, 1));
  status = api->CreateSession (runner.env, path, options, &runner.session);
  dup2 (saved, STDERR_FILENO);
  close (null);
  close (saved);
  api->ReleaseSessionOptions (options);
  check_status (
      api->CreateCpuMemoryInfo (OrtDeviceAllocator, OrtMemTypeDefault, &runner.place));
  if (is_too_new (status)) {
    runner.session = NULL;
    return runner;
  }
  check_status (status);
  check_status (api->SessionGetInputTypeInfo (runner.session, 0, &info));
  check_status (api->CastTypeInfoToTensorInfo (info, &tensor));
  check_status (api->GetTensorElementType (tensor, &runner.type));
  api->ReleaseTypeInfo (info);
  return runner;
}

static void
runner_clear (Runner *runner)
{
  api->ReleaseMemoryInfo (runner->place);
  if (runner->session)
    api->ReleaseSession (runner->session);
  api->ReleaseEnv (runner->env);
}

/* Returns: (transfer full): @values in the type of the input */
static gpointer
convert_row (const Runner *runner, const float *values, gsize n, gsize *size)
{
  guint8 *bytes;

  if (runner->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    *size = n * sizeof *values;
    return g_memdup2 (values, *size);
  }
  g_assert_cmpint (runner->type, ==, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8);
  bytes = g_new (guint8, n);
  for (gsize i = 0; i < n; i++)
    bytes[i] = (guint8) values[i];
  *size = n;
  return bytes;
}

static void
copy_output (OrtValue *value, float *output, gsize n)
{
  OrtTensorTypeAndShapeInfo *info;
  void *data;
  size_t count;

  check_status (api->GetTensorTypeAndShape (value, &info));
  check_status (api->GetTensorShapeElementCount (info, &count));
  g_assert_cmpuint (count, ==, n);
  check_status (api->GetTensorMutableData (value, &data));
  memcpy (output, data, n * sizeof *output);
  api->ReleaseTensorTypeAndShapeInfo (info);
}

gboolean
test_onnx_run (const char *path, gsize n_rows, guint n_row_dims, const gsize *row_dims,
    const float *input, gsize n_outputs, float *output)
{
  static const char *const inputs[] = {"frame"}, *const outputs[] = {"features"};
  Runner runner = runner_new (path);
  gint64 shape[1 + TEST_MAX_DIMS] = {1};
  gboolean is_run;
  gsize n = 1;

  for (guint i = 0; i < n_row_dims; i++) {
    shape[1 + i] = (gint64) row_dims[i];
    n *= row_dims[i];
  }
  for (gsize k = 0; runner.session && k < n_rows; k++) {
    OrtValue *value, *result = NULL;
    gsize size;
    g_autofree gpointer row = convert_row (&runner, input + k * n, n, &size);

    check_status (api->CreateTensorWithDataAsOrtValue (
        runner.place, row, size, shape, 1 + n_row_dims, runner.type, &value));
    check_status (api->Run (runner.session, NULL, inputs, (const OrtValue *const *) &value, 1,
        outputs, 1, &result));
    copy_output (result, output + k * n_outputs, n_outputs);
    api->ReleaseValue (result);
    api->ReleaseValue (value);
  }
  is_run = runner.session != NULL;
  runner_clear (&runner);
  return is_run;
}
#endif
