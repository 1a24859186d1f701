/* SPDX-License-Identifier: Apache-2.0 */
#include "records/target_avx2.h"
#ifdef LEVEL
#include "row_scan_loop.h"
#endif
