/* SPDX-License-Identifier: Apache-2.0 */
#include "records/target_avx512.h"
#ifdef LEVEL
#include "places_loop.h"
#endif
