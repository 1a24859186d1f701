/* SPDX-License-Identifier: Apache-2.0 */
/* The first include of a loop's version for AVX2: see vector_level.h. */
#include "records/vector_level.h"
#if VECTOR_LEVELS
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#define LEVEL(name) name##_avx2
#endif
