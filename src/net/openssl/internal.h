/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_OPENSSL_INTERNAL_H
#define CFL_NET_OPENSSL_INTERNAL_H

#define OPENSSL_API_COMPAT 30000
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/refcount.h"
#include "net/tls.h"
#include "net/tls_conn.h"

/* What the files of this folder share. Only they include OpenSSL, and only they include this
 * header; all others see net/tls.h and net/tls_conn.h. */

enum {
    CFL_TLS_SESSIONS_MAX = 16, /* that a client keeps */
    CFL_TLS_DIGEST_BYTES = 32, /* SHA-256 */
};

struct cfl_tls_ticket_keys;

struct cfl_tls_saved_session {
    char *key;
    SSL_SESSION *session;
    uint64_t age; /* larger is younger */
    int64_t resumable_until_s;
};

struct cfl_tls_client {
    const struct cflight_allocator *alloc;
    struct cfl_refcount refcount;
    SSL_CTX *ctx;
    bool skip_verification;
    bool allow_common_name;
    const struct cfl_clock *wall_clock; /* NULL: the system's */
    int64_t lists_until_s;              /* when a revocation list runs out */
    pthread_mutex_t mutex;
    struct {
        struct cfl_tls_saved_session sessions[CFL_TLS_SESSIONS_MAX];
        uint64_t last_age;
    } locked;
};

/* What a server presents and demands at one time: unchangeable, shared by its connections. */
struct cfl_tls_server_set {
    const struct cflight_allocator *alloc;
    struct cfl_refcount refcount;
    const struct cfl_clock *wall_clock;      /* NULL: the system's */
    int64_t lists_until_s;                   /* when a revocation list runs out */
    struct cfl_tls_ticket_keys *ticket_keys; /* counted */
    uint8_t digest[CFL_TLS_DIGEST_BYTES];    /* of all that makes up the set */
    size_t count;
    SSL_CTX *contexts[]; /* one per key pair */
};

struct cfl_tls_conn {
    const struct cflight_allocator *alloc;
    SSL *ssl;
    struct cfl_tls_client *client;  /* NULL on the server side */
    struct cfl_tls_server_set *set; /* NULL on the client side */
    char *peer_name;
    char *name;             /* that the certificate must be for; client side only */
    char *session_key;      /* client side only */
    struct cfl_buf refusal; /* terminated: why the peer's certificate was refused */
    bool is_established;
    bool is_broken;
    bool is_flooding; /* the peer sends handshake messages without end */
    bool is_eof;
    bool is_dry;               /* the last read used up what was there */
    bool has_refused_record;   /* a write is to be repeated */
    bool has_more;             /* another record follows at once */
    bool is_in_bulk;           /* the last read was a full record */
    bool keeps_buffers;        /* OpenSSL was told to keep those that are empty */
    int64_t resumable_until_s; /* wall clock, for sessions of this connection; 0: not known yet */
    int readable_bytes;        /* that the socket may still give to this call into OpenSSL */
    uint32_t message_count;    /* handshake messages of the peer, since: */
    int64_t messages_since_ns;
    char *subject;
    char *identity;
    char **sans;
    size_t san_count;
    size_t san_capacity;
};

/* ---- socket.c ---- */

/* Must have succeeded before cfl_tls_socket_new(); false when memory ran out. */
bool cfl_tls_socket_prepare(void);
/* A BIO on a borrowed descriptor that looks at conn->has_more; NULL when memory ran out. */
BIO *cfl_tls_socket_new(struct cfl_tls_conn *conn, int fd);

/* ---- flood.c ---- */

/* Before every call into OpenSSL that may read. */
void cfl_tls_flood_begin(struct cfl_tls_conn *conn);
/* For SSL_CTX_set_msg_callback(). */
void cfl_tls_flood_count(int is_write, int version, int content_type, const void *data,
                         size_t len_bytes, SSL *ssl, void *user_data);

/* ---- errors.c ---- */

/* The reason of the first error in the queue; out of memory goes its own way. */
cflight_status cfl_tls_library_error(cflight_error **reterr, cflight_status status,
                                     const char *what);
/* Makes the error of an operation that failed for good, and breaks the connection. `what` is
 * "handshake with", "read from" or "write to". */
cflight_status cfl_tls_conn_error(struct cfl_tls_conn *conn, const char *what, int ssl_error,
                                  int os_code, cflight_error **reterr);
/* The same for a peer that did not agree on HTTP/2. */
cflight_status cfl_tls_no_alpn_error(struct cfl_tls_conn *conn, cflight_error **reterr);

/* ---- pem.c: `what` names the text in errors ---- */

/* One or more certificates. */
cflight_status cfl_tls_read_certificates(struct cflight_bytes pem, const char *what,
                                         STACK_OF(X509) * *ret_certs, cflight_error **reterr);
