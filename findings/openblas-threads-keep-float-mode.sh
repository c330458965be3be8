#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Assumption: a matrix product of OpenBLAS has the float mode of the thread that calls it, as a loop of the caller has: the
# rounding of fesetround(), and results below 2^-126 become 0 if the caller has set FTZ in MXCSR, as programs for audio
# do. At least, the mode is the same in all numbers of a product.
#
# Behaviour: the threads of OpenBLAS 0.3.21 (Debian 12, pthread) keep the float mode in which they have started. With two
# threads, half of a product has the mode of the caller, and the other half has the old mode. The caller computes a small
# product alone, in its own mode.
#
# Relevance to users of gst-lstm: a program compares numbers of `lstm` with those of NumPy or another program that uses
# OpenBLAS. In a thread with FTZ or another rounding, the numbers of OpenBLAS depend on the number of threads and on the
# size of the product. Equal rows differ. liblstm sets the float mode in each call, see docs/numerics.md.
#
# Needs: apt-get and dpkg-deb of Debian 12 on amd64, gcc. Expected: the output below, with status 0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -qq -o APT::Sandbox::User=root download libopenblas0-pthread=0.3.21+ds-4 libopenblas-pthread-dev=0.3.21+ds-4 \
  libgfortran5=12.2.0-14+deb12u1 libquadmath0=12.2.0-14+deb12u1
for package in *.deb; do dpkg-deb -x "$package" root; done
libraries=root/usr/lib/x86_64-linux-gnu

# All rows of A are equal, and all columns of B. So all numbers of A B are equal.
cat >product.c <<'END'
#include <cblas.h>
#include <stdio.h>
#include <xmmintrin.h>

#define FTZ 0x8000
#define N 512

static float A[N][N], B[N][N], C[N][N];

/* Multiplies with a row x0 x1 0 0 ... of A and a column y0 y1 0 0 ... of B. */
static void
multiply (const char *name, int mode, int n, float x0, float x1, float y0, float y1)
{
  unsigned csr = _mm_getcsr ();
  int n_first = 0;

  for (int i = 0; i < N; i++) {
    A[i][0] = x0;
    A[i][1] = x1;
    B[0][i] = y0;
    B[1][i] = y1;
  }
  _mm_setcsr (csr | mode);
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, &A[0][0], N, &B[0][0], N, 0, &C[0][0], N);
  _mm_setcsr (csr);

  float other = C[0][0];
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      if (C[i][j] == C[0][0])
        n_first++;
      else
        other = C[i][j];
  printf ("%-23s %3d %% are %a", name, 100 * n_first / (n * n), C[0][0]);
  if (n_first < n * n)
    printf (", %d %% are %a", 100 - 100 * n_first / (n * n), other);
  puts ("");
}

static void
multiply_all (int n_threads, int n)
{
  openblas_set_num_threads (n_threads);
  printf ("threads: %d, size: %d\n", n_threads, n);
  multiply ("1 + 2^-30", 0, n, 1, 0x1p-30f, 1, 1);
  multiply ("1 + 2^-30, upward", _MM_ROUND_UP, n, 1, 0x1p-30f, 1, 1);
  multiply ("2^-70 * 2^-70", 0, n, 0x1p-70f, 0, 0x1p-70f, 0);
  multiply ("2^-70 * 2^-70, FTZ", FTZ, n, 0x1p-70f, 0, 0x1p-70f, 0);
}

int
main (void)
{
  printf ("%.15s\n", openblas_get_config ());
  multiply_all (1, N);
  multiply_all (2, N);
  multiply_all (2, 16);
  return 0;
}
END
gcc product.c -o product -Iroot/usr/include/x86_64-linux-gnu/openblas-pthread \
  "$libraries/openblas-pthread/libopenblas.so.0" \
  -Wl,-rpath-link,"$libraries"

cat >expected <<'END'
OpenBLAS 0.3.21
threads: 1, size: 512
1 + 2^-30               100 % are 0x1p+0
1 + 2^-30, upward       100 % are 0x1.000002p+0
2^-70 * 2^-70           100 % are 0x1p-140
2^-70 * 2^-70, FTZ      100 % are 0x0p+0
threads: 2, size: 512
1 + 2^-30               100 % are 0x1p+0
1 + 2^-30, upward        50 % are 0x1.000002p+0, 50 % are 0x1p+0
2^-70 * 2^-70           100 % are 0x1p-140
2^-70 * 2^-70, FTZ       50 % are 0x0p+0, 50 % are 0x1p-140
threads: 2, size: 16
1 + 2^-30               100 % are 0x1p+0
1 + 2^-30, upward       100 % are 0x1.000002p+0
2^-70 * 2^-70           100 % are 0x1p-140
2^-70 * 2^-70, FTZ      100 % are 0x0p+0
END
LD_LIBRARY_PATH=$libraries/openblas-pthread:$libraries OPENBLAS_NUM_THREADS=2 ./product | tee seen
diff expected seen
echo "as expected: half of a product of two threads has another float mode"
