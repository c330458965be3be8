#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: an int8 LSTM of oneDNN (data u8, weights s8) differs from the float32 LSTM by the quantization only, since its
# sums are exact 32-bit integers. On a CPU without a suitable instruction the primitive is slower, or is not created.
#
# Behaviour: without VNNI, oneDNN 2.6.3 of Debian 12 (DNNL_MAX_CPU_ISA=AVX2) limits each sum of two products to 32767. The
# primitive is created and runs without an error. With x = 255 and weights of 127, which are the largest ones, the gates
# get half of the right sums. With weights of at most 64 the numbers are right. With VNNI they are right for all weights.
#
# Relevance to users of gst-lstm: the numbers of an int8 model in oneDNN depend on the CPU, so they cannot serve as a
# reference for precision=int8 of `lstm`. On a CPU without VNNI the scale has to keep the weights of oneDNN at 64 or less.
# liblstm computes the same int8 numbers on all CPUs.
#
# Needs: apt-get and dpkg-deb of Debian 12 on amd64, g++, a CPU with AVX2. Expected: the output below, with status 0.
# On a CPU with AVX512-VNNI, the script then checks that u8s8 equals the formulas with VNNI.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download libdnnl2=2.6.3-1 libdnnl-dev=2.6.3-1 \
  ocl-icd-libopencl1=2.3.1-1
for package in *.deb; do dpkg-deb -x "$package" root; done
libraries=root/usr/lib/x86_64-linux-gnu

cat >lstm.cc <<'END'
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

using namespace dnnl;
using tag = memory::format_tag;
using type = memory::data_type;

static const int N = 64;
static const engine cpu (engine::kind::cpu, 0);

/* Returns h of one step of an LSTM of N units, with x of N ones, and initial h and c of 0. All weights of the input are
 * @integer / 127 / N, and all others are 0. */
static float
run (bool quantized, int integer)
{
  primitive_attr attr;
  stream queue (cpu);
  type data = quantized ? type::u8 : type::f32, weights = quantized ? type::s8 : type::f32;

  if (quantized) {
    attr.set_rnn_data_qparams (255, 0);
    attr.set_rnn_weights_qparams (0, {127.f * N});
  }
  memory::desc x_desc ({1, 1, N}, data, tag::tnc), h_desc ({1, 1, 1, N}, data, tag::ldnc);
  memory::desc c_desc ({1, 1, 1, N}, type::f32, tag::ldnc), b_desc ({1, 1, 4, N}, type::f32, tag::ldgo);
  memory::desc w_desc ({1, 1, N, 4, N}, weights, tag::any), y_desc ({1, 1, N}, type::f32, tag::tnc);
  lstm_forward::desc layer (prop_kind::forward_inference, rnn_direction::unidirectional_left2right, x_desc, h_desc, c_desc,
      w_desc, w_desc, b_desc, y_desc, h_desc, c_desc);
  lstm_forward::primitive_desc desc (layer, attr, cpu);

  memory::desc plain ({1, 1, N, 4, N}, type::f32, tag::ldigo);
  std::vector<float> W (4 * N * N, integer / 127.f / N), R (4 * N * N, 0.f), y (N);
  memory w_plain (plain, cpu, W.data ()), r_plain (plain, cpu, R.data ());
  memory w (desc.weights_layer_desc (), cpu), r (desc.weights_iter_desc (), cpu);
  reorder (reorder::primitive_desc (w_plain, w, attr)).execute (queue, w_plain, w);
  reorder (reorder::primitive_desc (r_plain, r, attr)).execute (queue, r_plain, r);

  memory x (x_desc, cpu), h (h_desc, cpu), c (c_desc, cpu), b (b_desc, cpu), out (y_desc, cpu, y.data ());
  memory h_out (h_desc, cpu), c_out (c_desc, cpu);
  for (const memory &zero : {h, c, b})
    memset (zero.get_data_handle (), 0, zero.get_desc ().get_size ());
  if (quantized)
    std::fill_n (static_cast<uint8_t *> (x.get_data_handle ()), N, 255);
  else
    std::fill_n (static_cast<float *> (x.get_data_handle ()), N, 1.f);

  lstm_forward (desc).execute (queue,
      {{DNNL_ARG_SRC_LAYER, x}, {DNNL_ARG_SRC_ITER, h}, {DNNL_ARG_SRC_ITER_C, c}, {DNNL_ARG_WEIGHTS_LAYER, w},
          {DNNL_ARG_WEIGHTS_ITER, r}, {DNNL_ARG_BIAS, b}, {DNNL_ARG_DST_LAYER, out}, {DNNL_ARG_DST_ITER, h_out},
          {DNNL_ARG_DST_ITER_C, c_out}});
  queue.wait ();
  return y[0];
}

/* Returns h by the formulas, with each sum of two products limited to @limit. */
static double
compute (int integer, int limit)
{
  double sum = std::min (2 * 255 * integer, limit) * (N / 2) / 255. / 127 / N, gate = 1 / (1 + exp (-sum));

  return gate * tanh (gate * tanh (sum));
}

int
main ()
{
  printf ("oneDNN %d.%d.%d\n", version ()->major, version ()->minor, version ()->patch);
  for (int integer : {32, 64, 96, 127})
    printf ("weights %3d: f32 %.2f, u8s8 %.2f, formulas %.2f, limited %.2f\n", integer, run (false, integer),
        run (true, integer), compute (integer, INT32_MAX), compute (integer, 32767));
}
END
g++ lstm.cc -o lstm -Iroot/usr/include -Iroot/usr/include/x86_64-linux-gnu "$libraries/libdnnl.so.2" \
  -Wl,-rpath-link,"$libraries"

cat >expected <<'END'
oneDNN 2.6.3
weights  32: f32 0.08, u8s8 0.08, formulas 0.08, limited 0.08
weights  64: f32 0.18, u8s8 0.18, formulas 0.18, limited 0.18
weights  96: f32 0.28, u8s8 0.18, formulas 0.28, limited 0.18
weights 127: f32 0.37, u8s8 0.18, formulas 0.37, limited 0.18
END
LD_LIBRARY_PATH=$libraries DNNL_MAX_CPU_ISA=AVX2 ./lstm | tee seen
diff expected seen
if grep -q avx512_vnni /proc/cpuinfo; then
  echo "with VNNI:"
  LD_LIBRARY_PATH=$libraries DNNL_MAX_CPU_ISA=AVX512_CORE_VNNI ./lstm | tee seen
  # u8s8 equals the formulas.
  awk '/u8s8/ && $6 != $8 { exit 1 }' seen
fi
echo "as expected: without VNNI the sums of an int8 LSTM saturate"
