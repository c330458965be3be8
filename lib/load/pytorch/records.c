/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/pytorch/records.h"

LstmModuleRecord *
lstm_module_record_new (
    LstmRecordKind kind, const char *name, const char *class_name, JsonObject *layer)
{
  LstmModuleRecord *record = g_new0 (LstmModuleRecord, 1);

  record->kind = kind;
  record->name = g_strdup (name);
  record->class_name = g_strdup (class_name);
  record->layer = layer;
  record->dim = -1;
  return record;
}

void
lstm_module_record_free (LstmModuleRecord *record)
{
  g_clear_pointer (&record->layer, json_object_unref);
  g_free (record->class_name);
  g_free (record->name);
  g_free (record);
}
