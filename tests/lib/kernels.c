/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each instruction set's kernels against double precision: odd sizes, NaN, infinities and
 * denormals among the inputs. */
#include "kernels.h"
#include "testutil.h"
#include <math.h>
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

/* |got - exact| in units of the float's last place */
static double
ulps (float got, double expected)
{
  float rounded = (float) expected;
  double place;

  if (isnan (expected) || isnan (got))
    return isnan (expected) && isnan (got) ? 0 : INFINITY;
  if (got == rounded)
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

/* Random weights in the packed layout, [panels][1 + k][panel] */
static float *
random_panels (const LstmKernels *kernels, gsize panels, gsize k, guint32 seed)
{
  gsize n = panels * (1 + k) * kernels->panel;
  float *w = g_new (float, n);

  test_fill (w, n, seed);
  return w;
}

static void
test_affine (gconstpointer data)
{
  static const gsize ks[] = {1, 2, 15, 16, 17, MAX_K}, panel_counts[] = {1, 2, 3};
  const LstmKernels *k = data;
  g_autofree float *x = g_new (float, MAX_ROWS *(MAX_K + 3));
  g_autofree float *y = g_new (float, MAX_ROWS * 3 * k->panel);

  test_fill (x, MAX_ROWS * (MAX_K + 3), 5);
  for (gsize i = 0; i < G_N_ELEMENTS (ks) * G_N_ELEMENTS (panel_counts) * MAX_ROWS; i++) {
    gsize rows = i % MAX_ROWS + 1, depth = ks[i / MAX_ROWS % G_N_ELEMENTS (ks)];
    gsize panels = panel_counts[i / MAX_ROWS / G_N_ELEMENTS (ks)];
    g_autofree float *w = random_panels (k, panels, depth, (guint32) i);
    const LstmAffine a = {
        rows, depth, panels, w, (1 + depth) * k->panel, x, depth + 3, y, panels * k->panel};

    k->affine (&a);
    for (gsize r = 0; r < rows; r++)
      for (gsize o = 0; o < panels * k->panel; o++) {
        const float *column = w + o / k->panel * a.w_stride + o % k->panel;
        double sum = column[0];

        for (gsize j = 0; j < depth; j++)
          sum += (double) x[r * a.x_stride + j] * column[(1 + j) * k->panel];
        g_assert_cmpfloat (fabs (y[r * a.y_stride + o] - sum), <, 1e-6 * (double) (depth + 2));
      }
  }
}

/* A NaN or an infinity in one row's x shows in that row, and in no other. */
static void
test_step_isolation (gconstpointer data)
{
  const LstmKernels *k = data;
  enum { ROWS = 5, D = 3 };
  const gsize m = k->panel / 4;
  g_autofree float *w = random_panels (k, 1, D + m, 1);
  g_autofree float *h = g_new0 (float, ROWS *m);
  g_autofree float *next = g_new0 (float, ROWS *m);
  g_autofree float *c = g_new0 (float, ROWS *m);
  float x[ROWS][D] = {{0.5f, 1, 0}, {NAN, 0, 0}, {0.5f, 1, 0}, {INFINITY, 0, 0}, {0.5f, 1, 0}};
  const LstmStep s = {.rows = ROWS,
      .d = D,
      .m = m,
      .panels = 1,
      .w = w,
      .x = x[0],
      .x_stride = D,
      .h = h,
      .h_next = next,
      .c = c,
      .h_stride = m};

  k->step (&s);
  for (gsize u = 0; u < m; u++) {
    g_assert_true (isfinite (next[u]));
    g_assert_true (isnan (next[m + u]));
    g_assert_false (isnan (next[3 * m + u])); /* gates saturate */
  }
  g_assert_cmpmem (next, m * sizeof (float), next + 2 * m, m * sizeof (float));
  g_assert_cmpmem (next, m * sizeof (float), next + 4 * m, m * sizeof (float));
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
