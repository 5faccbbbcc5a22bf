/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a reader, and what follows from them and a schema. Owner: of copies. Thread class: one
 * at a time. */
#include "ipc/decoder_options.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "ipc/dictionary_set.h"
#include "ipc/schema_read.h"

/* Deeper nesting would need more stack than a small thread has. */
enum { DEPTH_MAX = 1024 };

static cflight_status apply_options(struct cfl_read_setup *setup,
                                    const struct cflight_ipc_read_options *options,
                                    cflight_error **reterr)
{
    if (options->depth_max < 0 || options->depth_max > DEPTH_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "depth_max is %" PRId32 "; 0 to %d are possible",
                                 options->depth_max, DEPTH_MAX);
    }
    if (options->depth_max > 0) {
        setup->limits.schema_depth_max = (uint32_t)options->depth_max;
    }
    if (options->message_bytes_max > 0) {
        setup->limits.message_bytes_max = options->message_bytes_max;
    }
    if (options->unpacked_bytes_max > 0) {
        setup->limits.unpacked_bytes_free = options->unpacked_bytes_max;
        setup->limits.unpacked_bytes_max = options->unpacked_bytes_max;
    }
    if (options->dictionary_bytes_max > 0) {
        setup->limits.dictionary_bytes_max = options->dictionary_bytes_max;
    }
    switch (options->validation) {
    case CFLIGHT_VALIDATION_DEFAULT:
        setup->validation = CFLIGHT_VALIDATION_FULL;
        return CFLIGHT_OK;
    case CFLIGHT_VALIDATION_BOUNDS:
    case CFLIGHT_VALIDATION_SAFE:
    case CFLIGHT_VALIDATION_FULL:
        setup->validation = options->validation;
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "validation level %d is not known",
                             (int)options->validation);
}

static cflight_status copy_included(struct cfl_read_setup *setup,
                                    const struct cflight_ipc_read_options *options,
                                    cflight_error **reterr)
{
    if (options->included_fields == NULL) {
        return CFLIGHT_OK;
    }
    /* One element more, so that a selection of no columns is not NULL. */
    size_t count = options->included_field_count;
    setup->included =
        count == SIZE_MAX ? NULL : cfl_alloc_array(setup->alloc, count + 1, sizeof(int32_t));
    if (setup->included == NULL) {
        return cfl_error_no_memory(reterr);
    }
    setup->included_count = count;
    if (count > 0) {
        memcpy(setup->included, options->included_fields, count * sizeof(int32_t));
    }
    return CFLIGHT_OK;
}

cflight_status cfl_read_setup_init(struct cfl_read_setup *ret_setup,
                                   const struct cflight_allocator *alloc,
                                   const struct cflight_ipc_read_options *options,
                                   const struct cfl_limits *limits, cflight_error **reterr)
{
    struct cflight_ipc_read_options loaded;
    memset(ret_setup, 0, sizeof *ret_setup);
    cflight_status status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    ret_setup->alloc = alloc;
    ret_setup->limits = *limits;
    status = apply_options(ret_setup, &loaded, reterr);
    if (status == CFLIGHT_OK) {
        status = copy_included(ret_setup, &loaded, reterr);
    }
    return status;
}

void cfl_read_setup_done(struct cfl_read_setup *setup)
{
    if (setup->included != NULL) {
        cfl_free_array(setup->alloc, setup->included, setup->included_count + 1, sizeof(int32_t));
    }
    setup->included = NULL;
    setup->included_count = 0;
}

/* The selected schema is read from the flatbuffer once more: schemas are immutable and have no
 * parts in common. */
cflight_status cfl_read_schemas_init(struct cfl_read_schemas *ret_schemas,
                                     const struct cflight_allocator *alloc,
                                     const struct cfl_fb_table *table,
                                     const struct cfl_read_setup *setup, cflight_error **reterr)
{
    struct cfl_read_schemas schemas = {0};
    cflight_status status =
        cfl_schema_from_table(alloc, table, &setup->limits, NULL, 0, &schemas.all, reterr);
    if (status == CFLIGHT_OK && setup->included == NULL) {
        schemas.selected = cfl_schema_ref(schemas.all);
    } else if (status == CFLIGHT_OK) {
        status = cfl_schema_from_table(alloc, table, &setup->limits, setup->included,
                                       setup->included_count, &schemas.selected, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_dictionary_set_new(alloc, &setup->limits, schemas.all, setup->included,
                                        setup->included_count, &schemas.dictionaries, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_read_schemas_done(&schemas);
        return status;
    }
    *ret_schemas = schemas;
    return CFLIGHT_OK;
}

void cfl_read_schemas_done(struct cfl_read_schemas *schemas)
{
    cfl_dictionary_set_free(schemas->dictionaries);
    cfl_schema_unref(schemas->selected);
    cfl_schema_unref(schemas->all);
    memset(schemas, 0, sizeof *schemas);
}
