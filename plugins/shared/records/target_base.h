/* SPDX-License-Identifier: Apache-2.0 */
/* The first include of a loop's base version: see vector_level.h. */
#define LEVEL(name) name##_base
