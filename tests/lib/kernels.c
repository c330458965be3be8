/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compares the kernels of each instruction set with double precision, in their floating-point
 * mode, with odd sizes, NaN, infinities and denormals. The test prints TAP itself and needs no
 * GLib, like the kernels, so that a C library is enough to run the test for another CPU (see
 * ../aarch64). */
#include "kernels-rig.h"
#include "kernels-words.h"

/* The activations of gates and of most last layers. The test vectors cover the others. */
static const LstmActivationKind exact_functions[] = {LSTM_ACTIVATION_LINEAR,
    LSTM_ACTIVATION_RELU, LSTM_ACTIVATION_TANH, LSTM_ACTIVATION_SIGMOID};

static double
activate_exactly (LstmActivationKind activation, double x)
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

/* Returns |found - expected| in units of the last place. A result below the least normal number
 * can also be 0. */
static double
count_ulps (float found, double expected)
{
  float rounded = (float) expected;
  double place;

  if (isnan (expected) || isnan (found))
    return isnan (expected) && isnan (found) ? 0 : INFINITY;
  if (found == rounded || (found == 0 && fabs (expected) < FLT_MIN))
    return 0;
  place = (double) nextafterf (fabsf (rounded), INFINITY) - fabsf (rounded);
  return fabs (found - expected) / place;
}

static void
test_activations (const LstmKernels *k)
{
  size_t n;
  float *x = new_sample (k->panel, &n), *y = NEW (float, n);

  for (size_t f = 0; f < N_ELEMENTS (exact_functions); f++) {
    const LstmActivationKind a = exact_functions[f];
    const int saturates = a == LSTM_ACTIVATION_TANH || a == LSTM_ACTIVATION_SIGMOID;
    double worst = 0;
    size_t at = 0;

    memcpy (y, x, n * sizeof *y);
    k->activate_rows (&(LstmActivation){.kind = a}, y, 1, n, n);
    for (size_t i = 0; i < n; i++) {
      const double error = count_ulps (y[i], activate_exactly (a, x[i]));

      if (error > worst) {
        worst = error;
        at = i;
      }
      if (a == LSTM_ACTIVATION_TANH && !isnan (x[i]))
        check (signbit (y[i]) == signbit (x[i]), "tanh %a is %a", x[i], y[i]);
      if (saturates) {
        check (!(fabsf (y[i]) > 1), "activation %d of %a is %a", a, x[i], y[i]);
        check (!(x[i] > 20) || y[i] == 1, "activation %d of %a is %a", a, x[i], y[i]);
      }
    }
    printf ("# activation %d: at most %.2f ulp (of %a)\n", a, worst, x[at]);
    check (worst < (saturates ? 3.5 : DBL_MIN), "activation %d of %a is %a", a, x[at], y[at]);
  }
}

static void
test_softmax (const LstmKernels *k)
{
  enum { ROWS = 3 };
  const size_t stride = k->panel;

  for (size_t n = 1; n <= stride; n++) {
    float *x = new_filled (ROWS * stride, (uint32_t) n), *y = NEW (float, ROWS *stride);

    for (size_t i = stride; i < ROWS * stride; i++)
      x[i] *= 200;
    memcpy (y, x, ROWS * stride * sizeof *y);
    k->activate_rows (&(LstmActivation){.kind = LSTM_ACTIVATION_SOFTMAX}, y, ROWS, n, stride);
    for (size_t r = 0; r < ROWS; r++) {
      const float *from = x + r * stride, *to = y + r * stride;
      double max = -INFINITY, sum = 0;

      for (size_t i = 0; i < n; i++)
        max = fmax (max, from[i]);
      for (size_t i = 0; i < n; i++)
        sum += exp (from[i] - max);
      for (size_t i = 0; i < n; i++)
        check (fabs (to[i] - exp (from[i] - max) / sum) < 1e-6, "%zu of %zu: %a", i, n, to[i]);
    }
    free_all ();
  }
}

/* The inputs and weights of an LSTM layer, or of a GRU layer, whose n_gates are 4 or 3. The outputs
 * are the columns of the panels, gate by gate. h has fewer values than there are units, as with
 * padded units. */
