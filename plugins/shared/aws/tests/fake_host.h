/* SPDX-License-Identifier: Apache-2.0 */
/* A host for unit tests: real memory with a count of what is held, errors that can be read, a
 * clock that the test sets, and an allocation that can be made to fail. */
#ifndef SHARED_AWS_FAKE_HOST_H
#define SHARED_AWS_FAKE_HOST_H

#include <sluice/service.h>

struct sluice_error {
    enum sluice_status status;
    enum sluice_code code;
    char message[512];
};

struct fake_host {
    struct sluice_host host; /* first: this is what a plugin sees */
    struct sluice_run run;
    int64_t now_ms;
    int held;            /* blocks not yet freed */
    int fail_allocation; /* the n-th from now fails (1: the next); 0: none */
};

void fake_host_init(struct fake_host *fake);

#endif
