/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for members.c, whose questions the mock cluster does not answer. */
#ifndef SOURCE_KAFKA_MEMBERS_STAND_IN_H
#define SOURCE_KAFKA_MEMBERS_STAND_IN_H

#include <stdbool.h>

#define TOPIC "clicks"
#define PARTITIONS 2

extern bool members_other_is_alive; /* what members_find() says */

#endif