typedef struct {
  const LstmKernels *kernels;
  const LstmProduct *product;
  size_t n_gates, rows, panels, n, units;
  size_t panel;              /* lanes of a packed row */
  size_t dx, dh;             /* values of a row of x and h */
  float *bias, *c;           /* (n), (rows, units) */
  float *h_bias, *h_values;  /* of GRU: (units), (rows, units); the latter differs from h */
  float *w;                  /* packed */
  size_t w_stride, u_offset; /* see LstmStep */
  LstmRows x, h;
  double *sum_x, *sum_h; /* (rows, n): bias + x W, h U */
} Layer;

/* Fills rows of k values and a matrix [n, k], packs them, and adds the exact products to sum
 * [rows, n]. */
static LstmRows
add_product (const Layer *l, int precision, size_t k, float *w, double *sum, uint32_t seed)
{
  const size_t stride = k + 3, words = count_words (l->product, k);
  const float *x = new_filled (l->rows * stride, seed),
              *matrix = new_filled (l->n * k, seed + 1);
  LstmRows rows = {.words = x, .stride = stride, .n = words};
  double row[MAX_ROWS][MAX_K], row_scales[MAX_ROWS];

  if (l->product->to_words) {
    const size_t lanes = count_x_lanes (l->product, words);
    float *to = NEW (float, l->rows *lanes), *scales = NEW (float, l->rows);

    l->product->to_words (x, stride, l->rows, k, to, lanes, scales);
    rows = (LstmRows){to, lanes, words, scales};
  }
  pack_matrix (w, l->w_stride, l->kernels, precision, l->panels, l->panel, matrix, k);
  for (size_t r = 0; r < l->rows; r++)
    row_scales[r] = quantize_values (precision, x + r * stride, k, row[r]);
  for (size_t o = 0; o < l->n; o++) {
    double column[MAX_K];
    const double scale = quantize_values (precision, matrix + o * k, k, column);

    for (size_t r = 0; r < l->rows; r++)
      for (size_t i = 0; i < k; i++)
        sum[r * l->n + o] += row[r][i] * row_scales[r] * column[i] * scale;
  }
  return rows;
}

static Layer
new_layer (const LstmKernels *kernels, size_t n_gates, int precision, size_t rows, size_t dx,
    size_t panels)
{
  const LstmProduct *product = &kernels->products[precision];
  const size_t width = kernels->panel / 4, panel = n_gates * width, n = panels * panel;
  const size_t units = panels * width, dh = units - 1;
  const size_t x_rows = product->n_header_rows + count_words (product, dx);
  const size_t h_rows = product->n_header_rows + count_words (product, dh);
  Layer l = {.kernels = kernels,
      .product = product,
      .n_gates = n_gates,
      .rows = rows,
      .panels = panels,
      .panel = panel,
      .n = n,
      .units = units,
      .dx = dx,
      .dh = dh,
      .w_stride = kernels->panel + (x_rows + h_rows) * panel,
      .u_offset = kernels->panel + x_rows * panel};

  l.bias = new_filled (n, 7);
  l.c = new_filled (rows * units, 8);
  l.h_bias = new_filled (units, 9);
  l.h_values = new_filled (rows * units, 10);
  l.sum_x = NEW (double, rows *n);
  l.sum_h = NEW (double, rows *n);
  l.w = NEW (float, panels *l.w_stride);
  for (size_t o = 0; o < n; o++)
    l.w[o / panel * l.w_stride + o % panel] = l.bias[o];
  for (size_t u = 0; u < units && n_gates == LSTM_GRU_GATES; u++)
    l.w[u / width * l.w_stride + panel + u % width] = l.h_bias[u];
  for (size_t i = 0; i < rows * n; i++)
    l.sum_x[i] = l.bias[i % n];
  l.x = add_product (&l, precision, dx, l.w + kernels->panel, l.sum_x, (uint32_t) (rows + dx));
  l.h = add_product (&l, precision, dh, l.w + l.u_offset, l.sum_h, (uint32_t) (rows + panels));
  return l;
}

static LstmRows
skip_rows (LstmRows rows, size_t row)
{
  rows.words += row * rows.stride;
  if (rows.scales)
    rows.scales += row;
  return rows;
}

