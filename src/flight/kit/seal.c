/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed bytes: "CFSEAL01", the end as eight bytes, the content, and the HMAC of all that, which
 * begins with the holder and how long his name is. Numbers are little endian. Thread class: free.
 */
#include "cflight/seal.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/le.h"
#include "base/secrets.h"
#include "net/mac.h"

static const char MARK[] = "CFSEAL01";

enum { MARK_BYTES = 8, HEAD_BYTES = MARK_BYTES + 8 };

_Static_assert(HEAD_BYTES + CFL_MAC_BYTES == CFLIGHT_SEAL_BYTES, "what sealing adds");

static cflight_status mac_of(struct cflight_bytes key, struct cflight_bytes holder,
                             struct cflight_bytes sealed, uint8_t *ret_mac, cflight_error **reterr)
{
    uint8_t holder_length[8];
    cfl_store_u64le(holder_length, holder.len_bytes);
    const struct cflight_bytes pieces[] = {cflight_bytes_make(holder_length, sizeof holder_length),
                                           holder, sealed};
    if (key.len_bytes < CFLIGHT_SEAL_KEY_BYTES_MIN) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "The key has %zu bytes; at least %d are needed", key.len_bytes,
                                 CFLIGHT_SEAL_KEY_BYTES_MIN);
    }
    return cfl_mac_sha256(key, pieces, sizeof pieces / sizeof pieces[0], ret_mac, reterr);
}

cflight_status cflight_seal(struct cflight_bytes key, struct cflight_bytes holder,
                            int64_t expires_unix_ns, struct cflight_bytes content,
                            cflight_buffer **ret_sealed, cflight_error **reterr)
{
    struct cfl_buf buf;
    uint8_t number[8];
    uint8_t mac[CFL_MAC_BYTES];
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_sealed));
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_buf_init(&buf, NULL);
    cfl_store_u64le(number, (uint64_t)expires_unix_ns);
    (void)cfl_buf_append(&buf, MARK, MARK_BYTES);
    (void)cfl_buf_append(&buf, number, sizeof number);
    (void)cfl_buf_append_bytes(&buf, content);
    status = buf.failed ? cfl_error_no_memory(reterr)
                        : mac_of(key, holder, cfl_buf_bytes(&buf), mac, reterr);
    if (status == CFLIGHT_OK && !cfl_buf_append(&buf, mac, sizeof mac)) {
        status = cfl_error_no_memory(reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_buffer_new_copy(cfl_buf_bytes(&buf), ret_sealed, reterr);
    }
    cfl_buf_done(&buf);
    return status;
}

cflight_status cflight_unseal(struct cflight_bytes key, struct cflight_bytes holder,
                              struct cflight_bytes sealed, struct cflight_bytes *ret_content,
                              cflight_error **reterr)
{
    uint8_t mac[CFL_MAC_BYTES] = {0};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_content));
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_ours =
        sealed.len_bytes >= CFLIGHT_SEAL_BYTES && memcmp(sealed.data, MARK, MARK_BYTES) == 0;
    size_t signed_bytes = is_ours ? sealed.len_bytes - CFL_MAC_BYTES : 0;
    status = mac_of(key, holder, cflight_bytes_make(sealed.data, signed_bytes), mac, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!is_ours || !cfl_equal_in_constant_time(mac, sealed.data + signed_bytes, sizeof mac)) {
        return cflight_error_set_message(
            reterr, CFLIGHT_NOT_FOUND,
            "It was changed, or not made with this server's key for this caller");
    }
    if ((int64_t)cfl_load_u64le(sealed.data + MARK_BYTES) <= cfl_clock_wall_ns()) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND,
                                         "It was not used in time, and has ended");
    }
    *ret_content =
        cflight_bytes_make(sealed.data + HEAD_BYTES, sealed.len_bytes - CFLIGHT_SEAL_BYTES);
    return CFLIGHT_OK;
}
