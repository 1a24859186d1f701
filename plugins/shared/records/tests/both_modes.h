/* SPDX-License-Identifier: Apache-2.0 */
/* A decoder's fast lane for streams against its way for single messages, which has none. */
#ifndef SLUICE_RECORDS_BOTH_MODES_H
#define SLUICE_RECORDS_BOTH_MODES_H

#include "test_host/test_host.h"

/* A schema of all types, each with what may go wrong, and one of which some columns are read. */
const struct sluice_schema *both_modes_schema(struct test_host *test);
const struct sluice_schema *both_modes_kept(struct test_host *test,
                                            const struct sluice_schema *declared);

/* Decodes the lines as one file and each as a message of its own: same rows, same rejects. Answers
 * how many rows there were. */
int64_t check_both_modes(struct test_host *test, const struct sluice_codec_choice *choice,
                         const struct sluice_schema *produced, const struct sluice_string *lines,
                         int64_t count);

#endif
