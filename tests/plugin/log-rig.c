/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-rig.h"

static const gchar *const categories[] = {
    "lstm", "lstmfeatures", "lstmlabel", "npysink", "npysrc"};

typedef struct {
  const gchar *category;
  GstDebugLevel level;
  gchar *text;
} Line;

static GMutex lock; /* guards `lines` */
static GPtrArray *lines;

static void
free_line (gpointer data)
{
  Line *line = data;

  g_free (line->text);
  g_free (line);
}

static gboolean
is_of_plugin (const gchar *category)
{
  for (guint i = 0; i < G_N_ELEMENTS (categories); i++)
    if (g_str_equal (category, categories[i]))
      return TRUE;
  return FALSE;
}

static void
record_message (GstDebugCategory *category, GstDebugLevel level, const gchar *file,
    const gchar *function, gint number, GObject *object, GstDebugMessage *message,
    gpointer data)
{
  Line *line;

  if (!lines || !is_of_plugin (gst_debug_category_get_name (category)))
    return;
  line = g_new (Line, 1);
  *line = (Line){gst_debug_category_get_name (category), level,
      g_strdup (gst_debug_message_get (message))};
  g_mutex_lock (&lock);
  g_ptr_array_add (lines, line);
  g_mutex_unlock (&lock);
}

static void
set_thresholds (GstDebugLevel level)
{
  for (guint i = 0; i < G_N_ELEMENTS (categories); i++)
    gst_debug_set_threshold_for_name (categories[i], level);
}

void
log_init (int *argc, char ***argv)
{
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (record_message, NULL, NULL);
  test_init (argc, argv);
}

void
log_begin (void)
{
  lines = g_ptr_array_new_with_free_func (free_line);
  set_thresholds (GST_LEVEL_LOG);
}

void
log_end (guint n_warnings)
{
  guint n = 0;

  set_thresholds (GST_LEVEL_NONE);
  for (guint i = 0; i < lines->len; i++) {
    const Line *line = lines->pdata[i];

    if (line->level <= GST_LEVEL_WARNING && ++n > n_warnings)
      g_error ("%s logs at level %d: %s", line->category, line->level, line->text);
  }
  g_assert_cmpuint (n, ==, n_warnings);
  g_clear_pointer (&lines, g_ptr_array_unref);
}

/* Returns the number of messages of @category with @pattern at @level, or at any level if @level is
 * GST_LEVEL_COUNT. */
static guint
count_lines (const gchar *category, GstDebugLevel level, const gchar *pattern)
{
  guint n = 0;

  g_mutex_lock (&lock);
  for (guint i = 0; i < lines->len; i++) {
    const Line *line = lines->pdata[i];

    n += g_str_equal (line->category, category)
         && (level == GST_LEVEL_COUNT || line->level == level)
         && g_pattern_match_simple (pattern, line->text);
  }
  g_mutex_unlock (&lock);
  return n;
}

guint
log_count (const LogFact *fact)
{
  return count_lines (fact->category, fact->level, fact->pattern);
}

static void
print_lines (void)
{
  for (guint i = 0; i < lines->len; i++) {
    const Line *line = lines->pdata[i];

    g_printerr ("%s %d %s\n", line->category, line->level, line->text);
  }
}

void
log_assert (const LogFact *fact)
{
  const guint n = log_count (fact);
  const guint n_all = count_lines (fact->category, GST_LEVEL_COUNT, fact->pattern);

  if (n == 1 && n_all == 1)
    return;
  print_lines ();
  g_error ("%s: expected '%s' once at level %d, found it %u times, and %u times at any level",
      fact->category, fact->pattern, fact->level, n, n_all);
}
