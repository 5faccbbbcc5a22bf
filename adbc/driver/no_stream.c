/* SPDX-License-Identifier: Apache-2.0 */
/* What code of archives that are part of the driver has for stderr (adbc/CMakeLists.txt): only
 * functions that nobody calls name it. Thread class: free. */
#include <stdio.h>

extern FILE *const adbc_no_stream;
FILE *const adbc_no_stream = NULL;
