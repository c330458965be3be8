/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Draws the results: a diagram for each case, with the ns over the number of weights on logarithmic
 * axes, a color for each engine and a dash for each precision. */
#include "bench.h"
#include <cairo.h>
#include <math.h>

enum { DIAGRAM = 480, HEIGHT = 620, LEFT = 62, GAP = 26, TOP = 92, BOTTOM = 96 };
#define FONT 12.0
#define LABEL_PITCH 13.0 /* least distance between size labels, which are vertical */

static const char *const diagrams[] = {"stream", "sequence", "batch"};

static const struct {
  const char *engine;
  double red, green, blue;
} colors[] = {
    {"lstm", 0.80, 0.08, 0.10},
    {"read", 0.55, 0.55, 0.55},
    {"onednn", 0.10, 0.35, 0.75},
    {"onnxruntime", 0.05, 0.55, 0.35},
    {"openblas", 0.85, 0.55, 0.00},
    {"rtneural", 0.50, 0.20, 0.60},
};

static const struct {
  const char *precision;
  double dashes[2];
  int n;
} styles[] = {{"float32", {0}, 0}, {"bfloat16", {7, 4}, 2}, {"int8", {2, 3}, 2}};

typedef struct {
  cairo_t *cr;
  const Result *results;
  gsize n;
  double min_x, max_x, min_y, max_y; /* logarithms to base 10 */
  double left;                       /* of the current diagram */
} Plot;

static double
count_weights (const Result *r)
{
  return log10 (4.0 * (double) r->m * (double) (r->d + r->m));
}

static double
place_x (const Plot *plot, double x)
{
  return plot->left + 14 + (x - plot->min_x) / (plot->max_x - plot->min_x) * (DIAGRAM - 28);
}

static double
place_y (const Plot *plot, double y)
{
  return TOP + HEIGHT - (y - plot->min_y) / (plot->max_y - plot->min_y) * HEIGHT;
}

static gboolean
has_result (const Plot *plot, const char *kind, const char *engine, const char *precision)
{
  for (gsize i = 0; i < plot->n; i++) {
    const Result *r = &plot->results[i];

    if ((!kind || g_str_equal (r->kind, kind)) && (!engine || g_str_equal (r->engine, engine))
        && (!precision || g_str_equal (r->precision, precision)))
      return TRUE;
  }
  return FALSE;
}

/* Finds the ranges of the axes. Returns FALSE if there is no result. */
static gboolean
find_range (Plot *plot)
{
  gboolean has_any = FALSE;

  plot->min_x = plot->min_y = HUGE_VAL;
  plot->max_x = plot->max_y = -HUGE_VAL;
  for (gsize p = 0; p < G_N_ELEMENTS (diagrams); p++)
    for (gsize i = 0; i < plot->n; i++) {
      const Result *r = &plot->results[i];

      if (!g_str_equal (r->kind, diagrams[p]))
        continue;
      has_any = TRUE;
      plot->min_x = MIN (plot->min_x, count_weights (r));
      plot->max_x = MAX (plot->max_x, count_weights (r));
      plot->min_y = MIN (plot->min_y, log10 (r->median));
      plot->max_y = MAX (plot->max_y, log10 (r->median));
    }
  if (plot->min_x == plot->max_x)
    plot->max_x += 1;
  plot->min_y -= 0.1;
  plot->max_y += 0.1;
  return has_any;
}

/* Draws horizontal text. The fraction @align of its width, 0, 0.5 or 1, is left of @x. */
static void
write_text (cairo_t *cr, const char *text, double x, double y, double align)
{
  cairo_text_extents_t extents;

  cairo_text_extents (cr, text, &extents);
  cairo_move_to (cr, x - align * extents.x_advance, y);
  cairo_show_text (cr, text);
  cairo_new_path (cr); /* cairo_show_text() sets a current point */
}

