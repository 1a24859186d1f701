/* SPDX-License-Identifier: Apache-2.0 */
#include "records/target_base.h"
#ifdef LEVEL
#include "row_scan_loop.h"
#endif
