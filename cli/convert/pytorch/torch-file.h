/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that torch.save() and torch.jit.save() write: a pickle, and the storages of its tensors.
 * PyTorch writes a zip archive since version 1.6, and wrote a sequence of pickles and storages
 * before. Python's pickle writes one pickle, in which each storage is such a sequence as bytes. */
#pragma once

#include "container/archive.h"
#include "container/pickle.h"
#include "convert.h"

typedef struct _TorchType TorchType;

/* Type of the numbers of a storage */
struct _TorchType {
  const char *name;    /* in Python, without "torch." */
  const char *storage; /* the class of its storages; nullable */
  gsize size;          /* bytes of a number */
  /* Converts @n numbers, which are little-endian, every @stride-th from @from on. NULL: the type
   * is not supported as a weight. */
  void (*convert) (const guint8 *from, gsize stride, float *to, gsize n);
};

/* A storage that a pickle refers to */
typedef struct {
  const char *key;
  const TorchType *type; /* NULL: the pickle states the type elsewhere (UntypedStorage) */
  gsize n;               /* numbers; bytes if @type is NULL */
  gsize offset;          /* of the first number, for a view of another storage */
} TorchStorage;

typedef struct {
  const ConvertInput *input;
  Pickle *pickle;
  const PickleValue *root; /* the object that was saved */
  Archive *archive;        /* NULL: a file of PyTorch before 1.6 */
  char *folder;            /* of the members of the archive, with "/" at the end; nullable */
  gboolean is_script;      /* TorchScript: the archive contains code */
  GHashTable *storages;    /* key → GBytes */
  GHashTable *embedded;    /* PickleValue → TorchStorage, for a pickle of another program */
} TorchFile;

TorchFile *torch_file_open (const ConvertInput *input, GError **error);
void torch_file_close (TorchFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TorchFile, torch_file_close)

/* Sets @error to @format, after the path of @file. Returns: FALSE */
gboolean torch_file_fail (const TorchFile *file, ConvertError code, GError **error,
    const char *format, ...) G_GNUC_PRINTF (4, 5);

/* Parses a PERSISTENT value, or the record of a storage in bytes. Returns FALSE with @error if it is no storage of a known type. */
gboolean torch_storage_parse (
    const TorchFile *file, const PickleValue *value, TorchStorage *storage, GError **error);

/* Returns: (transfer none): the bytes of the storage @key; NULL with @error */
GBytes *torch_file_get_storage (TorchFile *file, const char *key, GError **error);

/* --- Types --- */

/* Return: (transfer none) (nullable): the type whose storages are of class @class (GLOBAL), or
 * which has the name torch.NAME */
const TorchType *torch_type_find_storage (const PickleValue *class);
const TorchType *torch_type_find (const PickleValue *name);
