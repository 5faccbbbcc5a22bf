/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_SCHEMA_BUILD_H
#define CFL_IPC_SCHEMA_BUILD_H

#include "cflight/error.h"
#include "ipc/schema.h"

/* How a schema tree is made, by both sources (the C data interface and a flatbuffer), so that both
 * give the same tree and pass the same checks. A builder fills one schema, top down:
 *
 *     cfl_schema_builder_init(&builder, alloc, limits, CFLIGHT_DATA_LOSS, &error)
 *     root = cfl_schema_builder_root(&builder)               (already a struct without children)
 *     cfl_schema_add_children(&builder, root, count, 1)      then for each child:
 *         cfl_schema_set_name, _set_metadata, fill field->type, _add_children(..., depth + 1), the
 * children; cfl_schema_finish_field(&builder, field) *ret_schema =
 * cfl_schema_builder_take(&builder)        or cfl_schema_builder_done(&builder) on any failure
 *
 * Strings and arrays in the tree belong to the schema. Thread class: one at a time. */
struct cfl_schema_builder {
    struct cfl_schema *schema;
    const struct cfl_limits *limits;
    cflight_status
        bad_status; /* what a malformed schema is reported as: INVALID_ARGUMENT or DATA_LOSS */
    uint32_t field_count; /* fields below the root so far */
};

cflight_status cfl_schema_builder_init(struct cfl_schema_builder *builder,
                                       const struct cflight_allocator *alloc,
                                       const struct cfl_limits *limits, cflight_status bad_status,
                                       cflight_error **reterr);
struct cfl_field *cfl_schema_builder_root(struct cfl_schema_builder *builder);
const struct cflight_allocator *cfl_schema_builder_alloc(const struct cfl_schema_builder *builder);
void cfl_schema_builder_set_swapped(struct cfl_schema_builder *builder, bool is_swapped);
/* The finished schema, with one reference. The builder is empty afterwards. */
struct cfl_schema *cfl_schema_builder_take(struct cfl_schema_builder *builder);
/* Drops what was built. Safe after take and on a zeroed builder. */
void cfl_schema_builder_done(struct cfl_schema_builder *builder);

/* All of these copy. A name or time zone with a NUL in it is malformed: the C data interface could
 * not carry it. */
cflight_status cfl_schema_set_name(struct cfl_schema_builder *builder, struct cfl_field *field,
                                   struct cflight_bytes name, cflight_error **reterr);
cflight_status cfl_schema_set_timezone(struct cfl_schema_builder *builder, struct cfl_field *field,
                                       struct cflight_bytes timezone, cflight_error **reterr);
/* `metadata` in the C data interface's encoding; empty for none. */
cflight_status cfl_schema_set_metadata(struct cfl_schema_builder *builder, struct cfl_field *field,
                                       struct cflight_bytes metadata, cflight_error **reterr);
/* `ids` NULL means 0, 1, 2, ... (Schema.fbs: Union.typeIds). Ids outside 0 to 127 and repeated ones
 * are malformed. */
cflight_status cfl_schema_set_union_ids(struct cfl_schema_builder *builder, struct cfl_field *field,
                                        const int32_t *ids, int64_t id_count,
                                        cflight_error **reterr);

/* Gives `field` its zeroed children, which then are at `depth`: 1 for columns, one more for each
 * level. Refuses what schema_depth_max and schema_fields_max do not allow, before it allocates.
 * Once per field. */
cflight_status cfl_schema_add_children(struct cfl_schema_builder *builder, struct cfl_field *field,
                                       int64_t child_count, uint32_t depth, cflight_error **reterr);

/* Derives `layout` and `width_bytes`, except that the caller sets `layout` of a union (sparse or
 * dense) and `width_bytes` of a fixed-size binary. False when bit width, unit, precision or size
 * are impossible. */
bool cfl_type_resolve(struct cfl_type *type);

/* To be called when type, index type, name and children of a field are set. Resolves the types
 * and checks union ids, the index type, and number and types of children. */
cflight_status cfl_schema_finish_field(struct cfl_schema_builder *builder, struct cfl_field *field,
                                       cflight_error **reterr);

/* The allocator a schema was made with. */
const struct cflight_allocator *cfl_schema_alloc(const struct cfl_schema *schema);

#endif /* CFL_IPC_SCHEMA_BUILD_H */
