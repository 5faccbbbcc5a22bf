/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_GRPC_METADATA_H
#define CFL_GRPC_METADATA_H

#include "base/buf.h"
#include "cflight/bytes.h"
#include "grpc/texts.h"

/* The custom metadata of a call: an ordered list of fields with repeated names (gRPC over HTTP/2,
 * "Custom-Metadata"). Values of `-bin` names are raw bytes here and base64 on the wire; the
 * conversion is done at the edge to h2. The list owns copies. Thread class: one at a time. */
struct cfl_metadata {
    const struct cflight_allocator *alloc;
    struct cflight_header *fields;
    size_t count;
    size_t capacity;
    struct cfl_texts texts; /* names, values, and what else shall live as long */
};

void cfl_metadata_init(struct cfl_metadata *metadata, const struct cflight_allocator *alloc);
void cfl_metadata_done(struct cfl_metadata *metadata);
/* Copies a field in; the name is lower-cased. INVALID_ARGUMENT names what is wrong: an empty or
 * illegal name, a name that gRPC reserves ("grpc-...", "content-type", "te", pseudo-headers), a
 * text value with control or non-ASCII bytes. */
cflight_status cfl_metadata_add(struct cfl_metadata *metadata, struct cflight_bytes name,
                                struct cflight_bytes value, cflight_error **reterr);
/* As add, without the check for reserved names: for the library's own fields and for what a peer
 * sent. */
cflight_status cfl_metadata_add_unchecked(struct cfl_metadata *metadata, struct cflight_bytes name,
                                          struct cflight_bytes value, cflight_error **reterr);
/* First value under a lower-case name; false when there is none. */
bool cfl_metadata_get(const struct cfl_metadata *metadata, const char *name,
                      struct cflight_bytes *ret_value);

#endif /* CFL_GRPC_METADATA_H */
