/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` with GstAnalyticsTensorMtd: tensors in the relation meta of a frame, of the frame itself
 * and of objects. */
#include "media-rig.h"

typedef enum {
  META,       /* in a GstTensorMeta */
  FRAME,      /* in the relation meta, without an object */
  OBJECT,     /* related from an object */
  TO_OBJECT,  /* related to an object */
  CLASSIFIED, /* related to a classification */
} Place;

/* Adds a tensor of the one step @x at @place. */
static void
add_step (GstBuffer *buffer, Place place, const gchar *id, const gfloat x[D])
{
  gsize dims[] = {1, D};
  GstAnalyticsRelationMeta *relations;
  GstAnalyticsMtd tensor, other;

  if (place == META) {
    add_tensor (
        buffer, tensor_new (id, GST_TENSOR_DATA_TYPE_FLOAT32, x, D * sizeof *x, 2, dims));
    return;
  }
  relations = gst_buffer_add_analytics_relation_meta (buffer);
  if (place == CLASSIFIED)
    g_assert_true (gst_analytics_relation_meta_add_one_cls_mtd (relations, 1, 1, &other));
  else /* an object that the frame's own tensor has no relation to */
    g_assert_true (
        gst_analytics_relation_meta_add_od_mtd (relations, 0, 1, 2, 3, 4, 1, &other));
  g_assert_true (
      gst_analytics_relation_meta_add_tensor_mtd_simple (relations, g_quark_from_string (id),
          GST_TENSOR_DATA_TYPE_FLOAT32, gst_buffer_new_memdup (x, D * sizeof *x),
          GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims, &tensor));
  if (place == OBJECT)
    g_assert_true (gst_analytics_relation_meta_set_relation (
        relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, other.id, tensor.id));
  else if (place != FRAME)
    g_assert_true (gst_analytics_relation_meta_set_relation (
        relations, GST_ANALYTICS_REL_TYPE_IS_PART_OF, tensor.id, other.id));
}

#define NO_STEP (-1)

/* Each row is a frame with up to three tensors, of the steps 0, 1 and 2, and the step that runs. */
static const struct {
  const gchar *properties;
  struct {
    Place place;
    const gchar *id;
  } tensors[3];
  gint step;            /* or NO_STEP: a gap */
  const gchar *message; /* (nullable): the warning, or the error if it begins with "!" */
} rows[] = {
    {"", {{FRAME, "a"}}, 0, NULL},
    {"", {{CLASSIFIED, "a"}}, 0, NULL},
    {"input-tensor-id=a", {{FRAME, "a"}}, 0, NULL},
    {"input-tensor-id=b", {{FRAME, "a"}, {FRAME, "b"}}, 1, NULL},
    {"input-tensor-id=b", {{META, "a"}, {FRAME, "b"}, {META, "c"}}, 1, NULL},
    {"input-tensor-id=a", {{META, "a"}, {FRAME, "b"}}, 0, NULL},
    /* The metas are read in the order in which they were added. */
    {"input-tensor-id=a", {{FRAME, "a"}, {FRAME, "a"}}, 1, NULL},
    {"input-tensor-id=a", {{META, "a"}, {FRAME, "a"}}, 1, NULL},
    {"input-tensor-id=a", {{FRAME, "a"}, {META, "a"}}, 1, NULL},
    {"", {{FRAME, "a"}, {FRAME, "b"}}, NO_STEP,
        "!*to select one, found a ?1, 3] float32, b ?1, 3] float32"},
    {"", {{META, "a"}, {FRAME, "b"}}, NO_STEP,
        "!*to select one, found a ?1, 3] float32, b ?1, 3] float32"},
    /* Tensors of objects are not tensors of the frame. */
    {"", {{OBJECT, "o"}, {FRAME, "a"}, {TO_OBJECT, "o"}}, 1, NULL},
    {"input-tensor-id=a", {{META, "a"}, {OBJECT, "a"}}, 0, NULL},
    {"input-tensor-id=o", {{OBJECT, "o"}, {META, "a"}}, NO_STEP,
        "buffer: expected a tensor o, found such tensors only at objects*property per-object*"},
    {"", {{TO_OBJECT, "o"}, {OBJECT, "p"}}, NO_STEP,
        "buffer: expected a tensor, found such tensors only at objects*property per-object*"},
    {"input-tensor-id=x", {{OBJECT, "o"}}, NO_STEP, "buffer: expected a tensor x, found none*"},
};

static void
test_places (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    const gchar *message = rows[i].message;
    GstBuffer *buffer = frame_new (0);
    Rig rig;

    g_test_message ("row %u", i);
    media_rig_begin (&rig, rows[i].properties);
    for (guint k = 0; k < G_N_ELEMENTS (rows[i].tensors) && rows[i].tensors[k].id; k++)
      add_step (buffer, rows[i].tensors[k].place, rows[i].tensors[k].id, rig.x.items + k * D);
    if (message && *message == '!') {
      g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
      assert_error_posted (rig.bus, message + 1);
    } else {
      gst_buffer_unref (media_rig_push (&rig, buffer));
      if (message)
        assert_warning_posted (rig.bus, message);
    }
    if (rows[i].step >= 0)
      rig_expect_outputs (&rig, (gsize) rows[i].step, 1, 1);
    rig_assert_outputs (&rig);
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_WARNING));
    rig_clear (&rig);
  }
}

/* If the objects' tensors have the vector size, and the frame's tensors do not, the error names
 * both. */
static void
test_no_fit (void)
{
  static const gfloat x[4];
  GstBuffer *buffer = frame_new (0);
  Rig rig;

  media_rig_begin (&rig, "");
  add_step (buffer, OBJECT, "o", rig.x.items);
  add_tensor (buffer,
      tensor_new ("a", GST_TENSOR_DATA_TYPE_FLOAT32, x, sizeof x, 1, (const gsize[]){4}));
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
  assert_error_posted (rig.bus, "buffer: expected one tensor of ?3] or ?T, 3], *name another "
                                "tensor, or property per-object "
                                "to read the tensors of objects, found a ?4] float32");
  rig_clear (&rig);
}

/* A tensor in a relation meta may lack everything. */
static void
test_empty (void)
{
  GstAnalyticsRelationMeta *relations;
  GstBuffer *buffer = frame_new (0);
  GstAnalyticsTensorMtd mtd;
  GstTensor *tensor;
  Rig rig;

  media_rig_begin (&rig, "input-tensor-id=a max-errors=-1");
  relations = gst_buffer_add_analytics_relation_meta (buffer);
  g_assert_true (gst_analytics_relation_meta_add_tensor_mtd (relations, 0, &mtd));
  g_assert_true (gst_analytics_relation_meta_add_tensor_mtd (relations, 2, &mtd));
  tensor = gst_analytics_tensor_mtd_get_tensor (&mtd);
  tensor->id = g_quark_from_string ("a");
  tensor->data_type = GST_TENSOR_DATA_TYPE_STRING;
  tensor->dims[0] = 1;
  tensor->dims[1] = D;
  gst_buffer_ref (buffer);
  gst_buffer_unref (media_rig_push (&rig, buffer));
  assert_warning_posted (rig.bus, "buffer: tensor: expected float16, *, found a ?1, 3] string");
  tensor->data_type = GST_TENSOR_DATA_TYPE_FLOAT32;
  gst_buffer_unref (media_rig_push (&rig, buffer));
  assert_warning_posted (
      rig.bus, "buffer: tensor: expected as many bytes as a ?1, 3] float32 has, found 0");
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-media-tensors/places", test_places},
      {"/lstm-media-tensors/no-fit", test_no_fit},
      {"/lstm-media-tensors/empty", test_empty},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
