/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_KIT_DESCRIPTORS_H
#define CFL_FLIGHT_KIT_DESCRIPTORS_H

#include "base/buf.h"
#include "cflight/error.h"

/* Which file of Protocol Buffers describes what: an index over descriptor sets. Spec:
 * google/protobuf/descriptor.proto. Thread class: one at a time while sets are added, then free. */

struct cfl_descriptor_file {
    struct cflight_bytes name;
    struct cflight_bytes bytes;  /* a serialised FileDescriptorProto */
    struct cfl_buf dependencies; /* of struct cflight_bytes: names of files */
    struct cfl_buf extensions;   /* of struct cfl_descriptor_extension */
};

struct cfl_descriptor_extension {
    struct cflight_bytes extendee; /* without the leading dot */
    uint32_t number;
};

/* A message, enum, service, method, or extension, by its full name. */
struct cfl_descriptor_symbol {
    char *name;
    uint32_t file;
    bool is_service;
};

struct cfl_descriptors {
    const struct cflight_allocator *alloc;
    struct cfl_buf files;   /* of struct cfl_descriptor_file */
    struct cfl_buf symbols; /* of struct cfl_descriptor_symbol */
};

void cfl_descriptors_init(struct cfl_descriptors *descriptors,
                          const struct cflight_allocator *alloc);
void cfl_descriptors_done(struct cfl_descriptors *descriptors);
/* Adds the files of a serialised FileDescriptorSet, which is borrowed to the end. A file whose name
 * is there already is left out. @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (malformed);
 * CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status cfl_descriptors_add(struct cfl_descriptors *descriptors, struct cflight_bytes set,
                                   cflight_error **reterr);

size_t cfl_descriptors_file_count(const struct cfl_descriptors *descriptors);
const struct cfl_descriptor_file *cfl_descriptors_file(const struct cfl_descriptors *descriptors,
                                                       size_t index);
size_t cfl_descriptors_symbol_count(const struct cfl_descriptors *descriptors);
const struct cfl_descriptor_symbol *cfl_descriptors_symbol(
    const struct cfl_descriptors *descriptors, size_t index);
/* The file's number; -1 when there is none. */
int64_t cfl_descriptors_by_name(const struct cfl_descriptors *descriptors,
                                struct cflight_bytes name);
int64_t cfl_descriptors_by_symbol(const struct cfl_descriptors *descriptors,
                                  struct cflight_bytes symbol);

#endif /* CFL_FLIGHT_KIT_DESCRIPTORS_H */
