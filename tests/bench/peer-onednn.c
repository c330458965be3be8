/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Engine of the primitives LSTM and linear-before-reset GRU of oneDNN, versions 2 and 3. Makes the primitive once, with the
 * weights in the preferred layout of the primitive and x in its data type. h and c alternate
 * between two sets of memory. */
#include "bench.h"
#include <oneapi/dnnl/dnnl.h>
#include <string.h>

/* Tensors of a call, in the order of the table `tensors` */
enum { X, H_IN, C_IN, W_X, W_H, BIAS, Y, H_OUT, C_OUT, SCRATCH, N_TENSORS };

typedef struct {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_attr_t attr;         /* of the primitive */
  dnnl_primitive_attr_t quantisation; /* of conversions to int8 */
  dnnl_primitive_desc_t desc;
  dnnl_primitive_t primitive;
  dnnl_memory_t memory[N_TENSORS]; /* NULL: not used */
  dnnl_exec_arg_t arguments[2][N_TENSORS];
  int n_arguments, turn;
  dnnl_memory_t y; /* of the last run, as float32 */
} Onednn;

/* The tensors. Dimensions are digits or letters: T steps, B streams, d, m, g gates. */
static const struct {
  int argument;
  const char *dims;
  dnnl_format_tag_t plain, tag; /* the layout of the job, of the primitive */
  dnnl_data_type_t types[3];    /* in the primitive, by precision; float32 in the job */
} tensors[] = {
    [X] = {DNNL_ARG_SRC_LAYER, "TBd", dnnl_tnc, dnnl_tnc, {dnnl_f32, dnnl_bf16, dnnl_u8}},
    [H_IN] = {DNNL_ARG_SRC_ITER, "11Bm", dnnl_ldnc, dnnl_ldnc, {dnnl_f32, dnnl_bf16, dnnl_u8}},
    [C_IN] = {DNNL_ARG_SRC_ITER_C, "11Bm", dnnl_ldnc, dnnl_ldnc,
        {dnnl_f32, dnnl_f32, dnnl_f32}},
    [W_X] = {DNNL_ARG_WEIGHTS_LAYER, "11dgm", dnnl_ldigo, dnnl_format_tag_any,
        {dnnl_f32, dnnl_bf16, dnnl_s8}},
    [W_H] = {DNNL_ARG_WEIGHTS_ITER, "11mgm", dnnl_ldigo, dnnl_format_tag_any,
        {dnnl_f32, dnnl_bf16, dnnl_s8}},
    [BIAS] = {DNNL_ARG_BIAS, "114m", dnnl_ldgo, dnnl_ldgo, {dnnl_f32, dnnl_f32, dnnl_f32}},
    [Y] = {DNNL_ARG_DST_LAYER, "TBm", dnnl_tnc, dnnl_tnc, {dnnl_f32, dnnl_bf16, dnnl_f32}},
    [H_OUT] = {DNNL_ARG_DST_ITER, "11Bm", dnnl_ldnc, dnnl_ldnc, {dnnl_f32, dnnl_bf16, dnnl_u8}},
    [C_OUT] = {DNNL_ARG_DST_ITER_C, "11Bm", dnnl_ldnc, dnnl_ldnc,
        {dnnl_f32, dnnl_f32, dnnl_f32}},
    [SCRATCH] = {DNNL_ARG_SCRATCHPAD},
};

/* The two versions differ in the type of a memory descriptor and in the description of a
 * primitive. */
#if DNNL_VERSION_MAJOR < 3
typedef dnnl_memory_desc_t *Desc;
typedef const dnnl_memory_desc_t *ConstDesc;

static dnnl_status_t
desc_new (
    Desc *desc, int n, const dnnl_dims_t dims, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
  *desc = g_new (dnnl_memory_desc_t, 1);
  return dnnl_memory_desc_init_by_tag (*desc, n, dims, type, tag);
}

static void
desc_free (Desc desc)
{
  g_free (desc);
}

