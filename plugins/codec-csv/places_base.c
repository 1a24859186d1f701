/* SPDX-License-Identifier: Apache-2.0 */
#include "records/target_base.h"
#ifdef LEVEL
#include "places_loop.h"
#endif
