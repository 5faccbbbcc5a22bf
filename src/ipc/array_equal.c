/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison of two arrays of any origin, as values.
 *
 * Both are checked against the schema first, since the walk trusts offsets. Rows are then laid out
 * as a record batch would have them and compared (parts_equal.c); dictionaries are compared whole,
 * one by one. Recursion is bounded by the schema's depth. Owner of nothing but scratch memory.
 * Thread class: free. */
#include "base/error.h"
#include "cflight/ipc.h"
#include "ipc/message.h"
#include "ipc/parts.h"
#include "ipc/validate.h"

static cflight_status check(const struct cfl_field *root, const struct ArrowArray *array,
                            cflight_error **reterr)
{
    cflight_status status = cfl_validate_shape(root, array, CFLIGHT_INVALID_ARGUMENT, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return cfl_validate_all_values(root, array, CFLIGHT_INVALID_ARGUMENT, reterr);
}

/* Values of `field` without its own dictionary encoding. */
static cflight_status compare_values(const struct cfl_field *field, const struct ArrowArray *a,
                                     const struct ArrowArray *b, bool *ret_is_equal,
                                     cflight_error **reterr)
{
    struct cfl_parts parts_a;
    struct cfl_parts parts_b;
    cflight_status status = CFLIGHT_OK;

    if (a->length != b->length) {
        *ret_is_equal = false;
        return CFLIGHT_OK;
    }
    cfl_parts_init(&parts_a, NULL, CFL_METADATA_V5);
    cfl_parts_init(&parts_b, NULL, CFL_METADATA_V5);
    status = cfl_parts_set_values(&parts_a, field, a, 0, a->length, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_parts_set_values(&parts_b, field, b, 0, b->length, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_is_equal = cfl_parts_equal(field, &parts_a, &parts_b, a->length, UINT64_MAX);
    }
    cfl_parts_done(&parts_a);
    cfl_parts_done(&parts_b);
    return status;
}

/* All dictionaries at and below `field`. */
static cflight_status compare_dictionaries(const struct cfl_field *field,
                                           const struct ArrowArray *a, const struct ArrowArray *b,
                                           bool *ret_is_equal, cflight_error **reterr)
{
    bool is_equal = true;
    cflight_status status = CFLIGHT_OK;

    if (field->is_dictionary) {
        a = a->dictionary;
        b = b->dictionary;
        status = compare_values(field, a, b, &is_equal, reterr);
    }
    for (int64_t i = 0; status == CFLIGHT_OK && is_equal && i < field->child_count; i++) {
        status = compare_dictionaries(&field->children[i], a->children[i], b->children[i],
                                      &is_equal, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_is_equal = is_equal;
    }
    return status;
}

cflight_status cflight_array_equal(const struct ArrowSchema *schema, const struct ArrowArray *a,
                                   const struct ArrowArray *b, bool *ret_is_equal,
                                   cflight_error **reterr)
{
    struct cfl_schema *parsed = NULL;
    bool is_equal = false;

    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(schema), CFL_ARG(a), CFL_ARG(b), CFL_ARG(ret_is_equal));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_schema_from_arrow(NULL, schema, NULL, &parsed, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct cfl_field *root = cfl_schema_root(parsed);
    status = check(root, a, reterr);
    if (status == CFLIGHT_OK) {
        status = check(root, b, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = compare_values(root, a, b, &is_equal, reterr);
    }
    if (status == CFLIGHT_OK && is_equal) {
        status = compare_dictionaries(root, a, b, &is_equal, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_is_equal = is_equal;
    }
    cfl_schema_unref(parsed);
    return status;
}
