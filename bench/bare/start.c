// SPDX-License-Identifier: Apache-2.0
// Does nothing. Linked with the libraries that sluice and the plugins of a pipeline load, it says
// how much of a start is the dynamic linker's.

int main(void)
{
    return 0;
}
