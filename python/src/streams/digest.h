/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_DIGEST_H
#define CFP_DIGEST_H

#include "base/state.h"

/* A digest of the batches of a stream, so that it can be told whether another stream began with the
 * same ones without keeping them. Needs no GIL. Thread class: one at a time. */
struct cfp_digest;

#define CFP_DIGEST_BYTES 16

/* What of the batches goes into a digest. */
enum cfp_digest_scope {
    CFP_DIGEST_WHOLE,
    CFP_DIGEST_SAMPLE, /* of long buffers both ends: for what is said to be the same by others */
};

/* `schema` is borrowed. Digests of one seed and scope can be compared. */
cflight_status cfp_digest_new(const struct ArrowSchema *schema, uint64_t seed,
                              enum cfp_digest_scope scope, struct cfp_digest **ret_digest,
                              cflight_error **reterr);
cflight_status cfp_digest_add(struct cfp_digest *digest, const struct ArrowArray *batch,
                              cflight_error **reterr);
/* Of what was added so far; more may be added. */
void cfp_digest_result(const struct cfp_digest *digest, uint8_t ret_bytes[CFP_DIGEST_BYTES]);
/* NULL is ignored. */
void cfp_digest_free(struct cfp_digest *digest);

#endif /* CFP_DIGEST_H */
