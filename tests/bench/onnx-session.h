/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sessions of ONNX Runtime with one thread. */
#pragma once

#include <onnxruntime_c_api.h>

#include "bench.h"

typedef struct {
  const OrtApi *api;
  OrtEnv *env;
  OrtSessionOptions *options;
  OrtSession *session;
  OrtMemoryInfo *place; /* of tensors: the memory of the CPU */
} OnnxSession;

/* Opens a session for @model, or for the file @path if @model is NULL. onnx_session_close() must
 * follow, also after an error. */
gboolean onnx_session_open (
    OnnxSession *self, const GByteArray *model, const char *path, GError **error);
void onnx_session_close (OnnxSession *self);

/* Returns whether @status is OK, and frees @status. */
gboolean onnx_session_check (const OnnxSession *self, OrtStatus *status, GError **error);
