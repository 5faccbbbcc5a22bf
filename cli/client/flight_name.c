/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors from the command line. Thread class: free. */
#include "cli/client/flight_name.h"

#include <stdlib.h>
#include <string.h>

#include "cli/system/os_error.h"

cflight_status cli_flight_descriptor(const struct cli_flight_name *flight,
                                     struct cflight_descriptor *ret_descriptor,
                                     struct cflight_bytes **ret_elements, cflight_error **reterr)
{
    const char *name = flight->name;
    if (flight->is_command) {
        *ret_descriptor = (struct cflight_descriptor){.type = CFLIGHT_DESCRIPTOR_CMD,
                                                      .cmd = cflight_bytes_from_text(name)};
        return CFLIGHT_OK;
    }
    struct cflight_bytes *elements = calloc(strlen(name) + 1, sizeof *elements);
    if (elements == NULL) {
        return cli_error_no_memory(reterr, "making a descriptor");
    }
    size_t count = 0;
    size_t len_bytes = flight->is_split ? strcspn(name, "/") : strlen(name);
    elements[count++] = cflight_bytes_make(name, len_bytes);
    for (name += len_bytes; *name == '/'; name += len_bytes) {
        name++;
        len_bytes = strcspn(name, "/");
        elements[count++] = cflight_bytes_make(name, len_bytes);
    }
    *ret_descriptor = (struct cflight_descriptor){
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = elements, .path_count = count};
    *ret_elements = elements;
    return CFLIGHT_OK;
}