static dnnl_status_t
describe_layer (Onednn *self, const Job *job, Desc *t)
{
  dnnl_rnn_desc_t layer;
  dnnl_status_t status;

  if (job->c->kind == CASE_GRU)
    status = dnnl_lbr_gru_forward_desc_init (&layer, dnnl_forward_inference,
        dnnl_unidirectional_left2right, t[X], t[H_IN], t[W_X], t[W_H], t[BIAS], t[Y], t[H_OUT],
        dnnl_rnn_flags_undef);
  else
    status = dnnl_lstm_forward_desc_init_v3 (&layer, dnnl_forward_inference,
        dnnl_unidirectional_left2right, t[X], t[H_IN], t[C_IN], t[W_X], t[W_H], NULL, NULL,
        t[BIAS], t[Y], t[H_OUT], t[C_OUT], dnnl_rnn_flags_undef);
  return status
             ? status
             : dnnl_primitive_desc_create (&self->desc, &layer, self->attr, self->engine, NULL);
}
#else
typedef dnnl_memory_desc_t Desc;
typedef const_dnnl_memory_desc_t ConstDesc;

static dnnl_status_t
desc_new (
    Desc *desc, int n, const dnnl_dims_t dims, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
  return dnnl_memory_desc_create_with_tag (desc, n, dims, type, tag);
}

static void
desc_free (Desc desc)
{
  if (desc)
    dnnl_memory_desc_destroy (desc);
}

static dnnl_status_t
describe_layer (Onednn *self, const Job *job, Desc *t)
{
  if (job->c->kind == CASE_GRU)
    return dnnl_lbr_gru_forward_primitive_desc_create (&self->desc, self->engine,
        dnnl_forward_inference, dnnl_unidirectional_left2right, t[X], t[H_IN], t[W_X], t[W_H],
        t[BIAS], t[Y], t[H_OUT], dnnl_rnn_flags_undef, self->attr);
  return dnnl_lstm_forward_primitive_desc_create (&self->desc, self->engine,
      dnnl_forward_inference, dnnl_unidirectional_left2right, t[X], t[H_IN], t[C_IN], t[W_X],
      t[W_H], NULL, NULL, t[BIAS], t[Y], t[H_OUT], t[C_OUT], dnnl_rnn_flags_undef, self->attr);
}
#endif

static gboolean
check_status (dnnl_status_t status, const char *field, GError **error)
{
  if (status)
    g_set_error (error, BENCH_ERROR, 0, "%s: expected status 0 of oneDNN, found %d", field,
        (int) status);
  return !status;
}

static dnnl_status_t
describe_memory (
    const Job *job, int tensor, dnnl_data_type_t type, dnnl_format_tag_t tag, Desc *desc)
{
  const char *letters = tensors[tensor].dims;
  dnnl_dims_t dims;
  int n;

  for (n = 0; letters[n]; n++)
    dims[n] = letters[n] == 'T'   ? (dnnl_dim_t) job->c->steps
              : letters[n] == 'B' ? (dnnl_dim_t) job->c->streams
              : letters[n] == 'd' ? (dnnl_dim_t) job->d
              : letters[n] == 'm' ? (dnnl_dim_t) job->m
              : letters[n] == 'g' ? (dnnl_dim_t) job->n_gates
                                  : letters[n] - '0';
  return desc_new (desc, n, dims, type, tag);
}

/* Returns whether the job has the tensor. A window starts from zero and returns no state, so the
 * job has no states. A GRU has no c. */
static gboolean
has_tensor (const Job *job, int tensor)
{
  if (tensor == C_IN || tensor == C_OUT)
    return job->c->kind == CASE_CARRIED;
  return job->c->kind != CASE_WINDOW || !(tensor == H_IN || tensor == H_OUT);
}

/* Sets the quantisation: activations are in -1…1 and weights in -0.1…0.1. */
static dnnl_status_t
set_quantisation (dnnl_primitive_attr_t attr)
{
  const float weights_scale = 1270;
  dnnl_status_t status = dnnl_primitive_attr_set_rnn_data_qparams (attr, 127, 128);

  return status ? status
                : dnnl_primitive_attr_set_rnn_weights_qparams (attr, 1, 0, &weights_scale);
}

static gboolean
make_attributes (Onednn *self, const Job *job, GError **error)
{
  dnnl_status_t status = dnnl_primitive_attr_create (&self->attr);

  if (!status)
    status = dnnl_primitive_attr_create (&self->quantisation);
  if (!status)
    status = dnnl_primitive_attr_set_scratchpad_mode (self->attr, dnnl_scratchpad_mode_user);
  if (!status)
    status = set_quantisation (self->quantisation);
  if (!status && job->precision == LSTM_PRECISION_INT8)
    status = set_quantisation (self->attr);
  return check_status (status, "attributes", error);
}

