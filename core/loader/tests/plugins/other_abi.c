/* SPDX-License-Identifier: Apache-2.0 */
/* Speaks the next major version: nothing behind the first field may be believed. */
#include <sluice/plugin.h>

static const struct sluice_plugin plugin = {
    .abi_version = (uint32_t)(SLUICE_ABI_MAJOR + 1) << 16,
    .struct_size = 4,
    .name = (const char *)1,
};

SLUICE_PLUGIN_EXPORT const struct sluice_plugin *sluice_plugin_describe(uint32_t host_abi)
{
    (void)host_abi;
    return &plugin;
}
