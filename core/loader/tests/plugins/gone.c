/* SPDX-License-Identifier: Apache-2.0 */
/* The library that is missing when the plugin is loaded. */
const void *gone_descriptor(void);

const void *gone_descriptor(void)
{
    return 0;
}