static gboolean
make_primitive (Onednn *self, const Job *job, GError **error)
{
  Desc descs[SCRATCH] = {NULL};
  dnnl_status_t status = dnnl_success;

  for (int i = 0; i < SCRATCH && !status; i++)
    if (has_tensor (job, i))
      status = describe_memory (
          job, i, tensors[i].types[job->precision], tensors[i].tag, &descs[i]);
  if (!status)
    status = describe_layer (self, job, descs);
  if (!status)
    status = dnnl_primitive_create (&self->primitive, self->desc);
  for (int i = 0; i < SCRATCH; i++)
    desc_free (descs[i]);
  return check_status (status, "primitive", error);
}

static gboolean
make_memories (Onednn *self, const Job *job, GError **error)
{
  static const int next[] = {[H_IN] = H_OUT, [C_IN] = C_OUT, [H_OUT] = H_IN, [C_OUT] = C_IN};

  for (int i = 0; i < N_TENSORS; i++) {
    dnnl_status_t status = dnnl_success;

    if (has_tensor (job, i))
      status = dnnl_memory_create (&self->memory[i],
          dnnl_primitive_desc_query_md (
              self->desc, dnnl_query_exec_arg_md, tensors[i].argument),
          self->engine, DNNL_MEMORY_ALLOCATE);
    if (!check_status (status, "memory", error))
      return FALSE;
  }
  for (int i = 0; i < N_TENSORS; i++) {
    int other = i < (int) G_N_ELEMENTS (next) && next[i] ? next[i] : i;

    if (!has_tensor (job, i))
      continue;
    self->arguments[0][self->n_arguments] = (dnnl_exec_arg_t){
        tensors[i].argument, self->memory[i]};
    self->arguments[1][self->n_arguments++] = (dnnl_exec_arg_t){
        tensors[i].argument, self->memory[other]};
  }
  return TRUE;
}

/* Copies memory into another type and layout. */
static dnnl_status_t
convert_memory (Onednn *self, dnnl_memory_t from, dnnl_memory_t to, dnnl_primitive_attr_t attr)
{
  ConstDesc from_desc, to_desc;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  dnnl_status_t status = dnnl_memory_get_memory_desc (from, &from_desc);

  if (!status)
    status = dnnl_memory_get_memory_desc (to, &to_desc);
  if (!status)
    status = dnnl_reorder_primitive_desc_create (
        &desc, from_desc, self->engine, to_desc, self->engine, attr);
  if (!status)
    status = dnnl_primitive_create (&primitive, desc);
  if (!status)
    status = dnnl_primitive_execute (primitive, self->stream, 2, arguments);
  if (!status)
    status = dnnl_stream_wait (self->stream);
  dnnl_primitive_destroy (primitive);
  dnnl_primitive_desc_destroy (desc);
  return status;
}

/* Makes memory for a tensor in the layout of the job. @data: the data, or DNNL_MEMORY_ALLOCATE */
static dnnl_status_t
wrap_memory (
    Onednn *self, const Job *job, int tensor, gconstpointer data, dnnl_memory_t *memory)
{
  Desc desc = NULL;
  dnnl_status_t status = describe_memory (job, tensor, dnnl_f32, tensors[tensor].plain, &desc);

  if (!status)
    status = dnnl_memory_create (memory, desc, self->engine, (gpointer) data);
  desc_free (desc);
  return status;
}

/* Returns the order of the gates of the job in oneDNN: i f g o, or z r n of a GRU. */
static const gsize *
get_order (const Job *job)
{
  static const gsize lstm[] = {0, 1, 2, 3}, gru[] = {1, 0, 2};

  return job->c->kind == CASE_GRU ? gru : lstm;
}

/* Returns: (transfer full): the bias [4m]. The last bias of a GRU is that of h U of n, 0. */
static float *
order_bias (const Job *job)
{
  float *ordered = network_order_gates (job->bias, job->m, get_order (job), job->n_gates);

  ordered = g_renew (float, ordered, 4 * job->m);
  memset (ordered + job->n_gates * job->m, 0, (4 - job->n_gates) * job->m * sizeof *ordered);
  return ordered;
}

