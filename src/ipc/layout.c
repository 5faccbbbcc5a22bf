/* SPDX-License-Identifier: Apache-2.0 */
/* What buffers an array has. Thread class: free. (Arrow columnar: Buffer Listing for Each Layout)
 */
#include "ipc/layout.h"

int64_t cfl_layout_type_buffer_count(enum cfl_layout layout)
{
    switch (layout) {
    case CFL_LAYOUT_NULL:
    case CFL_LAYOUT_RUN_END_ENCODED:
        return 0;
    case CFL_LAYOUT_STRUCT:
    case CFL_LAYOUT_FIXED_LIST:
    case CFL_LAYOUT_SPARSE_UNION:
        return 1;
    case CFL_LAYOUT_BOOL:
    case CFL_LAYOUT_FIXED:
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
    case CFL_LAYOUT_DENSE_UNION:
        return 2;
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
    case CFL_LAYOUT_VIEW:
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
        return 3;
    }
    return 0;
}

int64_t cfl_layout_buffer_count(const struct cfl_field *field, bool as_index)
{
    return as_index ? 2 : cfl_layout_type_buffer_count(field->type.layout);
}

bool cfl_layout_has_validity(const struct cfl_field *field, bool as_index)
{
    if (as_index) {
        return true;
    }
    switch (field->type.layout) {
    case CFL_LAYOUT_NULL:
    case CFL_LAYOUT_RUN_END_ENCODED:
    case CFL_LAYOUT_SPARSE_UNION:
    case CFL_LAYOUT_DENSE_UNION:
        return false;
    case CFL_LAYOUT_STRUCT:
    case CFL_LAYOUT_FIXED_LIST:
    case CFL_LAYOUT_BOOL:
    case CFL_LAYOUT_FIXED:
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
    case CFL_LAYOUT_VIEW:
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
        return true;
    }
    return false;
}