static void
run_affine (const Layer *l, size_t row, size_t rows, float *y)
{
  const LstmAffine job = {.n_rows = rows,
      .n_panels = l->panels,
      .w = l->w,
      .w_stride = l->w_stride,
      .w_offset = l->kernels->panel,
      .x = skip_rows (l->x, row),
      .y = y,
      .y_stride = l->n};

  (l->n_gates == LSTM_GATES ? l->product->run_affine : l->product->run_gru_affine) (&job);
}

/* Runs a step from x, or from @z if it is not NULL. @c becomes the new cell state. */
static void
run_step (const Layer *l, size_t row, size_t rows, const float *z, size_t z_stride, float *h,
    float *c)
{
  const LstmStep job = {.n_rows = rows,
      .n_panels = l->panels,
      .w = l->w,
      .w_stride = l->w_stride,
      .u_offset = l->u_offset,
      .x = z ? (LstmRows){0} : skip_rows (l->x, row),
      .z = z,
      .z_stride = z_stride,
      .h = skip_rows (l->h, row),
      .h_values = l->h_values + row * l->units,
      .h_next = h,
      .c = c,
      .m_stride = l->units};

  memcpy (c, l->c + row * l->units, rows * l->units * sizeof *c);
  (l->n_gates == LSTM_GATES ? l->product->run_lstm_step : l->product->run_gru_step) (&job);
}

static int
has_same_bits (const float *a, const float *b, size_t n)
{
  return memcmp (a, b, n * sizeof *a) == 0;
}

/* Computes the new h of unit @u in row @r, and updates @c. x and h are the summands of the
 * pre-activations of the gates. */
static double
compute_exact_step (
    const Layer *l, size_t r, size_t u, const double *x, const double *h, double *c)
{
  double s[LSTM_GATES];

  for (size_t g = 0; g < l->n_gates; g++)
    s[g] = activate_exactly (LSTM_ACTIVATION_SIGMOID, x[g] + h[g]);
  if (l->n_gates == LSTM_GATES) {
    *c = s[1] * *c + s[0] * tanh (x[2] + h[2]);
    return s[3] * tanh (*c);
  }
  return (1 - s[0]) * tanh (x[2] + s[1] * (h[2] + l->h_bias[u]))
         + s[0] * l->h_values[r * l->units + u];
}

/* The lanes of a panel are the gates of some units each. */
static void
check_exact_step (const Layer *l, const char *what, const float *h, const float *c)
{
  const size_t width = l->kernels->panel / 4;
  const double tolerance = 1e-6 * (double) (l->dx + l->dh + 2);

  for (size_t r = 0; r < l->rows; r++)
    for (size_t u = 0; u < l->units; u++) {
      const size_t first = r * l->n + u / width * l->panel + u % width;
      const size_t at = r * l->units + u;
      double x_sums[LSTM_GATES], h_sums[LSTM_GATES], new_c = l->c[at], new_h;

      for (size_t g = 0; g < l->n_gates; g++) {
        x_sums[g] = l->sum_x[first + g * width];
        h_sums[g] = l->sum_h[first + g * width];
      }
      new_h = compute_exact_step (l, r, u, x_sums, h_sums, &new_c);
      check (fabs (c[at] - new_c) < tolerance && fabs (h[at] - new_h) < tolerance,
          "%s: row %zu, unit %zu: c = %a, not %a, h = %a, not %a", what, r, u, c[at], new_c,
          h[at], new_h);
    }
}

/* Checks that both products of a layer are close to the exact ones, that a step has the same bits
 * from x and from z, and that a row has the same bits with any number of other rows. */
