/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_VALUE_LAYOUTS_H
#define CFL_SQL_VALUE_LAYOUTS_H

#include <protobuf-c/protobuf-c.h>

#include "cflight/sql.h"

/* The messages as a table: where each protobuf field is in the public struct, and what it must be.
 * The walks over it are in fields.c. Thread class: free. */

enum cfl_sql_field_kind {
    CFL_SQL_FIELD_TEXT,          /* struct cflight_bytes, UTF-8 */
    CFL_SQL_FIELD_BYTES,         /* struct cflight_bytes */
    CFL_SQL_FIELD_OPTIONAL_TEXT, /* NULL data is absent */
    CFL_SQL_FIELD_OPTIONAL_BYTES,
    CFL_SQL_FIELD_ID,      /* optional on the wire; an empty one is never written */
    CFL_SQL_FIELD_TEXTS,   /* an array of views; `second` is its count */
    CFL_SQL_FIELD_NUMBERS, /* an array of uint32_t; `second` is its count */
    CFL_SQL_FIELD_OPTIONS, /* an array of struct cflight_sql_option; `second` is its count */
    CFL_SQL_FIELD_BOOL,
    CFL_SQL_FIELD_YES_OR_NO,       /* enum cflight_sql_update; UNKNOWN is absent */
    CFL_SQL_FIELD_OPTIONAL_NUMBER, /* int32_t; `second` is a bool */
    CFL_SQL_FIELD_ENUM,            /* refused above `max` */
    CFL_SQL_FIELD_ANY_ENUM,        /* passed on, whatever it is */
    CFL_SQL_FIELD_COUNT,           /* int64_t */
    CFL_SQL_FIELD_MESSAGE,         /* its own fields lie in the same struct */
};

struct cfl_sql_layout;

struct cfl_sql_field {
    enum cfl_sql_field_kind kind;
    size_t offset; /* in struct cflight_sql_message */
    size_t second;
    int32_t max;
    const struct cfl_sql_layout *message;
};

/* In the order of the field numbers, as protobuf-c's descriptor has them too. */
struct cfl_sql_layout {
    const ProtobufCMessageDescriptor *descriptor;
    size_t field_count;
    const struct cfl_sql_field *fields;
};

/* NULL for NONE, UNKNOWN and any other number. */
const struct cfl_sql_layout *cfl_sql_layout_of(enum cflight_sql_type type);
/* The type whose message has this name; UNKNOWN when there is none. */
enum cflight_sql_type cfl_sql_type_by_name(struct cflight_bytes name);

#endif /* CFL_SQL_VALUE_LAYOUTS_H */
