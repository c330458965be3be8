/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Engine of ONNX Runtime with a model of one LSTM node and one thread. Binds all values once. h and
 * c alternate between two bindings. */
#include "onnx-model.h"
#include <fcntl.h>
#include <onnxruntime_c_api.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  const OrtApi *api;
  OrtEnv *env;
  OrtSessionOptions *options;
  OrtSession *session;
  OrtMemoryInfo *place;
  OrtIoBinding *bindings[2];
  float *data[ONNX_N_VALUES]; /* NULL: not in the model; the job owns x */
  OrtValue *values[ONNX_N_VALUES];
  gsize n_y;
  int turn;
} Onnxruntime;

/* Returns whether @status is OK, and frees @status. */
static gboolean
check_status (const Onnxruntime *self, OrtStatus *status, GError **error)
{
  if (!status)
    return TRUE;
  g_set_error_literal (error, BENCH_ERROR, 0, self->api->GetErrorMessage (status));
  self->api->ReleaseStatus (status);
  return FALSE;
}

static gboolean
make_session (Onnxruntime *self, const Job *job, GError **error)
{
  const OrtApi *api = self->api;
  g_autoptr (GByteArray) model = onnx_model_new (job);

  return check_status (
             self, api->CreateEnv (ORT_LOGGING_LEVEL_ERROR, "bench", &self->env), error)
         && check_status (self, api->CreateSessionOptions (&self->options), error)
         && check_status (self, api->SetIntraOpNumThreads (self->options, 1), error)
         && check_status (self, api->SetInterOpNumThreads (self->options, 1), error)
         && check_status (self,
             api->CreateSessionFromArray (
                 self->env, model->data, model->len, self->options, &self->session),
             error);
}

/* Makes the session with stderr redirected to /dev/null, because Debian's build registers each
 * operator of ONNX twice and prints about a thousand lines. The status reports errors. */
static gboolean
make_session_quietly (Onnxruntime *self, const Job *job, GError **error)
{
  int null = open ("/dev/null", O_WRONLY), saved = dup (STDERR_FILENO);
  gboolean is_made;

  dup2 (null, STDERR_FILENO);
  is_made = make_session (self, job, error);
  dup2 (saved, STDERR_FILENO);
  close (null);
  close (saved);
  return is_made;
}

static gboolean
make_value (Onnxruntime *self, const Job *job, int i, GError **error)
{
  OnnxValue value = onnx_value (job, i);
  gsize n = 1, n_dims;

  for (n_dims = 0; value.dims[n_dims]; n_dims++)
    n *= (gsize) value.dims[n_dims];
  if (i == ONNX_Y)
    self->n_y = n;
  self->data[i] = i == ONNX_X ? g_memdup2 (job->x, n * sizeof (float)) : g_new0 (float, n);
  return check_status (self,
      self->api->CreateTensorWithDataAsOrtValue (self->place, self->data[i], n * sizeof (float),
          value.dims, n_dims, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &self->values[i]),
      error);
}

static gboolean
bind_values (Onnxruntime *self, const Job *job, int turn, GError **error)
{
  /* The second binding swaps the states: the outputs of the first binding are its inputs. */
  static const int next[] = {[ONNX_X] = ONNX_X,
      [ONNX_H_IN] = ONNX_H_OUT,
      [ONNX_C_IN] = ONNX_C_OUT,
      [ONNX_Y] = ONNX_Y,
      [ONNX_H_OUT] = ONNX_H_IN,
      [ONNX_C_OUT] = ONNX_C_IN};
  const OrtApi *api = self->api;

  if (!check_status (self, api->CreateIoBinding (self->session, &self->bindings[turn]), error))
    return FALSE;
  for (int i = 0; i < ONNX_N_VALUES; i++) {
    OrtValue *value = self->values[turn ? next[i] : i];
    const char *name = onnx_value (job, i).name;

    if (value
        && !check_status (self,
            i < ONNX_Y ? api->BindInput (self->bindings[turn], name, value)
                       : api->BindOutput (self->bindings[turn], name, value),
            error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
make_bindings (Onnxruntime *self, const Job *job, GError **error)
{
  if (!check_status (self,
          self->api->CreateCpuMemoryInfo (OrtDeviceAllocator, OrtMemTypeDefault, &self->place),
          error))
    return FALSE;
  for (int i = 0; i < ONNX_N_VALUES; i++)
    if (onnx_has_value (job, i) && !make_value (self, job, i, error))
      return FALSE;
  return bind_values (self, job, 0, error) && bind_values (self, job, 1, error);
}

static void
onnxruntime_free (gpointer data)
{
  Onnxruntime *self = data;
  const OrtApi *api = self->api;

  for (int i = 0; i < 2; i++)
    api->ReleaseIoBinding (self->bindings[i]);
  for (int i = 0; i < ONNX_N_VALUES; i++) {
    api->ReleaseValue (self->values[i]);
    g_free (self->data[i]);
  }
  api->ReleaseMemoryInfo (self->place);
  api->ReleaseSession (self->session);
  api->ReleaseSessionOptions (self->options);
  api->ReleaseEnv (self->env);
  g_free (self);
}

static gpointer
onnxruntime_create (const Job *job, GError **error)
{
  Onnxruntime *self = g_new0 (Onnxruntime, 1);

  self->api = OrtGetApiBase ()->GetApi (ORT_API_VERSION);
  if (make_session_quietly (self, job, error) && make_bindings (self, job, error))
    return self;
  onnxruntime_free (self);
  return NULL;
}

static void
onnxruntime_run (gpointer data)
{
  Onnxruntime *self = data;
  OrtStatus *status = self->api->RunWithBinding (
      self->session, NULL, self->bindings[self->turn]);

  if (status)
    g_error ("%s", self->api->GetErrorMessage (status));
  self->turn ^= 1;
}

static void
onnxruntime_output (gpointer data, float *y)
{
  Onnxruntime *self = data;

  memcpy (y, self->data[ONNX_Y], self->n_y * sizeof *y);
}

const Engine peer_onnxruntime = {"onnxruntime",
    BENCH_BIT (CASE_CARRIED) | BENCH_BIT (CASE_WINDOW), BENCH_BIT (LSTM_PRECISION_FLOAT32),
    onnxruntime_create, onnxruntime_run, onnxruntime_output, onnxruntime_free};
const Engine peer_onnxruntime_gru = {"onnxruntime", BENCH_BIT (CASE_GRU),
    BENCH_BIT (LSTM_PRECISION_FLOAT32), onnxruntime_create, onnxruntime_run, onnxruntime_output,
    onnxruntime_free};