static void
check_layer (const LstmKernels *kernels, size_t n_gates, int precision, size_t rows, size_t dx,
    size_t panels)
{
  const Layer l = new_layer (kernels, n_gates, precision, rows, dx, panels);
  float *y = NEW (float, rows *l.n), *one = NEW (float, l.n);
  float *h = NEW (float, rows *l.units), *c = NEW (float, rows *l.units);
  float *other_h = NEW (float, rows *l.units), *other_c = NEW (float, rows *l.units);
  char what[64];

  snprintf (what, sizeof what, "%zu gates, precision %d, %zu rows, %zu values, %zu panels",
      n_gates, precision, rows, dx, panels);
  run_affine (&l, 0, rows, y);
  for (size_t i = 0; i < rows * l.n; i++)
    check (fabs (y[i] - l.sum_x[i]) < 1e-6 * (double) (dx + 2), "%s: %zu is %a, not %a", what,
        i, y[i], l.sum_x[i]);

  run_step (&l, 0, rows, NULL, 0, h, c);
  check_exact_step (&l, what, h, c);
  run_step (&l, 0, rows, y, l.n, other_h, other_c);
  check (
      has_same_bits (h, other_h, rows * l.units) && has_same_bits (c, other_c, rows * l.units),
      "%s: a step from z differs", what);
  run_step (&l, 0, rows, y, 0, other_h, other_c);
  check (has_same_bits (h, other_h, l.units), "%s: a step from one row of z differs", what);
  for (size_t i = 0; i < rows * l.n; i++)
    l.sum_x[i] = l.sum_x[i % l.n];
  check_exact_step (&l, what, other_h, other_c);

  for (size_t r = 0; r < rows; r++) {
    run_affine (&l, r, 1, one);
    check (has_same_bits (one, y + r * l.n, l.n), "%s: row %zu differs by itself", what, r);
    run_step (&l, r, 1, NULL, 0, other_h, other_c);
    check (has_same_bits (other_h, h + r * l.units, l.units)
               && has_same_bits (other_c, c + r * l.units, l.units),
        "%s: a step of row %zu differs by itself", what, r);
  }
  free_all ();
}

/* The numbers of rows and panels need full and partial tiles. */
static void
test_products (const LstmKernels *kernels)
{
  static const size_t sizes[] = {1, 2, 3, 16, 17, MAX_K}, panels[] = {1, 2, 5};
  static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 19, MAX_ROWS};

  for (int precision = 0; precision < LSTM_N_PRECISIONS; precision++)
    for (size_t n_gates = LSTM_GRU_GATES; n_gates <= LSTM_GATES; n_gates++)
      for (size_t i = 0; i < N_ELEMENTS (sizes); i++)
        for (size_t p = 0; p < N_ELEMENTS (panels); p++)
          for (size_t r = 0; r < N_ELEMENTS (rows); r++)
            check_layer (kernels, n_gates, precision, rows[r], sizes[i], panels[p]);
}

/* The steps of a stream, whose first panels are all panels of a layer except the last one. The rows
 * of x of the layer are the steps. */
typedef struct {
  const Layer *layer;
  size_t n_units;
  const float *z; /* (rows, n) of the layer; NULL: the steps start from x */
  int reverse;    /* the rows of y are in reverse order */
  float *h, *h_next, *c, *y;
} Stream;

static Stream
new_stream (const Layer *l, size_t n_units, const float *z, int reverse)
{
  Stream s = {l, n_units, z, reverse, NEW (float, l->units), NEW (float, l->units),
      NEW (float, l->units), NEW (float, l->rows *n_units + l->units)};

  memcpy (s.h, l->h_values, n_units * sizeof *s.h);
  memcpy (s.c, l->c, n_units * sizeof *s.c);
  return s;
}

static float *
get_output (const Stream *s, size_t t)
{
  return s->y + (s->reverse ? s->layer->rows - 1 - t : t) * s->n_units;
}

static void
swap_h (Stream *s)
{
  float *h = s->h;

  s->h = s->h_next;
  s->h_next = h;
}

/* Returns h as words, which are in @words unless h is its own words. */
static LstmRows
make_h_words (const Stream *s, float *words, float *scale)
{
  const LstmProduct *product = s->layer->product;
  const size_t n = count_words (product, s->n_units);

  if (!product->to_words)
    return (LstmRows){s->h, s->layer->units, n, NULL};
  product->to_words (s->h, 0, 1, s->n_units, words, 0, scale);
  return (LstmRows){words, count_x_lanes (product, n), n, scale};
}

