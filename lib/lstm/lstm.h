/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * liblstm runs recurrent networks on a CPU, one time step after another.
 *
 * A model is a chain of layers that is read from a file. A state stores the memory of bs streams,
 * which advance through the model side by side. Shapes list the outermost dimension first, as
 * NumPy prints them. Arrays are C-contiguous float32.
 *
 *     bs  streams       independent sequences that advance side by side
 *     T   steps         time steps of one call
 *     d   input size    features of a step at the model's input
 *     n   output size   features of a step at the model's output
 *     m   units         units of a recurrent layer, the size of the c of an LSTM layer
 *     p   hidden size   the size of a layer's h: m unless the layer has a projection
 *
 * An LSTM layer without a projection computes, from a step x [d] and from h', c' [m] of the
 * previous step,
 *
 *     i = sigmoid (x Wi + h' Ui + bi)      f = sigmoid (x Wf + h' Uf + bf)
 *     g = tanh    (x Wg + h' Ug + bg)      o = sigmoid (x Wo + h' Uo + bo)
 *     c = f c' + i g                       h = o tanh (c)
 *
 * (Hochreiter and Schmidhuber 1997 with the forget gate of Gers, Schmidhuber and Cummins
 * 2000; the equations of PyTorch's nn.LSTM and of Keras' LSTM). A GRU layer has no c. It computes
 *
 *     z = sigmoid (x Wz + h' Uz + bz)      r = sigmoid (x Wr + h' Ur + br)
 *     n = tanh (x Wn + bn + r (h' Un + b'n))
 *     h = (1 - z) n + z h'
 *
 * (the equations of PyTorch's nn.GRU and of Keras' GRU with reset_after=True). A simple recurrent
 * layer computes h = tanh (x W + h' U + b), and has neither c nor gates.
 *
 * Stability: the ABI is stable from version 0.1.0 on. Later versions with the same name,
 * lstm-1.0, may add functions, enum values and members at the end of LstmRun, whose member size
 * tells liblstm which members a program knows. They do not remove or change functions. Saved
 * states of one version load in all later ones. The texts of messages, summaries and reports may
 * change, and so may the bits of a step, within the errors that docs/numerics.md lists.
 *
 * Invariance: on one instruction set, the numbers of a step are identical to the last bit however
 * the steps are divided into calls, however many streams run side by side, and whatever
 * floating-point mode the caller has set. See lstm_state_run(). */
#pragma once

#include <lstm/lstm-error.h>
#include <lstm/lstm-model.h>
#include <lstm/lstm-state.h>
#include <lstm/lstm-version.h>
#include <lstm/lstm-window.h>
