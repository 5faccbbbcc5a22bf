/* SPDX-License-Identifier: Apache-2.0 */
/* The version of the library that runs, which may differ from that of the headers a program was
 * compiled with. Thread class: free. */
#include "cflight/version.h"

const char *cflight_version(void)
{
    return CFLIGHT_VERSION_TEXT;
}