/* Draws grid lines at 1, 2 and 5 times the powers of 10. The lines at powers of 10 are stronger. */
static void
draw_times (Plot *plot, gboolean labels)
{
  static const char *const units[] = {"ns", "µs", "ms", "s"};
  static const int factors[] = {1, 2, 5};
  cairo_t *cr = plot->cr;

  for (int i = 0; i < 36; i++) {
    int decade = i / 3, factor = factors[i % 3];
    double y = decade + log10 (factor), shade = factor == 1 ? 0.75 : 0.9;
    g_autofree char *text = g_strdup_printf (
        "%g %s", factor * pow (10, decade % 3), units[decade / 3]);

    if (y < plot->min_y || y > plot->max_y)
      continue;
    cairo_set_source_rgb (cr, shade, shade, shade);
    cairo_move_to (cr, plot->left, place_y (plot, y));
    cairo_rel_line_to (cr, DIAGRAM, 0);
    cairo_stroke (cr);
    cairo_set_source_rgb (cr, 0.2, 0.2, 0.2);
    if (labels)
      write_text (cr, text, plot->left - 6, place_y (plot, y) + 4, 1);
  }
}

static void
draw_frame (Plot *plot, const char *title, gboolean labels)
{
  cairo_t *cr = plot->cr;

  draw_times (plot, labels);
  cairo_set_source_rgb (cr, 0.2, 0.2, 0.2);
  cairo_rectangle (cr, plot->left, TOP, DIAGRAM, HEIGHT);
  cairo_stroke (cr);
  cairo_set_font_size (cr, FONT + 2);
  write_text (cr, title, plot->left + DIAGRAM / 2.0, TOP - 10, 0.5);
  cairo_set_font_size (cr, FONT);
}

static int
compare_sizes (gconstpointer a, gconstpointer b)
{
  const Result *x = *(const Result *const *) a, *y = *(const Result *const *) b;

  return (count_weights (x) > count_weights (y)) - (count_weights (x) < count_weights (y));
}

/* Returns the results of a line, sorted by size. Without @engine, returns the results of all lines
 * of the diagram. */
static GPtrArray *
pick_results (const Plot *plot, const char *kind, const char *engine, const char *precision)
{
  GPtrArray *picked = g_ptr_array_new ();

  for (gsize i = 0; i < plot->n; i++) {
    const Result *r = &plot->results[i];

    if (g_str_equal (r->kind, kind) && (!engine || g_str_equal (r->engine, engine))
        && (!precision || g_str_equal (r->precision, precision)))
      g_ptr_array_add (picked, (gpointer) r);
  }
  g_ptr_array_sort (picked, compare_sizes);
  return picked;
}

/* Draws vertical size labels under the axis. Moves a label aside if it would touch the previous
 * label, with a line to its place. */
static void
draw_sizes (Plot *plot, const char *kind)
{
  g_autoptr (GPtrArray) all = pick_results (plot, kind, NULL, NULL);
  cairo_t *cr = plot->cr;
  double end = -HUGE_VAL, last = -HUGE_VAL;

  cairo_set_source_rgb (cr, 0.2, 0.2, 0.2);
  for (guint i = 0; i < all->len; i++) {
    const Result *r = all->pdata[i];
    g_autofree char *text = g_strdup_printf ("%zu×%zu", r->d, r->m);
    double x = place_x (plot, count_weights (r)), at = MAX (x, end + LABEL_PITCH);

    if (count_weights (r) == last)
      continue;
    last = count_weights (r);
    end = at;
    cairo_move_to (cr, x, TOP + HEIGHT);
    cairo_line_to (cr, x, TOP + HEIGHT + 4);
    cairo_line_to (cr, at, TOP + HEIGHT + 12);
    cairo_stroke (cr);
    cairo_save (cr);
    cairo_translate (cr, at + 4, TOP + HEIGHT + 16);
    cairo_rotate (cr, -G_PI / 2);
    write_text (cr, text, 0, 0, 1);
    cairo_restore (cr);
  }
}

static void
choose_line (cairo_t *cr, gsize color, gsize style)
{
  cairo_set_source_rgb (cr, colors[color].red, colors[color].green, colors[color].blue);
  cairo_set_dash (cr, styles[style].dashes, styles[style].n, 0);
  cairo_set_line_width (cr, 2);
}

