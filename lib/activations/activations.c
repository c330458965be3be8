/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activations/activations.h"
#include <string.h>

static const struct {
  const char *name;
  float alpha, beta;
} activations[] = {
#define EACH(id, name, alpha, beta, expression) {name, alpha, beta},
#define ROW(id, name, function) {name, 0, 0},
    LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW
};

const char *
lstm_activation_get_name (LstmActivationKind kind)
{
  return activations[kind].name;
}

int
lstm_activation_find (const char *name, LstmActivation *activation)
{
  for (int i = 0; i < LSTM_N_ACTIVATIONS; i++) {
    if (strcmp (name, activations[i].name) == 0) {
      *activation = (LstmActivation){
          (LstmActivationKind) i, activations[i].alpha, activations[i].beta};
      return 1;
    }
  }
  return 0;
}
