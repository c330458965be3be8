/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate.h"

typedef enum {
  SHUT,     /* no start() has ended: wait */
  OPEN,     /* from start() to stop() */
  REFUSING, /* the last start() failed, and the pad does not flush yet */
} State;

typedef struct {
  GMutex lock;
  GCond changed;
  gint state;     /* read without the lock */
  guint n_leaves; /* flushes and deactivations, at which those who wait give up */

  /* The base class's */
  GstPadChainFunction chain;
  GstPadEventFunction event;
  GstPadQueryFunction query;
  GstPadActivateModeFunction activate_mode;
} Gate;

static Gate *
gate_of (GstPad *pad)
{
  return gst_pad_get_element_private (pad);
}

static void
gate_free (gpointer data)
{
  Gate *gate = data;

  g_mutex_clear (&gate->lock);
  g_cond_clear (&gate->changed);
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

/* Holds the stream lock, which deactivation takes, so it must end when the pad begins to flush. The
 * pad may have begun before this thread came here, and may have ended before it woke up. */
static gboolean
wait_for_start (Gate *gate, GstPad *pad)
{
  gboolean open;
  guint n_leaves;

  g_mutex_lock (&gate->lock);
  n_leaves = gate->n_leaves;
  while (gate->state == SHUT && gate->n_leaves == n_leaves && !is_flushing (pad))
    g_cond_wait (&gate->changed, &gate->lock);
  open = gate->state == OPEN && gate->n_leaves == n_leaves;
  g_mutex_unlock (&gate->lock);
  return open;
}

static gboolean
may_pass (Gate *gate, GstPad *pad)
{
  return G_LIKELY (g_atomic_int_get (&gate->state) == OPEN) || wait_for_start (gate, pad);
}

static void
set_state (Gate *gate, State state)
{
  g_mutex_lock (&gate->lock);
  g_atomic_int_set (&gate->state, state);
  g_cond_broadcast (&gate->changed);
  g_mutex_unlock (&gate->lock);
}

static void
send_away (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  gate->n_leaves++;
  g_cond_broadcast (&gate->changed);
  g_mutex_unlock (&gate->lock);
}

static GstFlowReturn
gate_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Gate *gate = gate_of (pad);

  if (may_pass (gate, pad))
    return gate->chain (pad, parent, buffer);
  gst_buffer_unref (buffer);
  return GST_FLOW_FLUSHING;
}

/* Of a sticky event that was refused as flushing GStreamer knows that it has to come again. */
static GstFlowReturn
gate_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  const GstEventType type = GST_EVENT_TYPE (event);
  Gate *gate = gate_of (pad);

  if (type == GST_EVENT_FLUSH_START)
    send_away (gate);
  if (GST_EVENT_IS_SERIALIZED (event) && !may_pass (gate, pad)) {
    gst_event_unref (event);
    return GST_FLOW_FLUSHING;
  }
  if (gate->event (pad, parent, event))
    return GST_FLOW_OK;
  return type == GST_EVENT_CAPS ? GST_FLOW_NOT_NEGOTIATED
                                : GST_FLOW_ERROR; /* as GstPad has it */
}

static gboolean
gate_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  Gate *gate = gate_of (pad);

  return (!GST_QUERY_IS_SERIALIZED (query) || may_pass (gate, pad))
         && gate->query (pad, parent, query);
}

static gboolean
gate_activate_mode (GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  Gate *gate = gate_of (pad);
  gboolean ok;

  set_state (gate, SHUT);
  if (!active)
    send_away (gate);
  ok = gate->activate_mode (pad, parent, mode, active);
  if (active)
    set_state (gate, ok ? OPEN : REFUSING);
  return ok;
}

void
gst_lstm_gate_install (GstPad *sink)
{
  Gate *gate = g_new0 (Gate, 1);

  g_mutex_init (&gate->lock);
  g_cond_init (&gate->changed);
  gate->chain = GST_PAD_CHAINFUNC (sink);
  gate->event = GST_PAD_EVENTFUNC (sink);
  gate->query = GST_PAD_QUERYFUNC (sink);
  gate->activate_mode = GST_PAD_ACTIVATEMODEFUNC (sink);
  gst_pad_set_element_private (sink, gate);
  gst_pad_set_chain_function_full (sink, gate_chain, gate, gate_free);
  gst_pad_set_event_full_function (sink, gate_event);
  gst_pad_set_query_function (sink, gate_query);
  gst_pad_set_activatemode_function (sink, gate_activate_mode);
}
