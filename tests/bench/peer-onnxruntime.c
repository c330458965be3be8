/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Engine of ONNX Runtime with a model of one LSTM node and one thread. Binds all values once. h and
 * c alternate between two bindings. */
#include "onnx-model.h"
#include "onnx-session.h"
#include <string.h>

typedef struct {
  OnnxSession session;
  OrtIoBinding *bindings[2];
  float *data[ONNX_N_VALUES]; /* NULL: not in the model; the job owns x */
  OrtValue *values[ONNX_N_VALUES];
  gsize n_y;
  int turn;
} Onnxruntime;

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
  return onnx_session_check (&self->session,
      self->session.api->CreateTensorWithDataAsOrtValue (self->session.place, self->data[i],
          n * sizeof (float), value.dims, n_dims, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
          &self->values[i]),
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
  const OrtApi *api = self->session.api;

  if (!onnx_session_check (&self->session,
          api->CreateIoBinding (self->session.session, &self->bindings[turn]), error))
    return FALSE;
  for (int i = 0; i < ONNX_N_VALUES; i++) {
    OrtValue *value = self->values[turn ? next[i] : i];
    const char *name = onnx_value (job, i).name;

    if (value
        && !onnx_session_check (&self->session,
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
  for (int i = 0; i < ONNX_N_VALUES; i++)
    if (onnx_has_value (job, i) && !make_value (self, job, i, error))
      return FALSE;
  return bind_values (self, job, 0, error) && bind_values (self, job, 1, error);
}

static void
onnxruntime_free (gpointer data)
{
  Onnxruntime *self = data;
  const OrtApi *api = self->session.api;

  for (int i = 0; i < 2; i++)
    api->ReleaseIoBinding (self->bindings[i]);
  for (int i = 0; i < ONNX_N_VALUES; i++) {
    api->ReleaseValue (self->values[i]);
    g_free (self->data[i]);
  }
  onnx_session_close (&self->session);
  g_free (self);
}

static gpointer
onnxruntime_create (const Job *job, GError **error)
{
  Onnxruntime *self = g_new0 (Onnxruntime, 1);
  g_autoptr (GByteArray) model = onnx_model_new (job);

  if (onnx_session_open (&self->session, model, NULL, error)
      && make_bindings (self, job, error))
    return self;
  onnxruntime_free (self);
  return NULL;
}

static void
onnxruntime_run (gpointer data)
{
  Onnxruntime *self = data;
  const OrtApi *api = self->session.api;
  OrtStatus *status = api->RunWithBinding (
      self->session.session, NULL, self->bindings[self->turn]);

  if (status)
    g_error ("%s", api->GetErrorMessage (status));
  self->turn ^= 1;
}

static void
onnxruntime_output (gpointer data, float *y)
{
  Onnxruntime *self = data;

  memcpy (y, self->data[ONNX_Y], self->n_y * sizeof *y);
}

const Engine peer_onnxruntime = {"onnxruntime",
    BENCH_BIT (CASE_CARRIED) | BENCH_BIT (CASE_WINDOW) | BENCH_BIT (CASE_DENSE),
    BENCH_BIT (LSTM_PRECISION_FLOAT32), onnxruntime_create, onnxruntime_run, onnxruntime_output,
    onnxruntime_free};
const Engine peer_onnxruntime_gru = {"onnxruntime",
    BENCH_BIT (CASE_GRU) | BENCH_BIT (CASE_GRU_DENSE), BENCH_BIT (LSTM_PRECISION_FLOAT32),
    onnxruntime_create, onnxruntime_run, onnxruntime_output, onnxruntime_free};