/* Runs each step in a call of its own. */
static void
run_single_steps (Stream *s)
{
  const Layer *l = s->layer;
  float *words = NEW (float, count_x_lanes (l->product, count_words (l->product, s->n_units)));
  float scale;

  for (size_t t = 0; t < l->rows; t++) {
    const LstmStep job = {.n_rows = 1,
        .n_panels = l->panels - 1,
        .w = l->w,
        .w_stride = l->w_stride,
        .u_offset = l->u_offset,
        .x = s->z ? (LstmRows){0} : skip_rows (l->x, t),
        .z = s->z ? s->z + t * l->n : NULL,
        .h = make_h_words (s, words, &scale),
        .h_values = s->h,
        .h_next = s->h_next,
        .c = s->c,
        .m_stride = l->units};

    (l->n_gates == LSTM_GATES ? l->product->run_lstm_step : l->product->run_gru_step) (&job);
    memcpy (get_output (s, t), s->h_next, s->n_units * sizeof *s->y);
    swap_h (s);
  }
}

/* Runs @n steps from step @t on in one call. */
static void
run_stream_steps (Stream *s, size_t t, size_t n, int has_y)
{
  const Layer *l = s->layer;
  const LstmStreamSteps job = {.n_steps = n,
      .n_panels = l->panels - 1,
      .n_units = s->n_units,
      .w = l->w,
      .w_stride = l->w_stride,
      .u_offset = l->u_offset,
      .x = s->z ? NULL : l->x.words + t * l->x.stride,
      .n_inputs = l->dx,
      .x_stride = (ptrdiff_t) l->x.stride,
      .z = s->z ? s->z + t * l->n : NULL,
      .z_stride = (ptrdiff_t) l->n,
      .h = s->h,
      .h_next = s->h_next,
      .c = s->c,
      .y = has_y ? get_output (s, t) : NULL,
      .y_stride = (s->reverse ? -1 : 1) * (ptrdiff_t) s->n_units,
      .backwards = t % 2};

  (l->n_gates == LSTM_GATES ? l->product->run_lstm_stream : l->product->run_gru_stream) (&job);
  if (n % 2)
    swap_h (s);
}

/* Checks that steps in one call have the same bits as single steps, for each division into two
 * calls, from x (of float32 only) and from z, and with y in both orders and NULL. */
static void
check_stream (const LstmKernels *kernels, size_t n_gates, int precision, size_t dx,
    size_t panels, size_t n_units)
{
  enum { STEPS = 5 };
  const Layer l = new_layer (kernels, n_gates, precision, STEPS, dx, panels + 1);
  float *z = NEW (float, STEPS *l.n);

  run_affine (&l, 0, STEPS, z);
  for (int mode = precision == LSTM_FLOAT32 ? 0 : 2; mode < 4; mode++) {
    Stream expected = new_stream (&l, n_units, mode / 2 ? z : NULL, mode % 2);

    run_single_steps (&expected);
    for (size_t cut = 0; cut < STEPS; cut++) {
      Stream s = new_stream (&l, n_units, expected.z, expected.reverse);
      const int has_y = cut != 1;

      if (cut > 0)
        run_stream_steps (&s, 0, cut, has_y);
      run_stream_steps (&s, cut, STEPS - cut, has_y);
      check (has_same_bits (s.h, expected.h, n_units)
                 && (n_gates == LSTM_GRU_GATES || has_same_bits (s.c, expected.c, n_units)),
          "%zu gates, precision %d, %zu inputs, %zu units: h or c after steps %zu and %zu differ", n_gates,
          precision, dx, n_units, cut, STEPS - cut);
      check (!has_y || has_same_bits (s.y, expected.y, STEPS * n_units + l.units),
          "%zu gates, precision %d, %zu inputs, %zu units: the outputs of steps %zu and %zu differ", n_gates,
          precision, dx, n_units, cut, STEPS - cut);
    }
  }
  free_all ();
}

/* The numbers of units need one panel and several groups of panels, full and partial. */
static void
test_streams (const LstmKernels *kernels)
{
  static const size_t inputs[] = {1, 2, 5};
  const size_t width = kernels->panel / 4;

  for (int precision = 0; precision < LSTM_N_PRECISIONS; precision++)
    for (size_t n_gates = LSTM_GRU_GATES; n_gates <= LSTM_GATES; n_gates++)
      for (size_t n_units = 1; n_units <= LSTM_MAX_STREAM_UNITS; n_units++)
        check_stream (kernels, n_gates, precision, inputs[n_units % N_ELEMENTS (inputs)],
            (n_units + width - 1) / width, n_units);
}

