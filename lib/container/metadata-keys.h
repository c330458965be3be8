/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keys of __metadata__ in a model file; see docs/formats.md. */
#pragma once

#define KEY_VERSION "lstm.version"
#define KEY_LAYERS "lstm.layers"
#define KEY_RATE "lstm.rate"

#define LSTM_MAX_RATE 1000000 /* steps per second, the largest value of KEY_RATE */
