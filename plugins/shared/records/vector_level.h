/* SPDX-License-Identifier: Apache-2.0 */
/* Loops over input in several versions, for wider and wider registers. The loop stands in a header,
 * NAME_loop.h, as a function called LEVEL(name); files that include it build the versions:
 *
 *     NAME_base.c    #include "records/target_base.h"     what all machines of the architecture have
 *     NAME_avx2.c    #include "records/target_avx2.h"
 *     NAME_avx512.c  #include "records/target_avx512.h"
 *
 * and who calls it takes the version that vector_level() says. */
#ifndef SLUICE_RECORDS_VECTOR_LEVEL_H
#define SLUICE_RECORDS_VECTOR_LEVEL_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define VECTOR_LEVELS 1
#else
#define VECTOR_LEVELS 0
#endif

enum vector_level { VECTOR_BASE = 0, VECTOR_AVX2, VECTOR_AVX512 };

/* The highest that this machine has. */
static inline enum vector_level vector_level(void)
{
#if VECTOR_LEVELS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi2")) {
        return VECTOR_AVX512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
        return VECTOR_AVX2;
    }
#endif
    return VECTOR_BASE;
}

/* The version of a loop for a level. */
#if VECTOR_LEVELS
#define VECTOR_VERSION(name, level)                                                                \
    ((level) == VECTOR_AVX512 ? name##_avx512 : (level) == VECTOR_AVX2 ? name##_avx2 : name##_base)
#else
#define VECTOR_VERSION(name, level) ((void)(level), name##_base)
#endif

#endif
