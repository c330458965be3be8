/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/media.h"
#include "common/errors.h"
#include "util/text.h"

#define FORMAT GST_LSTM_STREAM (FORMAT)

/* --- Tensors of a buffer --- */

/* @mtd: (nullable): the tensor in a relation meta */
typedef void (*VisitTensor) (
    const GstTensor *tensor, const GstAnalyticsMtd *mtd, gpointer data);

static void
visit_tensor_meta (const GstTensorMeta *meta, VisitTensor visit, gpointer data)
{
  for (gsize i = 0; i < meta->num_tensors; i++)
    visit (meta->tensors[i], NULL, data);
}

/* Returns whether @mtd (nullable) is related to a detected object, in either direction. */
static gboolean
has_object (const GstAnalyticsMtd *mtd)
{
  const GstAnalyticsMtdType type = gst_analytics_od_mtd_get_mtd_type ();
  gpointer state = NULL;
  GstAnalyticsMtd object;

  while (mtd && gst_analytics_relation_meta_iterate (mtd->meta, &state, type, &object))
    if (gst_analytics_relation_meta_get_relation (mtd->meta, object.id, mtd->id)
        || gst_analytics_relation_meta_get_relation (mtd->meta, mtd->id, object.id))
      return TRUE;
  return FALSE;
}

#if GST_CHECK_VERSION(1, 28, 0)
static void
visit_relation_meta (GstAnalyticsRelationMeta *meta, VisitTensor visit, gpointer data)
{
  const GstAnalyticsMtdType type = gst_analytics_tensor_mtd_get_mtd_type ();
  gpointer state = NULL;
  GstAnalyticsMtd mtd;

  while (gst_analytics_relation_meta_iterate (meta, &state, type, &mtd))
    visit (gst_analytics_tensor_mtd_get_tensor (&mtd), &mtd, data);
}
#else
static void
visit_relation_meta (GstAnalyticsRelationMeta *meta, VisitTensor visit, gpointer data)
{
}
#endif

/* Calls @visit for each tensor of @buffer, in the order in which the metas were added. */
static void
visit_tensors (GstBuffer *buffer, VisitTensor visit, gpointer data)
{
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta (buffer, &state)))
    if (meta->info->api == GST_TENSOR_META_API_TYPE)
      visit_tensor_meta ((const GstTensorMeta *) meta, visit, data);
    else if (meta->info->api == GST_ANALYTICS_RELATION_META_API_TYPE)
      visit_relation_meta ((GstAnalyticsRelationMeta *) meta, visit, data);
}

/* --- Input --- */

/* A search for the tensors of a buffer that have a requested id or vector size */
typedef struct {
  GQuark id; /* 0: any tensor of vectors of d values */
  GstLstmAxes axes;
  const GByteArray *object_mtds; /* nullable */
  gsize d;

  const GstTensor *tensor; /* nullable: the last match */
  guint n_matches;
  guint n_object_matches; /* tensors of objects, which are no matches */
} Search;

/* Returns whether the tensor @mtd (nullable) belongs to an object. */
static gboolean
is_object_tensor (const Search *search, const GstAnalyticsMtd *mtd)
{
  const GByteArray *known = search->object_mtds;

  return (mtd && known && mtd->id < known->len && known->data[mtd->id]) || has_object (mtd);
}

static void
compare_tensor (const GstTensor *tensor, const GstAnalyticsMtd *mtd, gpointer data)
{
  Search *search = data;

  if (search->id ? tensor->id != search->id
                 : !gst_lstm_analytics_tensor_has_steps (tensor, search->axes, search->d))
    return;
  if (is_object_tensor (search, mtd)) {
    search->n_object_matches++;
    return;
  }
  search->tensor = tensor;
  search->n_matches++;
}

/* The tensors of a buffer, for an error */
typedef struct {
  const Search *search;
  GString *list;
  gboolean has_two_axes; /* another value of `axes` could read a tensor */
} Listing;

/* Appends a description of @tensor to the list, unless the tensor has an object. */
static void
append_tensor (const GstTensor *tensor, const GstAnalyticsMtd *mtd, gpointer data)
{
  Listing *listing = data;
  const Search *search = listing->search;
  g_autofree gchar *text = NULL;

  if (has_object (mtd))
    return;
  text = gst_lstm_analytics_tensor_describe (tensor);
  lstm_text_append_item (listing->list, text);
  listing->has_two_axes |= search->axes == GST_LSTM_AXES_AUTO
                           && gst_lstm_analytics_tensor_has_steps (
                               tensor, GST_LSTM_AXES_STEPS_STREAMS, search->d);
}

