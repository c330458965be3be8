/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx-session.h"
#include <fcntl.h>
#include <unistd.h>

gboolean
onnx_session_check (const OnnxSession *self, OrtStatus *status, GError **error)
{
  if (!status)
    return TRUE;
  g_set_error_literal (error, BENCH_ERROR, 0, self->api->GetErrorMessage (status));
  self->api->ReleaseStatus (status);
  return FALSE;
}

static OrtStatus *
create_session (OnnxSession *self, const GByteArray *model, const char *path)
{
  if (!model)
    return self->api->CreateSession (self->env, path, self->options, &self->session);
  return self->api->CreateSessionFromArray (
      self->env, model->data, model->len, self->options, &self->session);
}

static gboolean
make_session (OnnxSession *self, const GByteArray *model, const char *path, GError **error)
{
  const OrtApi *api = self->api;

  return onnx_session_check (
             self, api->CreateEnv (ORT_LOGGING_LEVEL_ERROR, "bench", &self->env), error)
         && onnx_session_check (self, api->CreateSessionOptions (&self->options), error)
         && onnx_session_check (self, api->SetIntraOpNumThreads (self->options, 1), error)
         && onnx_session_check (self, api->SetInterOpNumThreads (self->options, 1), error)
         && onnx_session_check (self, create_session (self, model, path), error)
         && onnx_session_check (self,
             api->CreateCpuMemoryInfo (OrtDeviceAllocator, OrtMemTypeDefault, &self->place),
             error);
}

/* Redirects stderr to /dev/null, because Debian's build registers each operator of ONNX twice and
 * prints about a thousand lines. The status reports errors. */
gboolean
onnx_session_open (OnnxSession *self, const GByteArray *model, const char *path, GError **error)
{
  int null = open ("/dev/null", O_WRONLY), saved = dup (STDERR_FILENO);
  gboolean is_made;

  *self = (OnnxSession){.api = OrtGetApiBase ()->GetApi (ORT_API_VERSION)};
  dup2 (null, STDERR_FILENO);
  is_made = make_session (self, model, path, error);
  dup2 (saved, STDERR_FILENO);
  close (null);
  close (saved);
  return is_made;
}

void
onnx_session_close (OnnxSession *self)
{
  self->api->ReleaseMemoryInfo (self->place);
  self->api->ReleaseSession (self->session);
  self->api->ReleaseSessionOptions (self->options);
  self->api->ReleaseEnv (self->env);
}
