/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_REFLECTION_H
#define CFLIGHT_REFLECTION_H

#include "cflight/alloc.h"
#include "cflight/service.h"

/// @file
/// Server reflection of gRPC, grpc.reflection.v1 and v1alpha: grpcurl and its like list the
/// services and describe messages without files. The descriptions of Flight, health and reflection
/// are built in.
///
///     cflight_reflection *reflection = NULL;
///     struct cflight_service_method methods[CFLIGHT_REFLECTION_METHODS];
///     if (cflight_reflection_new(NULL, &reflection, &error) != CFLIGHT_OK) { ... }
///     cflight_reflection_methods(reflection, methods);
///
/// It says what the server is, not what it holds. Callers are asked for credentials as for other
/// methods, unless `is_open`. Thread class: free.
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// Methods: ServerReflectionInfo of v1 and of v1alpha.
#define CFLIGHT_REFLECTION_METHODS 2

typedef struct cflight_reflection cflight_reflection;

struct cflight_reflection_options {
    size_t struct_size;
    const struct cflight_allocator *allocator; ///< NULL: the C library
    /// Serialised `google.protobuf.FileDescriptorSet`s of services of yours, as `protoc
    /// --include_imports --descriptor_set_out` makes them. Copied.
    const struct cflight_bytes *descriptor_sets;
    size_t descriptor_set_count;
    /// Full names of the services that are listed. NULL: each that is described, but for the health
    /// service if `has_no_health`. Copied.
    const char *const *services;
    size_t service_count;
    bool has_no_health; ///< the server does not have cflight/health.h
    bool is_open;       ///< for anybody
};

#define CFLIGHT_REFLECTION_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_reflection_options)

/// Makes the service. It must outlive the server.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (a descriptor set, or a service that none
///         describes); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_reflection_new(const struct cflight_reflection_options *options,
                       cflight_reflection **ret_reflection, cflight_error **reterr);
/// NULL is ignored. No server may use it any more.
CFLIGHT_EXPORT void
cflight_reflection_free(cflight_reflection *reflection);
/// Fills the table's methods.
CFLIGHT_EXPORT void
cflight_reflection_methods(cflight_reflection *reflection,
                           struct cflight_service_method ret_methods[CFLIGHT_REFLECTION_METHODS]);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_REFLECTION_H */
