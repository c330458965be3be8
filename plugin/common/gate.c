/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/gate.h"

typedef enum {
  CLOSED, /* The activation has not ended: data waits. */
  STARTED, /* The activation has succeeded, but no sticky event has passed: buffers are dropped. */
  OPEN,    /* Data passes until the pad is deactivated. */
  REFUSING, /* The activation has failed, but the pad does not flush yet: data is refused. */
} State;

#define FLOW_DROPPED GST_FLOW_CUSTOM_SUCCESS

typedef struct {
  GMutex lock;
  GCond state_changed;   /* or interrupted */
  gint state;            /* State; may be read without the lock */
  guint n_interruptions; /* flushes and deactivations; each one ends every wait */

  /* Functions of the base class */
  GstPadChainFunction chain;
  GstPadChainListFunction chain_list;
  GstPadEventFunction event;
  GstPadQueryFunction query;
  GstPadActivateModeFunction activate_mode;
} Gate;

static Gate *
get_gate (GstPad *pad)
{
  return gst_pad_get_element_private (pad);
}

static void
free_gate (gpointer data)
{
  Gate *gate = data;

  g_mutex_clear (&gate->lock);
  g_cond_clear (&gate->state_changed);
  g_free (gate);
}

static gboolean
is_flushing (GstPad *pad)
{
  gboolean flushing;

  GST_OBJECT_LOCK (pad);
  flushing = GST_PAD_IS_FLUSHING (pad);
  GST_OBJECT_UNLOCK (pad);
  return flushing;
}

/* Waits for the end of the activation. Returns whether the activation succeeds without an
 * interruption. The caller has locked the stream lock, which deactivation locks too, so the wait
 * must end when the pad begins to flush. The pad may begin to flush before this function is called,
 * and may stop flushing before the thread wakes up. */
static gboolean
wait_for_activation (Gate *gate, GstPad *pad)
{
  gboolean started;
  guint n_interruptions;

  g_mutex_lock (&gate->lock);
  n_interruptions = gate->n_interruptions;
  while (
      gate->state == CLOSED && gate->n_interruptions == n_interruptions && !is_flushing (pad))
    g_cond_wait (&gate->state_changed, &gate->lock);
  started = (gate->state == STARTED || gate->state == OPEN)
            && gate->n_interruptions == n_interruptions;
  g_mutex_unlock (&gate->lock);
  return started;
}

static gboolean
is_open (Gate *gate)
{
  return G_LIKELY (g_atomic_int_get (&gate->state) == OPEN);
}

static void
set_state (Gate *gate, State state)
{
  g_mutex_lock (&gate->lock);
  g_atomic_int_set (&gate->state, state);
  g_cond_broadcast (&gate->state_changed);
  g_mutex_unlock (&gate->lock);
}

/* Opens the gate unless the pad is being deactivated: deactivation closes the gate before it
 * waits for the stream lock. */
static void
open_gate (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  if (gate->state == STARTED)
    g_atomic_int_set (&gate->state, OPEN);
  g_mutex_unlock (&gate->lock);
}

static void
interrupt_waits (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  gate->n_interruptions++;
  g_cond_broadcast (&gate->state_changed);
  g_mutex_unlock (&gate->lock);
}

/* Returns OK if data passes, or else FLOW_DROPPED or FLUSHING. GStreamer sends events before data,
 * with one exception: the pad is deactivated and activated again while upstream pushes a buffer.
 * The gate drops that buffer, because the buffer belongs to the previous activation. */
static GstFlowReturn
check_data (Gate *gate, GstPad *pad)
{
  if (is_open (gate))
    return GST_FLOW_OK;
  if (!wait_for_activation (gate, pad))
    return GST_FLOW_FLUSHING;
  return is_open (gate) ? GST_FLOW_OK : FLOW_DROPPED;
}

static GstFlowReturn
pass_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Gate *gate = get_gate (pad);
  const GstFlowReturn ret = check_data (gate, pad);

  if (ret == GST_FLOW_OK)
    return gate->chain (pad, parent, buffer);
  gst_buffer_unref (buffer);
  return ret == FLOW_DROPPED ? GST_FLOW_OK : ret;
}

static GstFlowReturn
pass_buffer_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  Gate *gate = get_gate (pad);
  const GstFlowReturn ret = check_data (gate, pad);

  if (ret == GST_FLOW_OK)
    return gate->chain_list (pad, parent, list);
  gst_buffer_list_unref (list);
  return ret == FLOW_DROPPED ? GST_FLOW_OK : ret;
}

/* Returns FLUSHING for a refused event, since GStreamer then sends a sticky event again. */
static GstFlowReturn
pass_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  const GstEventType type = GST_EVENT_TYPE (event);
  Gate *gate = get_gate (pad);

  if (type == GST_EVENT_FLUSH_START)
    interrupt_waits (gate);
  if (GST_EVENT_IS_SERIALIZED (event) && !is_open (gate)) {
    if (!wait_for_activation (gate, pad)) {
      gst_event_unref (event);
      return GST_FLOW_FLUSHING;
    }
    if (GST_EVENT_IS_STICKY (event))
      open_gate (gate);
  }
  if (gate->event (pad, parent, event))
    return GST_FLOW_OK;
  return type == GST_EVENT_CAPS ? GST_FLOW_NOT_NEGOTIATED : GST_FLOW_ERROR; /* as in GstPad */
}

static gboolean
pass_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  Gate *gate = get_gate (pad);

  return (!GST_QUERY_IS_SERIALIZED (query) || is_open (gate) || wait_for_activation (gate, pad))
         && gate->query (pad, parent, query);
}

static gboolean
activate_gate (GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  Gate *gate = get_gate (pad);
  gboolean ok;

  set_state (gate, CLOSED);
  if (!active)
    interrupt_waits (gate);
  ok = gate->activate_mode (pad, parent, mode, active);
  if (active)
    set_state (gate, ok ? STARTED : REFUSING);
  return ok;
}

void
gst_lstm_gate_install (GstPad *sink)
{
  Gate *gate = g_new0 (Gate, 1);

  g_mutex_init (&gate->lock);
  g_cond_init (&gate->state_changed);
  gate->chain = GST_PAD_CHAINFUNC (sink);
  gate->chain_list = GST_PAD_CHAINLISTFUNC (sink);
  gate->event = GST_PAD_EVENTFUNC (sink);
  gate->query = GST_PAD_QUERYFUNC (sink);
  gate->activate_mode = GST_PAD_ACTIVATEMODEFUNC (sink);
  gst_pad_set_element_private (sink, gate);
  gst_pad_set_chain_function_full (sink, pass_buffer, gate, free_gate);
  gst_pad_set_chain_list_function (sink, pass_buffer_list);
  gst_pad_set_event_full_function (sink, pass_event);
  gst_pad_set_query_function (sink, pass_query);
  gst_pad_set_activatemode_function (sink, activate_gate);
}
