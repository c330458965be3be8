/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each instruction set's kernels against double precision: odd sizes, NaN, infinities and
 * denormals among the inputs. */
#include "kernels.h"
#include "pack.h"
#include "testutil.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_K 70
#define MAX_ROWS 17

static double
exact (LstmActivation activation, double x)
{
  switch (activation) {
  case LSTM_ACTIVATION_RELU:
    return x < 0 ? 0 : x;
  case LSTM_ACTIVATION_TANH:
    return tanh (x);
  case LSTM_ACTIVATION_SIGMOID:
    return 1 / (1 + exp (-x));
  default:
    return x;
  }
}

/* |got - exact| in units of the float's last place. What is below the least normal number may
 * also be 0. */
static double
ulps (float got, double expected)
{
  float rounded = (float) expected;
  double place;

  if (isnan (expected) || isnan (got))
    return isnan (expected) && isnan (got) ? 0 : INFINITY;
  if (got == rounded || (got == 0 && fabs (expected) < FLT_MIN))
    return 0;
  place = nextafterf (fabsf (rounded), INFINITY) - fabsf (rounded);
  return fabs (got - expected) / place;
}

static void
test_activations (gconstpointer data)
{
  static const float special[] = {0, -0.f, 1e-45f, -1e-45f, 1e-38f, -1e-20f, 1e-4f, 87.3f,
      -87.4f, 88.8f, -88.8f, -103.9f, -104.1f, 1e30f, -1e30f, INFINITY, -INFINITY, NAN};
  const LstmKernels *k = data;
  gsize n = 64 * k->panel, at = 0;
  g_autofree float *x = g_new (float, n);
  g_autofree float *y = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    x[i] = i < G_N_ELEMENTS (special) ? special[i]
                                      : ((float) i - (float) n / 2) * 220.f / (float) n;
  for (guint a = 0; a < LSTM_N_ACTIVATIONS; a++) {
    double worst = 0;

    if (a == LSTM_ACTIVATION_SOFTMAX)
      continue;
    memcpy (y, x, n * sizeof (float));
    k->activate[a](y, 1, n, n);
    for (gsize i = 0; i < n; i++) {
      double error = ulps (y[i], exact (a, x[i]));

      if (error > worst) {
        worst = error;
        at = i;
      }
    }
    g_test_message ("%s: activation %u: at most %.2f ulp (x = %g)", k->name, a, worst, x[at]);
    g_assert_cmpfloat (worst, <, 3);
  }
}

static void
test_softmax (gconstpointer data)
{
  const LstmKernels *k = data;

  for (gsize n = 1; n <= k->panel; n++) {
    gsize stride = k->panel, rows = 3;
    g_autofree float *y = g_new0 (float, rows *stride);
    g_autofree float *x = g_new0 (float, rows *stride);

    test_fill (x, rows * stride, (guint32) n);
    for (gsize i = 0; i < rows * stride; i++)
      x[i] *= i < stride ? 1 : 200;
    memcpy (y, x, rows * stride * sizeof (float));
    k->activate[LSTM_ACTIVATION_SOFTMAX](y, rows, n, stride);
    for (gsize r = 0; r < rows; r++) {
      double max = -INFINITY, sum = 0;

      for (gsize i = 0; i < n; i++)
        max = fmax (max, x[r * stride + i]);
      for (gsize i = 0; i < n; i++)
        sum += exp (x[r * stride + i] - max);
      for (gsize i = 0; i < n; i++)
        g_assert_cmpfloat (
            fabs (y[r * stride + i] - exp (x[r * stride + i] - max) / sum), <, 1e-6);
    }
  }
}

/* What a precision makes of values [k], by its definition in double: bfloat16 has 8 significant
 * bits, int8 has 127 steps up to the largest magnitude. */
static void
round_values (int precision, const float *from, gsize k, double *to)
{
  float max = 0;

  for (gsize i = 0; i < k; i++)
    max = fmaxf (max, fabsf (from[i]));
  for (gsize i = 0; i < k; i++) {
    int exponent;
    const double mantissa = frexp ((double) from[i], &exponent);

    if (precision == LSTM_FLOAT32)
      to[i] = from[i];
    else if (precision == LSTM_BFLOAT16)
      to[i] = ldexp (rint (ldexp (mantissa, 8)), exponent - 8);
    else
      to[i] = max > 0 ? rintf (from[i] * (127 / max)) * (double) max / 127 : 0;
  }
}

/* A bias and matrices [outputs, k], packed in @precision */
static float *
pack (const LstmKernels *kernels, int precision, const float *bias, gsize panels,
    const LstmPackPart *parts, guint n_parts)
{
  const LstmProduct *product = &kernels->products[precision];
  const gsize n = panels * kernels->panel;
  g_autofree gsize *columns = g_new (gsize, n);
  g_autoptr (GError) error = NULL;
  gsize rows = 1;
  float *w;

  for (guint i = 0; i < n_parts; i++)
    rows += lstm_pack_rows (product, parts[i].k);
  w = lstm_floats_new (n * rows, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < n; i++)
    columns[i] = i;
  lstm_pack (w, kernels, product, panels, columns, bias, NULL, parts, n_parts);
  return w;
}

/* Rows of k floats as words, or themselves */
static LstmRows
to_rows (const LstmProduct *product, const float *x, gsize stride, gsize rows, gsize k,
    float *words)
{
  const gsize n = lstm_n_words (product, k);
  const LstmRows packed = {words, n, n, words + rows * n};

  if (!product->to_words)
    return (LstmRows){x, stride, k, NULL};
  product->to_words (x, stride, rows, k, words, n, words + rows * n);
  return packed;
}

