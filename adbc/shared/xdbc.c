/* SPDX-License-Identifier: Apache-2.0 */
/* Types as ADBC numbers them. The numbers are those that drivers for Flight SQL agree on; some are
 * coarse (all floats are 6), which programs have come to expect. */
#include "adbc/shared/xdbc.h"

#include <stddef.h>

#include "cflight/schema.h"
#include "cflight/sql_info.h"

static int16_t of_type(enum cflight_type_id id)
{
    switch (id) {
    case CFLIGHT_TYPE_BOOL:
        return CFLIGHT_SQL_XDBC_BIT;
    case CFLIGHT_TYPE_INT8:
    case CFLIGHT_TYPE_UINT8:
        return CFLIGHT_SQL_XDBC_TINYINT;
    case CFLIGHT_TYPE_INT16:
    case CFLIGHT_TYPE_UINT16:
        return CFLIGHT_SQL_XDBC_SMALLINT;
    case CFLIGHT_TYPE_INT32:
    case CFLIGHT_TYPE_UINT32:
        return CFLIGHT_SQL_XDBC_INTEGER;
    case CFLIGHT_TYPE_INT64:
    case CFLIGHT_TYPE_UINT64:
        return CFLIGHT_SQL_XDBC_BIGINT;
    case CFLIGHT_TYPE_FLOAT16:
    case CFLIGHT_TYPE_FLOAT32:
    case CFLIGHT_TYPE_FLOAT64:
        return CFLIGHT_SQL_XDBC_FLOAT;
    case CFLIGHT_TYPE_DECIMAL:
        return CFLIGHT_SQL_XDBC_DECIMAL;
    case CFLIGHT_TYPE_UTF8:
    case CFLIGHT_TYPE_LARGE_UTF8:
    case CFLIGHT_TYPE_UTF8_VIEW:
        return CFLIGHT_SQL_XDBC_VARCHAR;
    case CFLIGHT_TYPE_BINARY:
    case CFLIGHT_TYPE_LARGE_BINARY:
    case CFLIGHT_TYPE_BINARY_VIEW:
    case CFLIGHT_TYPE_FIXED_SIZE_BINARY:
        return CFLIGHT_SQL_XDBC_BINARY;
    case CFLIGHT_TYPE_DATE32:
    case CFLIGHT_TYPE_DATE64:
        return CFLIGHT_SQL_XDBC_DATE;
    case CFLIGHT_TYPE_TIME32:
    case CFLIGHT_TYPE_TIME64:
        return CFLIGHT_SQL_XDBC_TIME;
    case CFLIGHT_TYPE_TIMESTAMP:
        return CFLIGHT_SQL_XDBC_TIMESTAMP;
    case CFLIGHT_TYPE_LIST:
    case CFLIGHT_TYPE_LARGE_LIST:
    case CFLIGHT_TYPE_LIST_VIEW:
    case CFLIGHT_TYPE_LARGE_LIST_VIEW:
    case CFLIGHT_TYPE_FIXED_SIZE_LIST:
    case CFLIGHT_TYPE_STRUCT:
    case CFLIGHT_TYPE_MAP:
    case CFLIGHT_TYPE_SPARSE_UNION:
    case CFLIGHT_TYPE_DENSE_UNION:
        return CFLIGHT_SQL_XDBC_VARBINARY;
    case CFLIGHT_TYPE_NULL:
    case CFLIGHT_TYPE_DURATION:
    case CFLIGHT_TYPE_INTERVAL_MONTHS:
    case CFLIGHT_TYPE_INTERVAL_DAY_TIME:
    case CFLIGHT_TYPE_INTERVAL_MONTH_DAY_NANO:
    case CFLIGHT_TYPE_RUN_END_ENCODED:
        break;
    }
    return CFLIGHT_SQL_XDBC_UNKNOWN;
}

int16_t adbc_xdbc_type(const struct ArrowSchema *field)
{
    struct cflight_type type;
    while (field->dictionary != NULL) {
        field = field->dictionary;
    }
    if (cflight_type_parse(field->format, &type, NULL) != CFLIGHT_OK) {
        return CFLIGHT_SQL_XDBC_UNKNOWN;
    }
    if (type.id == CFLIGHT_TYPE_RUN_END_ENCODED && field->n_children == 2) {
        return adbc_xdbc_type(field->children[1]);
    }
    return of_type(type.id);
}
