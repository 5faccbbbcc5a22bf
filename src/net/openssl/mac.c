/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA-256 by OpenSSL. Thread class: free. */
#include "net/mac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

cflight_status cfl_mac_sha256(struct cflight_bytes key, const struct cflight_bytes *pieces,
                              size_t count, uint8_t ret_mac[CFL_MAC_BYTES], cflight_error **reterr)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t len_bytes = 0;
    EVP_MAC *method = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(method);
    bool is_well = mac != NULL && EVP_MAC_init(mac, key.data, key.len_bytes, parameters) == 1;
    for (size_t i = 0; i < count && is_well; i++) {
        is_well = pieces[i].len_bytes == 0 ||
                  EVP_MAC_update(mac, pieces[i].data, pieces[i].len_bytes) == 1;
    }
    is_well = is_well && EVP_MAC_final(mac, ret_mac, &len_bytes, CFL_MAC_BYTES) == 1 &&
              len_bytes == CFL_MAC_BYTES;
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(method);
    return is_well ? CFLIGHT_OK
                   : cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                               "OpenSSL could not compute an HMAC");
}
