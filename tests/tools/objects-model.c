/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sample model of objects, models/objects.safetensors, labels the figures of the demo's film,
 * through liblstm alone. */
#include "demo-stage.h"
#include <lstm/lstm.h>

#define N_FRAMES 900
#define N_FEATURES 8
#define LOST_FRAMES 5 /* after which ioutracker forgets an object */
#define LEAST_ACCURACY 0.9
#define MOST_WITHOUT_MEMORY 0.7

/* A tracked figure */
typedef struct {
  LstmState *state;
  gint last_frame;
  float box[N_FEATURES / 2];
} Track;

static void
track_free (gpointer data)
{
  Track *track = data;

  lstm_state_unref (track->state);
  g_free (track);
}

/* Returns the track of a figure, which begins anew after LOST_FRAMES frames without the figure. */
static Track *
find_track (GHashTable *tracks, LstmModel *model, const DemoDetection *d, gint frame)
{
  Track *track = g_hash_table_lookup (tracks, GUINT_TO_POINTER (d->figure));
  g_autoptr (GError) error = NULL;

  if (track && frame - track->last_frame <= LOST_FRAMES)
    return track;
  track = g_new0 (Track, 1);
  track->state = lstm_state_new (model, 1, &error);
  g_assert_no_error (error);
  track->last_frame = -1; /* no frame yet */
  g_hash_table_replace (tracks, GUINT_TO_POINTER (d->figure), track);
  return track;
}

/* Sets @features to the box in fractions of the picture, and its change since the last frame. */
static void
make_features (Track *track, const DemoDetection *d, float *features)
{
  const float box[] = {(float) d->x / DEMO_STAGE_WIDTH, (float) d->y / DEMO_STAGE_HEIGHT,
      (float) d->width / DEMO_STAGE_WIDTH, (float) d->height / DEMO_STAGE_HEIGHT};

  for (guint i = 0; i < G_N_ELEMENTS (box); i++) {
    features[i] = box[i];
    features[i + 4] = track->last_frame < 0 ? 0 : box[i] - track->box[i];
    track->box[i] = box[i];
  }
}

/* Returns whether the model finds the action of @d. */
static gboolean
label_detection (Track *track, const DemoDetection *d, gint frame, gboolean has_memory)
{
  float features[N_FEATURES], scores[DEMO_N_ACTIONS];
  guint best = 0;

  make_features (track, d, features);
  track->last_frame = frame;
  if (!has_memory)
    lstm_state_reset (track->state);
  lstm_state_run (track->state, 1, features, scores);
  for (guint i = 1; i < DEMO_N_ACTIONS; i++)
    if (scores[i] > scores[best])
      best = i;
  return best == (guint) d->action;
}

/* Returns the share of the boxes of the film that have the right label. */
static gdouble
score_film (LstmModel *model, gboolean has_memory)
{
  GHashTable *tracks = g_hash_table_new_full (NULL, NULL, NULL, track_free);
  DemoStage *stage = demo_stage_new (1);
  guint n_boxes = 0, n_right = 0;

  for (gint frame = 0; frame < N_FRAMES; frame++) {
    guint n;
    const DemoDetection *detections = demo_stage_step (stage, &n);

    for (guint i = 0; i < n; i++)
      n_right += label_detection (
          find_track (tracks, model, &detections[i], frame), &detections[i], frame, has_memory);
    n_boxes += n;
  }
  demo_stage_free (stage);
  g_hash_table_unref (tracks);
  g_test_message ("%u of %u boxes", n_right, n_boxes);
  return (gdouble) n_right / n_boxes;
}

static LstmModel *
load_model (void)
{
  g_autofree gchar *path = g_build_filename (
      g_getenv ("LSTM_TEST_SOURCE"), "models", "objects.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  LstmModel *model = lstm_model_load (path, &error);

  g_assert_no_error (error);
  return model;
}

static void
test_memory (void)
{
  LstmModel *model = load_model ();

  g_assert_cmpfloat (score_film (model, TRUE), >=, LEAST_ACCURACY);
  g_assert_cmpfloat (score_film (model, FALSE), <=, MOST_WITHOUT_MEMORY);
  lstm_model_unref (model);
}

/* The labels of the model are the names of the actions, in the order of the scores. */
static void
test_labels (void)
{
  g_autofree gchar *path = g_build_filename (
      g_getenv ("LSTM_TEST_SOURCE"), "models", "objects.labels", NULL);
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree gchar *labels = NULL;

  for (guint i = 0; i < DEMO_N_ACTIONS; i++)
    g_string_append_printf (names, "%s\n", demo_action_name (i));
  g_assert_true (g_file_get_contents (path, &labels, NULL, NULL));
  g_assert_cmpstr (labels, ==, names->str);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/objects-model/memory", test_memory);
  g_test_add_func ("/objects-model/labels", test_labels);
  return g_test_run ();
}