cflight_status cfl_tls_read_revocation_lists(struct cflight_bytes pem, const char *what,
                                             STACK_OF(X509_CRL) * *ret_lists,
                                             cflight_error **reterr);
cflight_status cfl_tls_read_private_key(struct cflight_bytes pem, const char *what,
                                        EVP_PKEY **ret_key, cflight_error **reterr);

/* ---- context.c ---- */

/* The only protocol, as ALPN writes lists (RFC 7301 3.1). */
extern const uint8_t cfl_tls_alpn_h2[3];

cflight_status cfl_tls_context_new(bool is_server, SSL_CTX **ret_ctx, cflight_error **reterr);
/* Gives a context its certificate, the chain behind it, and its key. */
cflight_status cfl_tls_context_use_key_pair(SSL_CTX *ctx, const struct cfl_tls_key_pair *pair,
                                            const char *what, cflight_error **reterr);
/* Makes `pem` the only trust anchors of a context. */
cflight_status cfl_tls_context_use_roots(SSL_CTX *ctx, struct cflight_bytes pem, const char *what,
                                         bool is_server, cflight_error **reterr);
/* Makes what the machine trusts the trust anchors. */
cflight_status cfl_tls_context_use_default_roots(SSL_CTX *ctx, cflight_error **reterr);

/* ---- policy.c ---- */

/* `policy` may be NULL. `*ret_until_s` is when the first revocation list runs out. */
cflight_status cfl_tls_context_use_policy(SSL_CTX *ctx, const struct cflight_tls_policy *policy,
                                          int64_t *ret_until_s, cflight_error **reterr);

/* ---- names.c ---- */

/* Appends "DNS:name" and the like; false for kinds that nobody compares with anything. */
bool cfl_tls_append_san(struct cfl_buf *buf, const GENERAL_NAME *name);
/* Appends a DNS or URI name as it is, for the peer's identity; false for other kinds. One with a
 * zero byte is escaped. */
bool cfl_tls_append_san_identity(struct cfl_buf *buf, const GENERAL_NAME *name);
/* The same for the first common name of the subject, if there is one. */
void cfl_tls_append_common_name(struct cfl_buf *buf, X509 *cert);
/* Appends the subject as RFC 2253 writes it. */
void cfl_tls_append_subject(struct cfl_buf *buf, X509 *cert);
/* NULL when there are none; freed with GENERAL_NAMES_free(). */
GENERAL_NAMES *cfl_tls_alternative_names(X509 *cert);
/* Parses an IPv4 or IPv6 address; returns its length, or 0. */
size_t cfl_tls_parse_ip(const char *name, unsigned char ret_ip[16]);
bool cfl_tls_is_certificate_for(X509 *cert, const char *name, bool allow_common_name);

/* ---- verify.c ---- */

/* For SSL_CTX_set_cert_verify_callback(). */
int cfl_tls_verify_peer(X509_STORE_CTX *store, void *user_data);

/* ---- tickets.c ---- */

/* NULL when memory ran out. */
struct cfl_tls_ticket_keys *cfl_tls_ticket_keys_new(const struct cflight_allocator *alloc);
struct cfl_tls_ticket_keys *cfl_tls_ticket_keys_ref(struct cfl_tls_ticket_keys *keys);
void cfl_tls_ticket_keys_unref(struct cfl_tls_ticket_keys *keys);
/* Has the tickets of a server's context made with the keys of its set. */
bool cfl_tls_tickets_prepare(SSL_CTX *ctx);

/* ---- sessions.c ---- */

/* The earlier of a time and an ASN.1 one; what cannot be read is in the past. */
int64_t cfl_tls_earlier_s(int64_t until_s, const ASN1_TIME *end);
/* Seconds since 1970. */
int64_t cfl_tls_now_s(const struct cfl_clock *wall_clock);
/* Until when the session of a full handshake may be resumed, given the verified chain of the peer,
 * or NULL. */
int64_t cfl_tls_resumable_until_s(const struct cfl_tls_conn *conn, STACK_OF(X509) * chain);

/* For SSL_CTX_sess_set_new_cb(). */
int cfl_tls_session_keep(SSL *ssl, SSL_SESSION *session);
/* Offers the kept session of this peer to the connection, before its handshake. */
void cfl_tls_session_offer(struct cfl_tls_conn *conn);
/* Frees all sessions of a client that nobody uses any more. */
void cfl_tls_sessions_free(struct cfl_tls_client *tls);

/* ---- server.c ---- */

/* A reference to what the server presents now. */
struct cfl_tls_server_set *cfl_tls_server_current_set(struct cfl_tls_server *tls);
void cfl_tls_server_set_unref(struct cfl_tls_server_set *set);

#endif /* CFL_NET_OPENSSL_INTERNAL_H */
