/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "split/command.h"

/* Returns: (transfer full): shell commands that run the files of @options->folder, with comments.
 * @normalize: of the pixels */
char *convert_pipelines_write (const ConvertSplit *split, const ConvertSplitOptions *options,
    const ConvertNormalize *normalize);

/* Returns: (transfer full): the file .modelinfo, from which onnxinference of GStreamer 1.28 reads
 * the tensors of the features */
char *convert_modelinfo_write (const ConvertSplit *split, const ConvertNormalize *normalize);
