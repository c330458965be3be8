/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The folder that lstm-convert --split writes. */
#pragma once

#include "split/command.h"

#define CONVERT_FEATURES "features.onnx"
#define CONVERT_NORMALIZED_FEATURES "features-bytes.onnx"
#define CONVERT_FEATURES_INFO CONVERT_FEATURES ".modelinfo"
#define CONVERT_MEMORY "memory.safetensors"
#define CONVERT_LABELS "labels"

/* Writes the files of @split to the folder @folder. Makes the folder if there is none, and keeps
 * other files in the folder. @normalized: (nullable): the content of CONVERT_NORMALIZED_FEATURES */
gboolean convert_folder_write (const ConvertSplit *split, const ConvertNormalize *normalize,
    GBytes *normalized, const char *folder, GError **error);
