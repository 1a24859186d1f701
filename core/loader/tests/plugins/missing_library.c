/* SPDX-License-Identifier: Apache-2.0 */
/* Needs a library that is not installed. */
#include <sluice/plugin.h>

const void *gone_descriptor(void);

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return gone_descriptor();
}