static void
draw_line (Plot *plot, const char *kind, gsize color, gsize style)
{
  g_autoptr (GPtrArray)
      points = pick_results (plot, kind, colors[color].engine, styles[style].precision);
  cairo_t *cr = plot->cr;

  choose_line (cr, color, style);
  for (guint i = 0; i < points->len; i++) {
    const Result *r = points->pdata[i];

    cairo_line_to (cr, place_x (plot, count_weights (r)), place_y (plot, log10 (r->median)));
  }
  cairo_stroke (cr);
  cairo_set_dash (cr, NULL, 0, 0);
  for (guint i = 0; i < points->len; i++) {
    const Result *r = points->pdata[i];

    cairo_arc (cr, place_x (plot, count_weights (r)), place_y (plot, log10 (r->median)), 3, 0,
        2 * G_PI);
    cairo_fill (cr);
  }
}

/* Draws a legend entry for a color or a dash. Returns the position of the next entry. */
static double
draw_key (cairo_t *cr, double x, const char *text, gsize color, gsize style)
{
  choose_line (cr, color, style);
  cairo_move_to (cr, x, 45);
  cairo_rel_line_to (cr, 34, 0);
  cairo_stroke (cr);
  cairo_set_dash (cr, NULL, 0, 0);
  cairo_set_source_rgb (cr, 0.2, 0.2, 0.2);
  cairo_move_to (cr, x + 40, 49);
  cairo_show_text (cr, text);
  cairo_get_current_point (cr, &x, NULL);
  cairo_new_path (cr);
  return x + 24;
}

static void
draw_legend (Plot *plot)
{
  double x = LEFT;

  for (gsize i = 0; i < G_N_ELEMENTS (colors); i++)
    if (has_result (plot, NULL, colors[i].engine, NULL))
      x = draw_key (plot->cr, x, colors[i].engine, i, 0);
  x += 40;
  for (gsize i = 0; i < G_N_ELEMENTS (styles); i++)
    if (has_result (plot, NULL, NULL, styles[i].precision))
      x = draw_key (plot->cr, x, styles[i].precision, 1, i);
  write_text (plot->cr,
      "Median time of a step and stream against the weights of the layer, 4 m (d + m)", LEFT,
      24, 0);
}

static void
draw_diagram (Plot *plot, const char *kind, gboolean first)
{
  cairo_set_line_width (plot->cr, 1);
  draw_frame (plot, kind, first);
  draw_sizes (plot, kind);
  for (gsize c = G_N_ELEMENTS (colors); c-- > 0;) /* the library is drawn last, on top */
    for (gsize s = 0; s < G_N_ELEMENTS (styles); s++)
      draw_line (plot, kind, c, s);
}

gboolean
plot_write (const Result *results, gsize n, const char *path, GError **error)
{
  Plot plot = {.results = results, .n = n, .left = LEFT};
  cairo_surface_t *surface;
  cairo_status_t status;
  int n_diagrams = 0;

  if (!find_range (&plot)) {
    g_set_error (error, BENCH_ERROR, 0,
        "results: expected a line of stream, sequence or batch, found none");
    return FALSE;
  }
  for (gsize p = 0; p < G_N_ELEMENTS (diagrams); p++)
    n_diagrams += has_result (&plot, diagrams[p], NULL, NULL);
  surface = cairo_image_surface_create (
      CAIRO_FORMAT_RGB24, LEFT + n_diagrams * (DIAGRAM + GAP), TOP + HEIGHT + BOTTOM);
  plot.cr = cairo_create (surface);
  cairo_set_source_rgb (plot.cr, 1, 1, 1);
  cairo_paint (plot.cr);
  cairo_select_font_face (
      plot.cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size (plot.cr, FONT);
  draw_legend (&plot);
  for (gsize p = 0; p < G_N_ELEMENTS (diagrams); p++)
    if (has_result (&plot, diagrams[p], NULL, NULL)) {
      draw_diagram (&plot, diagrams[p], plot.left == LEFT);
      plot.left += DIAGRAM + GAP;
    }
  cairo_destroy (plot.cr);
  status = cairo_surface_write_to_png (surface, path);
  cairo_surface_destroy (surface);
  if (status)
    g_set_error (error, BENCH_ERROR, 0, "%s: %s", path, cairo_status_to_string (status));
  return !status;
}
