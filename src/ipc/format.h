/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_FORMAT_H
#define CFL_IPC_FORMAT_H

#include "cflight/schema.h"
#include "ipc/schema.h"

/* Format strings of the C data interface: the one place that reads them, and that knows what types
 * without parameters are called. Thread class: free. */

/* What a format string says. */
struct cfl_format {
    enum cflight_type_id id;
    struct cfl_type type; /* without layout and width, but for unions and fixed-size binary; and
                             without what a schema owns: */
    const char *timezone; /* in the format string; NULL is none */
    int32_t union_ids[CFL_UNION_TYPES_MAX];
    int64_t union_id_count;
};

/* False for an unknown format. Whether its parameters are possible is cfl_type_resolve()'s to say,
 * and cfl_schema_set_union_ids()'s. */
bool cfl_format_parse(const char *format, struct cfl_format *ret_format);

/* The format string of a type that has no parameters, and what the type is called; NULL for the
 * others. */
const char *cfl_format_of_type(const struct cfl_type *type);
const char *cfl_format_words(const struct cfl_type *type);

#endif /* CFL_IPC_FORMAT_H */
