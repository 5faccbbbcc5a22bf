/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside the tree: what it includes and links is what was installed. Valid C and C++. */
#include <stdio.h>
#include <string.h>

#include <cflight/cflight.h>

int main(void)
{
    cflight_error *error = NULL;
    cflight_status status = cflight_error_set(&error, CFLIGHT_NOT_FOUND, "no %s", "table");
    if (status != CFLIGHT_NOT_FOUND || strcmp(cflight_error_message(error), "no table") != 0) {
        return 1;
    }
    cflight_error_free(error);
    if (strcmp(cflight_version(), CFLIGHT_VERSION_TEXT) != 0) {
        return 1;
    }
    printf("cflight %s\n", cflight_version());
    return 0;
}