static gboolean
fill_memories (Onednn *self, const Job *job, GError **error)
{
  const gsize m = job->m, d = job->d, n = job->n_gates;
  g_autofree float *zeros = g_new0 (float, job->c->streams *m);
  g_autofree float *bias = order_bias (job);
  g_autofree float *ordered_x = network_order_gates (job->w_x, m * d, get_order (job), n);
  g_autofree float *ordered_h = network_order_gates (job->w_h, m * m, get_order (job), n);
  g_autofree float *w_x = network_transpose (ordered_x, n * m, d);
  g_autofree float *w_h = network_transpose (ordered_h, n * m, m);
  gconstpointer data[] = {
      [X] = job->x, [H_IN] = zeros, [C_IN] = zeros, [W_X] = w_x, [W_H] = w_h, [BIAS] = bias};

  for (int i = 0; i < (int) G_N_ELEMENTS (data); i++) {
    dnnl_data_type_t type = tensors[i].types[job->precision];
    dnnl_memory_t plain = NULL;
    dnnl_status_t status;

    if (!self->memory[i])
      continue;
    status = wrap_memory (self, job, i, data[i], &plain);
    if (!status)
      status = convert_memory (self, plain, self->memory[i],
          type == dnnl_u8 || type == dnnl_s8 ? self->quantisation : NULL);
    dnnl_memory_destroy (plain);
    if (!check_status (status, "conversion", error))
      return FALSE;
  }
  return check_status (
      wrap_memory (self, job, Y, DNNL_MEMORY_ALLOCATE, &self->y), "output", error);
}

static void
onednn_free (gpointer data)
{
  Onednn *self = data;

  for (int i = 0; i < N_TENSORS; i++)
    dnnl_memory_destroy (self->memory[i]);
  dnnl_memory_destroy (self->y);
  dnnl_primitive_destroy (self->primitive);
  dnnl_primitive_desc_destroy (self->desc);
  dnnl_primitive_attr_destroy (self->attr);
  dnnl_primitive_attr_destroy (self->quantisation);
  dnnl_stream_destroy (self->stream);
  dnnl_engine_destroy (self->engine);
  g_free (self);
}

static gpointer
onednn_create (const Job *job, GError **error)
{
  Onednn *self = g_new0 (Onednn, 1);

  if (check_status (dnnl_engine_create (&self->engine, dnnl_cpu, 0), "engine", error)
      && check_status (
          dnnl_stream_create (&self->stream, self->engine, dnnl_stream_default_flags), "stream",
          error)
      && make_attributes (self, job, error) && make_primitive (self, job, error)
      && make_memories (self, job, error) && fill_memories (self, job, error))
    return self;
  onednn_free (self);
  return NULL;
}

static void
onednn_run (gpointer data)
{
  Onednn *self = data;

  dnnl_primitive_execute (
      self->primitive, self->stream, self->n_arguments, self->arguments[self->turn]);
  dnnl_stream_wait (self->stream);
  self->turn ^= 1;
}

static void
onednn_output (gpointer data, float *y)
{
  Onednn *self = data;
  ConstDesc desc;
  gpointer values;

  convert_memory (self, self->memory[Y], self->y, NULL);
  dnnl_memory_get_memory_desc (self->y, &desc);
  dnnl_memory_get_data_handle (self->y, &values);
  memcpy (y, values, dnnl_memory_desc_get_size (desc));
}

const Engine peer_onednn = {"onednn", BENCH_BIT (CASE_CARRIED) | BENCH_BIT (CASE_WINDOW),
    BENCH_BIT (LSTM_PRECISION_FLOAT32) | BENCH_BIT (LSTM_PRECISION_BFLOAT16)
        | BENCH_BIT (LSTM_PRECISION_INT8),
    onednn_create, onednn_run, onednn_output, onednn_free};
const Engine peer_onednn_gru = {"onednn", BENCH_BIT (CASE_GRU),
    BENCH_BIT (LSTM_PRECISION_FLOAT32), onednn_create, onednn_run, onednn_output, onednn_free};
