/* SPDX-License-Identifier: Apache-2.0 */
/* From what a record has at a key to the value of the declared field. */
#ifndef SLUICE_CODEC_JSON_SLOT_VALUE_H
#define SLUICE_CODEC_JSON_SLOT_VALUE_H

#include "record.h"

#include "records/record_rows.h"

/* Checks and puts all declared fields of the record. REJECT with the reason of the first that does
 * not fit its declaration. `is_epoch` by field: timestamps that may come as numbers. */
enum sluice_status put_record(struct record_rows *rows, struct text_reader *reader,
                              const struct json_record *record, const bool *is_epoch,
                              struct sluice_error *error);

#endif