/* Checks that many rows have the same bits side by side as one by one, with weights that exceed the
 * L2 cache, from the first panel to the last and back. */
static void
check_many_rows (const LstmKernels *kernels, size_t n_gates)
{
  enum { ROWS = 35, K = 1201, PANELS = 7 };
  const LstmProduct *product = &kernels->products[LSTM_FLOAT32];
  const size_t panel = n_gates * kernels->panel / 4, w_stride = kernels->panel + K * panel;
  const size_t n = PANELS * panel;
  float *x = new_filled (ROWS * K, 1), *w = new_filled (PANELS * w_stride, 2);
  float *y = NEW (float, ROWS *n), *one = NEW (float, n);
  LstmAffine job = {.n_panels = PANELS,
      .w = w,
      .w_stride = w_stride,
      .w_offset = kernels->panel,
      .y_stride = n};

  for (int backwards = 0; backwards < 2; backwards++) {
    job.n_rows = ROWS;
    job.x = (LstmRows){x, K, K, NULL};
    job.y = y;
    job.backwards = backwards;
    (n_gates == LSTM_GATES ? product->run_affine : product->run_gru_affine) (&job);
    for (size_t r = 0; r < ROWS; r++) {
      job.n_rows = 1;
      job.x.words = x + r * K;
      job.y = one;
      (n_gates == LSTM_GATES ? product->run_affine : product->run_gru_affine) (&job);
      check (has_same_bits (one, y + r * n, n), "%zu gates: row %zu of many differs", n_gates, r);
    }
    memset (y, 0, ROWS * n * sizeof *y);
  }
  free_all ();
}

static void
test_many_rows (const LstmKernels *kernels)
{
  check_many_rows (kernels, LSTM_GRU_GATES);
  check_many_rows (kernels, LSTM_GATES);
}

/* A NaN or an infinity in the x of a row changes that row, and no other row. int8 has no
 * infinity: the result is NaN. */
static void
check_isolation (const LstmKernels *kernels, size_t n_gates, int precision)
{
  enum { ROWS = 5, D = 3 };
  static const float x[ROWS][D] = {
      {0.5f, 1, 0}, {NAN, 0, 0}, {0.5f, 1, 0}, {INFINITY, 0, 0}, {0.5f, 1, 0}};
  Layer l = new_layer (kernels, n_gates, precision, ROWS, D, 1);
  const size_t n = count_words (l.product, D), lanes = count_x_lanes (l.product, n);
  float *words = NEW (float, ROWS *lanes), *scales = NEW (float, ROWS);
  float *h = NEW (float, ROWS *l.units), *c = NEW (float, ROWS *l.units);

  l.x = (LstmRows){x[0], D, D, NULL};
  if (l.product->to_words) {
    l.product->to_words (x[0], D, ROWS, D, words, lanes, scales);
    l.x = (LstmRows){words, lanes, n, scales};
  }
  for (size_t r = 1; r < ROWS; r++) { /* the rows differ in x only */
    memcpy (l.c + r * l.units, l.c, l.units * sizeof *c);
    memcpy (l.h_values + r * l.units, l.h_values, l.units * sizeof *c);
    memcpy ((float *) l.h.words + r * l.h.stride, l.h.words, l.h.stride * sizeof *c);
    if (l.h.scales)
      ((float *) l.h.scales)[r] = l.h.scales[0];
  }
  run_step (&l, 0, ROWS, NULL, 0, h, c);
  for (size_t u = 0; u < l.units; u++) {
    check (isfinite (h[u]), "precision %d: %zu is %a", precision, u, h[u]);
    check (isnan (h[l.units + u]), "precision %d: a NaN becomes %a", precision, h[l.units + u]);
    check (!isnan (h[3 * l.units + u]) == (precision != LSTM_INT8), /* gates saturate */
        "precision %d: an infinity becomes %a", precision, h[3 * l.units + u]);
  }
  check (has_same_bits (h, h + 2 * l.units, l.units)
             && has_same_bits (h, h + 4 * l.units, l.units),
      "precision %d: rows differ", precision);
  free_all ();
}

