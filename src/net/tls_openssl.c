/* SPDX-License-Identifier: Apache-2.0 */
/* TLS over OpenSSL; this build refuses it until the contexts are in place. */
#include "net/tls.h"

#include "net/tls_conn.h"

static cflight_status refuse(cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED, "TLS is not built in");
}

cflight_status cfl_tls_client_new(const struct cflight_allocator *alloc, const struct cfl_tls_client_options *options,
                                  struct cfl_tls_client **ret_tls, cflight_error **reterr)
{
    (void)alloc;
    (void)options;
    (void)ret_tls;
    return refuse(reterr);
}

struct cfl_tls_client *cfl_tls_client_ref(struct cfl_tls_client *tls)
{
    return tls;
}

void cfl_tls_client_unref(struct cfl_tls_client *tls)
{
    (void)tls;
}

cflight_status cfl_tls_server_new(const struct cflight_allocator *alloc, const struct cfl_tls_server_options *options,
                                  struct cfl_tls_server **ret_tls, cflight_error **reterr)
{
    (void)alloc;
    (void)options;
    (void)ret_tls;
    return refuse(reterr);
}

struct cfl_tls_server *cfl_tls_server_ref(struct cfl_tls_server *tls)
{
    return tls;
}

void cfl_tls_server_unref(struct cfl_tls_server *tls)
{
    (void)tls;
}

cflight_status cfl_tls_server_reload(struct cfl_tls_server *tls, const struct cfl_tls_server_options *options,
                                     cflight_error **reterr)
{
    (void)tls;
    (void)options;
    return refuse(reterr);
}

cflight_status cfl_tls_conn_new_client(const struct cflight_allocator *alloc, struct cfl_tls_client *tls, int fd,
                                       const char *name, const char *peer_name, struct cfl_tls_conn **ret_conn,
                                       cflight_error **reterr)
{
    (void)alloc;
    (void)tls;
    (void)fd;
    (void)name;
    (void)peer_name;
    (void)ret_conn;
    return refuse(reterr);
}

cflight_status cfl_tls_conn_new_server(const struct cflight_allocator *alloc, struct cfl_tls_server *tls, int fd,
                                       const char *peer_name, struct cfl_tls_conn **ret_conn,
                                       cflight_error **reterr)
{
    (void)alloc;
    (void)tls;
    (void)fd;
    (void)peer_name;
    (void)ret_conn;
    return refuse(reterr);
}

void cfl_tls_conn_free(struct cfl_tls_conn *conn)
{
    (void)conn;
}

cflight_status cfl_tls_conn_handshake(struct cfl_tls_conn *conn, unsigned int *ret_wait, cflight_error **reterr)
{
    (void)conn;
    (void)ret_wait;
    return refuse(reterr);
}

cflight_status cfl_tls_conn_describe_peer(struct cfl_tls_conn *conn, struct cfl_peer *peer, cflight_error **reterr)
{
    (void)conn;
    (void)peer;
    return refuse(reterr);
}

cflight_status cfl_tls_conn_read(struct cfl_tls_conn *conn, void *target, size_t size_bytes, size_t *ret_len_bytes,
                                 bool *ret_is_eof, unsigned int *ret_wait, cflight_error **reterr)
{
    (void)conn;
    (void)target;
    (void)size_bytes;
    (void)ret_len_bytes;
    (void)ret_is_eof;
    (void)ret_wait;
    return refuse(reterr);
}

cflight_status cfl_tls_conn_write(struct cfl_tls_conn *conn, const void *data, size_t len_bytes,
                                  size_t *ret_len_bytes, unsigned int *ret_wait, cflight_error **reterr)
{
    (void)conn;
    (void)data;
    (void)len_bytes;
    (void)ret_len_bytes;
    (void)ret_wait;
    return refuse(reterr);
}

bool cfl_tls_conn_has_pending(const struct cfl_tls_conn *conn)
{
    (void)conn;
    return false;
}

void cfl_tls_conn_shutdown(struct cfl_tls_conn *conn)
{
    (void)conn;
}