static void
check_affine (const LstmKernels *kernels, int precision, gsize rows, gsize k, gsize panels)
{
  const LstmProduct *product = &kernels->products[precision];
  const gsize n = panels * kernels->panel, stride = k + 3;
  g_autofree float *x = g_new (float, rows *stride);
  g_autofree float *words = g_new (float, rows *(k + 1));
  g_autofree float *matrix = g_new (float, n *k);
  g_autofree float *bias = g_new (float, n);
  g_autofree float *y = g_new (float, rows *n);
  g_autofree double *row = g_new (double, k);
  g_autofree double *column = g_new (double, k);
  float *w;

  test_fill (x, rows * stride, 5);
  test_fill (matrix, n * k, (guint32) (rows + k));
  test_fill (bias, n, 7);
  w = pack (kernels, precision, bias, panels, &(LstmPackPart){matrix, k}, 1);
  {
    const LstmAffine a = {.rows = rows,
        .panels = panels,
        .w = w,
        .w_stride = (1 + lstm_pack_rows (product, k)) * kernels->panel,
        .x = to_rows (product, x, stride, rows, k, words),
        .y = y,
        .y_stride = n};

    product->affine (&a);
  }
  for (gsize o = 0; o < n; o++) {
    round_values (precision, matrix + o * k, k, column);
    for (gsize r = 0; r < rows; r++) {
      double sum = bias[o];

      round_values (precision, x + r * stride, k, row);
      for (gsize i = 0; i < k; i++)
        sum += row[i] * column[i];
      g_assert_cmpfloat (fabs (y[r * n + o] - sum), <, 1e-6 * (double) (k + 2));
    }
  }
  free (w);
}

static void
test_affine (gconstpointer data)
{
  static const gsize ks[] = {1, 2, 3, 15, 16, 17, MAX_K}, panels[] = {1, 2, 3};

  for (int precision = 0; precision < LSTM_N_PRECISIONS; precision++)
    for (gsize i = 0; i < G_N_ELEMENTS (ks); i++)
      for (gsize p = 0; p < G_N_ELEMENTS (panels); p++)
        for (gsize rows = 1; rows <= MAX_ROWS; rows++)
          check_affine (data, precision, rows, ks[i], panels[p]);
}

/* A NaN or an infinity in one row's x shows in that row, and in no other. int8 cannot say
 * infinity: it gives NaN there. */
static void
check_step_isolation (const LstmKernels *kernels, int precision)
{
  enum { ROWS = 5, D = 3 };
  const LstmProduct *product = &kernels->products[precision];
  const gsize m = kernels->panel / 4;
  const float x[ROWS][D] = {
      {0.5f, 1, 0}, {NAN, 0, 0}, {0.5f, 1, 0}, {INFINITY, 0, 0}, {0.5f, 1, 0}};
  g_autofree float *matrix = g_new (float, kernels->panel *(D + m));
  const LstmPackPart parts[] = {{matrix, D}, {matrix + kernels->panel * D, m}};
  g_autofree float *h = g_new0 (float, ROWS *m);
  g_autofree float *next = g_new0 (float, ROWS *m);
  g_autofree float *c = g_new0 (float, ROWS *m);
  g_autofree float *x_words = g_new (float, ROWS *(D + 1));
  g_autofree float *h_words = g_new (float, ROWS *(m + 1));
  float *w;

  test_fill (matrix, kernels->panel * (D + m), 1);
  w = pack (kernels, precision, NULL, 1, parts, G_N_ELEMENTS (parts));
  {
    const LstmStep s = {.rows = ROWS,
        .panels = 1,
        .w = w,
        .u = (1 + lstm_pack_rows (product, D)) * kernels->panel,
        .x = to_rows (product, x[0], D, ROWS, D, x_words),
        .h = to_rows (product, h, m, ROWS, m, h_words),
        .h_next = next,
        .c = c,
        .m_stride = m};

    product->step (&s);
  }
  for (gsize u = 0; u < m; u++) {
    g_assert_true (isfinite (next[u]));
    g_assert_true (isnan (next[m + u]));
    g_assert_true (isnan (next[3 * m + u]) == (precision == LSTM_INT8)); /* gates saturate */
  }
  g_assert_cmpmem (next, m * sizeof (float), next + 2 * m, m * sizeof (float));
  g_assert_cmpmem (next, m * sizeof (float), next + 4 * m, m * sizeof (float));
  free (w);
}

static void
test_step_isolation (gconstpointer data)
{
  for (int precision = 0; precision < LSTM_N_PRECISIONS; precision++)
    check_step_isolation (data, precision);
}

int
main (int argc, char **argv)
{
  const LstmKernels *k;

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; (k = lstm_kernels_at (i)); i++) {
    static const struct {
      const char *name;
      GTestDataFunc run;
    } tests[] = {
        {"activations", test_activations},
        {"softmax", test_softmax},
        {"affine", test_affine},
        {"step-isolation", test_step_isolation},
    };

    for (gsize t = 0; t < G_N_ELEMENTS (tests); t++) {
      g_autofree char *path = g_strdup_printf ("/kernels/%s/%s", tests[t].name, k->name);

      g_test_add_data_func (path, k, tests[t].run);
    }
  }
  return g_test_run ();
}
