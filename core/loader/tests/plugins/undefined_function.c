/* SPDX-License-Identifier: Apache-2.0 */
/* Calls what nobody defines: lazy binding would find out in the middle of a run. */
#include <sluice/plugin.h>

const struct sluice_plugin *function_that_nobody_defines(void);

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return function_that_nobody_defines();
}
