/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

#ifndef LSTM_API
#  define LSTM_API extern
#endif
