/* SPDX-License-Identifier: Apache-2.0 */
/* The context of a client. Thread class: free. */
#include "net/openssl/internal.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"

static cflight_status configure_client(struct cfl_tls_client *tls,
                                       const struct cfl_tls_client_options *options,
                                       cflight_error **reterr)
{
    struct cfl_tls_key_pair pair = {options->cert_chain_pem, options->private_key_pem};
    cflight_status status = cfl_tls_context_new(false, &tls->ctx, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_tls_context_use_policy(tls->ctx, options->policy, &tls->lists_until_s, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (SSL_CTX_set_alpn_protos(tls->ctx, cfl_tls_alpn_h2, sizeof cfl_tls_alpn_h2) != 0) {
        return cfl_error_no_memory(reterr);
    }
    SSL_CTX_set_verify(tls->ctx, options->skip_verification ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       NULL);
    (void)SSL_CTX_set_session_cache_mode(tls->ctx,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls->ctx, cfl_tls_session_keep);
    if (options->root_certs_pem.len_bytes > 0) {
        status = cfl_tls_context_use_roots(tls->ctx, options->root_certs_pem, "root certificates",
                                           false, reterr);
    } else if (!options->skip_verification) {
        status = cfl_tls_context_use_default_roots(tls->ctx, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (pair.cert_chain_pem.len_bytes > 0 || pair.private_key_pem.len_bytes > 0) {
        status =
            cfl_tls_context_use_key_pair(tls->ctx, &pair, "client certificate and key", reterr);
    }
    return status;
}

cflight_status cfl_tls_client_new(const struct cflight_allocator *alloc,
                                  const struct cfl_tls_client_options *options,
                                  struct cfl_tls_client **ret_tls, cflight_error **reterr)
{
    struct cfl_tls_client *tls = cfl_alloc_zeroed(alloc, sizeof *tls);
    if (tls == NULL) {
        return cfl_error_no_memory(reterr);
    }
    tls->alloc = alloc;
    cfl_refcount_init(&tls->refcount);
    (void)pthread_mutex_init(&tls->mutex, NULL);
    tls->skip_verification = options->skip_verification;
    tls->allow_common_name = options->allow_common_name;
    tls->wall_clock = options->wall_clock;
    cflight_status status = configure_client(tls, options, reterr);
    if (status != CFLIGHT_OK) {
        cfl_tls_client_unref(tls);
        return status;
    }
    if (tls->skip_verification) {
        CFL_LOG(CFLIGHT_LOG_WARN, "net", "TLS: certificates of servers are not verified");
    }
    *ret_tls = tls;
    return CFLIGHT_OK;
}

struct cfl_tls_client *cfl_tls_client_ref(struct cfl_tls_client *tls)
{
    if (tls != NULL) {
        cfl_refcount_up(&tls->refcount);
    }
    return tls;
}

void cfl_tls_client_unref(struct cfl_tls_client *tls)
{
    if (tls == NULL || !cfl_refcount_down(&tls->refcount)) {
        return;
    }
    cfl_tls_sessions_free(tls);
    SSL_CTX_free(tls->ctx);
    (void)pthread_mutex_destroy(&tls->mutex);
    cfl_free(tls->alloc, tls, sizeof *tls);
}