static void
test_isolation (const LstmKernels *kernels)
{
  for (int precision = 0; precision < LSTM_N_PRECISIONS; precision++)
    for (size_t n_gates = LSTM_GRU_GATES; n_gates <= LSTM_GATES; n_gates++)
      check_isolation (kernels, n_gates, precision);
}

/* With zero inputs, each step halves c of an LSTM, or h of a GRU, until it is 0. Neither c nor h is
 * ever denormal. */
static void
check_silence (const LstmKernels *kernels, size_t n_gates, int precision)
{
  enum { ROWS = 2, STEPS = 160 };
  Layer l = new_layer (kernels, n_gates, precision, ROWS, 3, 1);
  const size_t n = ROWS * l.units;
  float *h = NEW (float, n), *c = NEW (float, n), *z = NEW (float, l.n);
  const float *halved = n_gates == LSTM_GATES ? c : h;

  memset (l.w, 0, l.panels * l.w_stride * sizeof *l.w);
  for (int step = 0; step < STEPS; step++) {
    run_step (&l, 0, ROWS, z, 0, h, c);
    memcpy (l.c, c, n * sizeof *c);
    memcpy (l.h_values, h, n * sizeof *h);
    for (size_t i = 0; i < n; i++)
      check (fpclassify (c[i]) != FP_SUBNORMAL && fpclassify (h[i]) != FP_SUBNORMAL,
          "precision %d, step %d: c is %a, h is %a", precision, step, c[i], h[i]);
  }
  for (size_t i = 0; i < n; i++)
    check (halved[i] == 0, "precision %d, %zu gates: the end is %a", precision, n_gates,
        halved[i]);
  free_all ();
}

static void
test_silence (const LstmKernels *kernels)
{
  for (int precision = 0; precision < LSTM_N_PRECISIONS; precision++)
    for (size_t n_gates = LSTM_GRU_GATES; n_gates <= LSTM_GATES; n_gates++)
      check_silence (kernels, n_gates, precision);
}

/* float-mode.h restores the rounding mode and the exception flags. */
static void
test_mode (const LstmKernels *kernels)
{
  static const int roundings[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
  volatile float one = 1, three = 3;

  for (size_t i = 0; i < N_ELEMENTS (roundings); i++) {
    LstmFloatMode caller;
    float third;

    fesetround (roundings[i]);
    feclearexcept (FE_ALL_EXCEPT);
    feraiseexcept (FE_DIVBYZERO);
    caller = lstm_float_mode_enter (LSTM_FLOAT_FLUSH);
    third = one / three;
    check (third == 0x1.555556p-2f, "1 / 3 is %a in mode %zu", third, i);
    lstm_float_mode_leave (caller);
    check (fegetround () == roundings[i], "mode %zu is not restored", i);
    check (fetestexcept (FE_ALL_EXCEPT) == FE_DIVBYZERO,
        "the exception flags of mode %zu are not restored", i);
  }
  fesetround (FE_TONEAREST);
}

int
main (void)
{
  static const struct {
    const char *name;
    void (*run) (const LstmKernels *kernels);
  } tests[] = {
      {"activations", test_activations},
      {"softmax", test_softmax},
      {"words", test_words},
      {"products", test_products},
      {"many-rows", test_many_rows},
      {"streams", test_streams},
      {"isolation", test_isolation},
      {"silence", test_silence},
      {"mode", test_mode},
  };
  const LstmKernels *kernels;
  unsigned n = 0, n_failed = 0;

  for (unsigned i = 0; (kernels = lstm_kernels_at (i)); i++)
    for (size_t t = 0; t < N_ELEMENTS (tests); t++) {
      LstmFloatMode caller;

      failures = 0;
      caller = lstm_float_mode_enter (LSTM_FLOAT_FLUSH);
      tests[t].run (kernels);
      lstm_float_mode_leave (caller);
      free_all ();
      n_failed += failures > 0;
      printf ("%sok %u /kernels/%s/%s\n", failures ? "not " : "", ++n, tests[t].name,
          kernels->name);
    }
  printf ("1..%u\n", n);
  return n == 0 || n_failed > 0;
}
