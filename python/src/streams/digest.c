/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of batches: XXH3 with 128 bits over the messages that cflight would write for them.
 *
 * What was received is not what is digested: servers of other kinds pad and compress in other ways,
 * and cut offsets differently. What is written anew has one form. Two sequences of batches that
 * differ (in a value, in the order of rows, in where a batch ends) have one digest by a chance of
 * 2^-128; it is no protection against a replica that looks for such a pair, as that could send any
 * rows in the first place.
 *
 * The hash comes as a header (libxxhash), so that nothing is linked with it. */
#include "streams/digest.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SAMPLE_BYTES = 512 }; /* of each end */

struct cfp_digest {
    cflight_ipc_writer *writer;
    XXH3_state_t *state;
    enum cfp_digest_scope scope;
};

static int add_bytes(void *user_data, const struct cflight_bytes *views, size_t count)
{
    struct cfp_digest *digest = user_data;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *data = views[i].data;
        size_t len_bytes = views[i].len_bytes;
        if (digest->scope == CFP_DIGEST_SAMPLE && len_bytes > (size_t)2 * SAMPLE_BYTES) {
            (void)XXH3_128bits_update(digest->state, data, SAMPLE_BYTES);
            data += len_bytes - SAMPLE_BYTES;
            len_bytes = SAMPLE_BYTES;
        }
        (void)XXH3_128bits_update(digest->state, data, len_bytes);
    }
    return 0;
}

cflight_status cfp_digest_new(const struct ArrowSchema *schema, uint64_t seed,
                              enum cfp_digest_scope scope, struct cfp_digest **ret_digest,
                              cflight_error **reterr)
{
    cflight_status status = CFLIGHT_RESOURCE_EXHAUSTED;
    struct cfp_digest *digest = PyMem_RawCalloc(1, sizeof(*digest));
    if (digest != NULL) {
        digest->state = XXH3_createState();
    }
    if (digest == NULL || digest->state == NULL) {
        status = cflight_error_set_message(reterr, status, "no memory for a digest");
        goto done;
    }
    (void)XXH3_128bits_reset_withSeed(digest->state, seed);
    digest->scope = scope;
    status = cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_STREAM, schema, add_bytes, digest, NULL,
                                    &digest->writer, reterr);

done:
    if (status != CFLIGHT_OK) {
        cfp_digest_free(digest);
        return status;
    }
    *ret_digest = digest;
    return CFLIGHT_OK;
}

cflight_status cfp_digest_add(struct cfp_digest *digest, const struct ArrowArray *batch,
                              cflight_error **reterr)
{
    return cflight_ipc_writer_write(digest->writer, batch, reterr);
}

void cfp_digest_result(const struct cfp_digest *digest, uint8_t ret_bytes[CFP_DIGEST_BYTES])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(digest->state));
    memcpy(ret_bytes, canonical.digest, CFP_DIGEST_BYTES);
}

void cfp_digest_free(struct cfp_digest *digest)
{
    if (digest == NULL) {
        return;
    }
    cflight_ipc_writer_free(digest->writer);
    (void)XXH3_freeState(digest->state);
    PyMem_RawFree(digest);
}