/* Returns TRUE if @buffer has no tensors, except those of objects. Otherwise returns FALSE and sets
 * @error, because none or more than one of the tensors matches @search. */
static gboolean
check_no_tensors (GstBuffer *buffer, const Search *search, GError **error)
{
  g_autoptr (GString) list = g_string_new (NULL);
  Listing listing = {.search = search, .list = list};
  g_autofree gchar *expected = NULL;

  visit_tensors (buffer, append_tensor, &listing);
  if (!list->len)
    return TRUE;
  expected = gst_lstm_axes_describe (search->axes, search->d);
  return gst_lstm_fail (error, FORMAT,
      "buffer: expected one tensor of %s, or property input-tensor-id to %s%s%s, found %s",
      expected, search->n_matches ? "select one" : "name another tensor",
      listing.has_two_axes && search->n_matches == 0
          ? ", or property axes to name steps and streams"
          : "",
      search->n_object_matches ? ", or property per-object to read the tensors of objects" : "",
      list->str);
}

gboolean
gst_lstm_media_open (GstBuffer *buffer, GQuark id, GstLstmAxes axes,
    const GByteArray *object_mtds, gsize *d, GstLstmSteps *steps, GError **error)
{
  Search search = {.id = id, .axes = axes, .object_mtds = object_mtds, .d = *d};

  visit_tensors (buffer, compare_tensor, &search);
  if (search.tensor && (id || search.n_matches == 1))
    return gst_lstm_analytics_tensor_open (search.tensor, axes, d, steps, error);
  steps->only_objects_have_tensor = search.n_object_matches > 0;
  return id || check_no_tensors (buffer, &search, error);
}

/* --- Output --- */

/* A search for the tensors of a buffer that have @id, except those of objects */
typedef struct {
  GQuark id;
  const GstTensor *tensor; /* nullable: the last match */
} IdSearch;

static void
compare_id (const GstTensor *tensor, const GstAnalyticsMtd *mtd, gpointer data)
{
  IdSearch *search = data;

  if (tensor->id == search->id && !has_object (mtd))
    search->tensor = tensor;
}

gboolean
gst_lstm_media_check_no_tensor (GstBuffer *buffer, GQuark id, GError **error)
{
  IdSearch search = {.id = id};
  g_autofree gchar *text = NULL;

  visit_tensors (buffer, compare_id, &search);
  if (!search.tensor)
    return TRUE;
  text = gst_lstm_analytics_tensor_describe (search.tensor);
  return gst_lstm_fail (error, FORMAT,
      "buffer: expected no tensor %s, because property output-tensor-id gives this id to an "
      "output, found %s",
      g_quark_to_string (id), text);
}

/* Does not call gst_buffer_add_tensor_meta(), which would return an existing meta. */
void
gst_lstm_media_add (GstBuffer *buffer, gsize n, GstTensor **tensors)
{
  gst_tensor_meta_set (
      (GstTensorMeta *) gst_buffer_add_meta (buffer, GST_TENSOR_META_INFO, NULL), (guint) n,
      tensors);
}

gboolean
gst_lstm_media_is_analysis (const GstMeta *meta)
{
  const GType api = meta->info->api;

#if GST_CHECK_VERSION(1, 28, 0)
  if (api == GST_ANALYTICS_BATCH_META_API_TYPE)
    return TRUE;
#endif
  return api == GST_TENSOR_META_API_TYPE || api == GST_ANALYTICS_RELATION_META_API_TYPE;
}

GstBuffer *
gst_lstm_media_make_writable (GstBuffer *media)
{
  gpointer state = NULL;
  GstBuffer *copy;
  GstMeta *meta;
  gboolean lacks_tensors;

  if (gst_buffer_is_writable (media))
    return media;
  copy = gst_buffer_copy (media);
  lacks_tensors = !gst_buffer_get_meta (copy, GST_TENSOR_META_API_TYPE);
  while (
      lacks_tensors
      && (meta = gst_buffer_iterate_meta_filtered (media, &state, GST_TENSOR_META_API_TYPE))) {
    const GstTensorMeta *from = (const GstTensorMeta *) meta;
    GstTensor **tensors = g_new (GstTensor *, from->num_tensors);

    for (gsize i = 0; i < from->num_tensors; i++)
      tensors[i] = gst_tensor_copy (from->tensors[i]);
    gst_lstm_media_add (copy, from->num_tensors, tensors);
  }
  gst_buffer_unref (media);
  return copy;
}
