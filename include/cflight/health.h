/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_HEALTH_H
#define CFLIGHT_HEALTH_H

#include "cflight/alloc.h"
#include "cflight/service.h"

/// @file
/// The health service of gRPC, grpc.health.v1: what probes of Kubernetes, load balancers and
/// grpc-health-probe ask.
///
///     cflight_health *health = NULL;
///     struct cflight_service_method methods[CFLIGHT_HEALTH_METHODS];
///     if (cflight_health_new(NULL, &health, &error) != CFLIGHT_OK) { ... }
///     cflight_health_methods(health, methods);
///     options.service_methods = methods;
///     options.service_method_count = CFLIGHT_HEALTH_METHODS;
///
/// The server as a whole (the name "") and the service of Flight are SERVING from the beginning.
/// Before a planned end say NOT_SERVING, and shut down when the balancer has seen it. Thread class:
/// free.
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// Methods of the service: Check, Watch, List.
#define CFLIGHT_HEALTH_METHODS 3

/// The numbers of the protocol.
enum cflight_serving {
    CFLIGHT_SERVING_UNKNOWN = 0,
    CFLIGHT_SERVING = 1,
    CFLIGHT_NOT_SERVING = 2,
};

typedef struct cflight_health cflight_health;

struct cflight_health_options {
    size_t struct_size;
    const struct cflight_allocator *allocator; ///< NULL: the C library
    /// Most calls of Watch at once, each of which has a thread; others are refused with
    /// CFLIGHT_RESOURCE_EXHAUSTED. 0 is 64.
    uint32_t watchers_max;
    /// Asks for credentials as other methods do; otherwise anybody gets an answer.
    bool needs_auth;
};

#define CFLIGHT_HEALTH_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_health_options)

/// Makes the service. It must outlive the server.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_health_new(const struct cflight_health_options *options, cflight_health **ret_health,
                   cflight_error **reterr);
/// NULL is ignored. No server may use it any more.
CFLIGHT_EXPORT void
cflight_health_free(cflight_health *health);
/// Fills the table's methods.
CFLIGHT_EXPORT void
cflight_health_methods(cflight_health *health,
                       struct cflight_service_method ret_methods[CFLIGHT_HEALTH_METHODS]);
/// Says how a service is. Watchers are told.
/// @param service  "" is the server as a whole; any name of at most 1,024 bytes. Copied.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (name, status); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_health_set(cflight_health *health, const char *service, enum cflight_serving serving,
                   cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_HEALTH_H */
