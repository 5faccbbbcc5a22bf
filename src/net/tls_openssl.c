/* SPDX-License-Identifier: Apache-2.0 */
/* TLS over OpenSSL: contexts, certificates, names, connections. The only file that includes
 * OpenSSL, which is why it is longer than others.
 *
 * Policy: TLS 1.2 and 1.3, forward secrecy and AEAD ciphers only, no renegotiation, no compression,
 * ALPN "h2" or no connection (RFC 9113 3.2, 9.2). Names are checked here and not by OpenSSL's own
 * hook, because the common name may count only for a certificate without any subject alternative
 * name, and because the message must name both sides. Sessions: a client keeps the latest session
 * of each peer and name; a TLS 1.3 session is used once (RFC 8446 C.4). A server keeps none: its
 * tickets are sealed with keys of its context, so a reload makes the old ones worthless. OpenSSL's
 * error queue belongs to the thread; it is cleared before every operation that is judged by it.
 * Private keys pass from PEM to OpenSSL through memory that is wiped, and no text here quotes PEM.
 * Thread class: contexts free; connections one at a time. */
#define OPENSSL_API_COMPAT 30000
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/refcount.h"
#include "net/tls_conn.h"

enum {
    SESSIONS_MAX = 16,         /* that a client keeps */
    READ_BUFFER_BYTES = 65536, /* ciphertext taken from the socket at a time */
    CLIENT_CA_NAMES_MAX =
        64,               /* that a server sends as a hint to clients with several certificates */
    MESSAGE_SANS_MAX = 8, /* names of a certificate that an error lists */
};

static const char TLS12_CIPHERS[] =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aNULL:!PSK";
static const char TLS13_CIPHERS[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const uint8_t ALPN_H2[] = {2, 'h', '2'};
static const uint8_t SESSION_CONTEXT[] = "cflight";

struct saved_session {
    char *key;
    SSL_SESSION *session;
    uint64_t age; /* larger is younger */
};

struct cfl_tls_client {
    const struct cflight_allocator *alloc;
    struct cfl_refcount refcount;
    SSL_CTX *ctx;
    bool skip_verification;
    bool allow_common_name;
    pthread_mutex_t mutex;
    struct {
        struct saved_session sessions[SESSIONS_MAX];
        uint64_t last_age;
    } locked;
};

/* What a server presents and demands at one time: unchangeable, shared by its connections. */
struct server_set {
    const struct cflight_allocator *alloc;
    struct cfl_refcount refcount;
    size_t count;
    SSL_CTX *contexts[]; /* one per key pair */
};

struct cfl_tls_server {
    const struct cflight_allocator *alloc;
    struct cfl_refcount refcount;
    pthread_mutex_t mutex;
    struct {
        struct server_set *set;
    } locked;
};

struct cfl_tls_conn {
    const struct cflight_allocator *alloc;
    SSL *ssl;
    struct cfl_tls_client *client; /* NULL on the server side */
    struct server_set *set;        /* NULL on the client side */
    char *peer_name;
    char *name;             /* that the certificate must be for; client side only */
    char *session_key;      /* client side only */
    struct cfl_buf refusal; /* terminated: why the peer's certificate was refused */
    bool is_established;
    bool is_broken;
    bool is_eof;
    bool is_dry;             /* the last read used up what was there */
    bool has_refused_record; /* a write is to be repeated */
    bool has_more;           /* another record follows at once */
    char *subject;
    char *identity;
    char **sans;
    size_t san_count;
    size_t san_capacity;
};

/* ---- The socket below: OpenSSL's own, but for SIGPIPE ---- */

static pthread_once_t socket_method_once = PTHREAD_ONCE_INIT;
static BIO_METHOD *socket_method; /* NULL when memory ran out */
static int (*socket_write_fn)(BIO *bio, const char *data, int len_bytes);

/* OpenSSL's write, with SIGPIPE held back from this thread: with kernel TLS, only it can send
 * control records. */
static int write_without_sigpipe(BIO *bio, const char *data, int len_bytes)
{
    sigset_t pipe_set;
    sigset_t before;
    sigset_t pending;
    const struct timespec at_once = {0, 0};
    (void)sigemptyset(&pipe_set);
    (void)sigaddset(&pipe_set, SIGPIPE);
    (void)sigemptyset(&pending);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_set, &before);
    int result = socket_write_fn(bio, data, len_bytes);
    int saved_errno = errno;
    if (result < 0 && saved_errno == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
        (void)sigtimedwait(&pipe_set, NULL, &at_once);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved_errno;
    return result;
}

/* MSG_MORE lets the system fill packets across records: fewer of them, and fewer wake-ups of the
 * peer. */
static int socket_write(BIO *bio, const char *data, int len_bytes)
{
    int fd = -1;
    if (BIO_get_ktls_send(bio)) {
        return write_without_sigpipe(bio, data, len_bytes);
    }
    (void)BIO_get_fd(bio, &fd);
    BIO_clear_retry_flags(bio);
    const struct cfl_tls_conn *conn = BIO_get_app_data(bio);
    int flags = MSG_NOSIGNAL | (conn->has_more ? MSG_MORE : 0);
    ssize_t written_bytes = send(fd, data, (size_t)len_bytes, flags);
    if (written_bytes < 0 && BIO_sock_should_retry((int)written_bytes)) {
        BIO_set_retry_write(bio);
    }
    return (int)written_bytes;
}

static void make_socket_method(void)
{
    const BIO_METHOD *original = BIO_s_socket();
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");
    if (method == NULL) {
        return;
    }
    socket_write_fn = BIO_meth_get_write(original);
    (void)BIO_meth_set_write(method, socket_write);
    (void)BIO_meth_set_read(method, BIO_meth_get_read(original));
    (void)BIO_meth_set_puts(method, BIO_meth_get_puts(original));
    (void)BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(original));
    (void)BIO_meth_set_create(method, BIO_meth_get_create(original));
    (void)BIO_meth_set_destroy(method, BIO_meth_get_destroy(original));
    socket_method = method;
}

/* ---- Errors ---- */

/* The reason of the first error in the queue; out of memory goes its own way. */
static cflight_status library_error(cflight_error **reterr, cflight_status status, const char *what)
{
    unsigned long code = ERR_peek_error();
    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
        return cfl_error_no_memory(reterr);
    }
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    return cflight_error_set(reterr, status, "%s: %s", what,
                             reason == NULL ? "TLS library error" : reason);
}

/* The address without its scheme. */
static const char *peer_text(const struct cfl_tls_conn *conn)
{
    const char *colon = strchr(conn->peer_name, ':');
    return colon == NULL || colon[1] == '\0' ? conn->peer_name : colon + 1;
}

/* What the reasons that users meet mean; NULL for others. */
static const char *explain_reason(int reason, bool is_server)
{
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_BAD_RECORD_TYPE:
        return "the peer does not speak TLS";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return is_server ? "the peer closed the connection; it may have refused the certificate, "
                           "or not speak TLS"
                         : "the peer closed the connection; it may not speak TLS on this port";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "no TLS version in common; this side speaks TLS 1.2 and 1.3";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return "no cipher or other parameter in common";
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    case SSL_R_CLIENTHELLO_TLSEXT:
    case SSL_R_CALLBACK_FAILED:
        return "the peer does not offer HTTP/2 (ALPN \"h2\")";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "the peer sent no certificate, and one is required";
    default:
        return NULL;
    }
}

static void add_peer(cflight_error **reterr, const struct cfl_tls_conn *conn,
                     enum cflight_retry retry)
{
    if (reterr != NULL && *reterr != NULL) {
        cfl_error_set_peer(*reterr, conn->peer_name);
        cfl_error_set_retry(*reterr, retry);
    }
}

/* Makes the error of an operation that failed for good. `what` is "handshake with", "read from" or
 * "write to". */
static cflight_status conn_failed(struct cfl_tls_conn *conn, const char *what, int ssl_error,
                                  int os_code, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_UNAVAILABLE;
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);
    enum cflight_retry retry = conn->is_established ? CFLIGHT_RETRY_UNSAFE : CFLIGHT_RETRY_NEVER;
    conn->is_broken = true;
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING && !conn->is_established) {
        retry = CFLIGHT_RETRY_SAFE;
    }
    if (reason == ERR_R_MALLOC_FAILURE) {
        return cfl_error_no_memory(reterr);
    }
    if (conn->refusal.len_bytes > 0) {
        status = cflight_error_set(reterr, status, "TLS %s %s failed: %s", what, peer_text(conn),
                                   conn->refusal.failed ? "the certificate was refused"
                                                        : (const char *)conn->refusal.data);
    } else if (ssl_error == SSL_ERROR_SYSCALL && os_code != 0) {
        status =
            cfl_error_set_os(reterr, status, os_code, "TLS %s %s failed", what, peer_text(conn));
        retry = conn->is_established ? CFLIGHT_RETRY_UNSAFE : CFLIGHT_RETRY_SAFE;
    } else if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
               explain_reason(reason, conn->client == NULL) != NULL) {
        status = cflight_error_set(reterr, status, "TLS %s %s failed: %s", what, peer_text(conn),
                                   explain_reason(reason, conn->client == NULL));
    } else {
        bool is_alert = ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET;
        const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
        status = cflight_error_set(reterr, status, "TLS %s %s failed: %s%s", what, peer_text(conn),
                                   is_alert ? "the peer refused: " : "",
                                   text == NULL ? "the connection broke" : text);
    }
    add_peer(reterr, conn, retry);
    return status;
}

/* ---- PEM ---- */

static int no_password(char *buffer, int size_bytes, int is_writing, void *user_data)
{
    (void)buffer;
    (void)size_bytes;
    (void)is_writing;
    (void)user_data;
    return -1; /* otherwise OpenSSL would ask on the terminal */
}

static bool bytes_contain(const uint8_t *data, size_t len_bytes, const char *text)
{
    size_t text_bytes = strlen(text);
    for (size_t i = 0; i + text_bytes <= len_bytes; i++) {
        if (memcmp(data + i, text, text_bytes) == 0) {
            return true;
        }
    }
    return false;
}

/* A block that begins and does not end. */
static bool is_cut_short(struct cflight_bytes pem)
{
    static const char BEGIN[] = "-----BEGIN ";
    size_t last = SIZE_MAX;
    for (size_t i = 0; i + sizeof BEGIN - 1 <= pem.len_bytes; i++) {
        if (memcmp(pem.data + i, BEGIN, sizeof BEGIN - 1) == 0) {
            last = i;
        }
    }
    return last != SIZE_MAX && !bytes_contain(pem.data + last, pem.len_bytes - last, "-----END ");
}

static cflight_status bad_pem(cflight_error **reterr, struct cflight_bytes pem, const char *what,
                              const char *kind)
{
    unsigned long code = ERR_peek_last_error();
    int reason = ERR_GET_REASON(code);
    if (reason == ERR_R_MALLOC_FAILURE) {
        return cfl_error_no_memory(reterr);
    }
    if (is_cut_short(pem)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the PEM text is cut short",
                                 what);
    }
    if (ERR_GET_LIB(code) == ERR_LIB_PEM && reason == PEM_R_NO_START_LINE) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s: there is no %s in the PEM text", what, kind);
    }
    if (ERR_GET_LIB(code) == ERR_LIB_PEM && reason == PEM_R_BAD_PASSWORD_READ) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the key is encrypted",
                                 what);
    }
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the PEM text is damaged: %s",
                             what, text == NULL ? "unreadable" : text);
}

static cflight_status open_pem(struct cflight_bytes pem, const char *what, BIO **ret_bio,
                               cflight_error **reterr)
{
    ERR_clear_error();
    if (pem.len_bytes > INT_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the PEM text is too long",
                                 what);
    }
    *ret_bio =
        BIO_new_mem_buf(pem.len_bytes == 0 ? "" : (const void *)pem.data, (int)pem.len_bytes);
    return *ret_bio == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

/* Reads one or more certificates. */
static cflight_status read_certificates(struct cflight_bytes pem, const char *what,
                                        STACK_OF(X509) * *ret_certs, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    BIO *bio = NULL;
    X509 *cert = NULL;
    STACK_OF(X509) *certs = sk_X509_new_null();
    if (certs == NULL) {
        return cfl_error_no_memory(reterr);
    }
    status = open_pem(pem, what, &bio, reterr);
    while (status == CFLIGHT_OK &&
           (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
        if (sk_X509_push(certs, cert) == 0) {
            X509_free(cert);
            status = cfl_error_no_memory(reterr);
        }
    }
    if (status == CFLIGHT_OK) {
        unsigned long code = ERR_peek_last_error();
        bool is_end =
            ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
        if (!is_end || sk_X509_num(certs) == 0 || is_cut_short(pem)) {
            status = bad_pem(reterr, pem, what, "certificate");
        }
    }
    BIO_free(bio);
    ERR_clear_error();
    if (status != CFLIGHT_OK) {
        sk_X509_pop_free(certs, X509_free);
        return status;
    }
    *ret_certs = certs;
    return CFLIGHT_OK;
}

static cflight_status read_private_key(struct cflight_bytes pem, const char *what,
                                       EVP_PKEY **ret_key, cflight_error **reterr)
{
    BIO *bio = NULL;
    char *kind = NULL;
    unsigned char *der = NULL;
    long der_bytes = 0;
    EVP_PKEY *key = NULL;
    cflight_status status = open_pem(pem, what, &bio, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (PEM_bytes_read_bio_secmem(&der, &der_bytes, &kind, PEM_STRING_EVP_PKEY, bio, no_password,
                                  NULL) != 1) {
        status = bad_pem(reterr, pem, what, "private key");
        goto done;
    }
    if (strcmp(kind, PEM_STRING_PKCS8) == 0) {
        status =
            cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the key is encrypted", what);
        goto done;
    }
    const unsigned char *position = der;
    key = d2i_AutoPrivateKey(NULL, &position, der_bytes);
    if (key == NULL) {
        status = bad_pem(reterr, pem, what, "private key");
        goto done;
    }
    *ret_key = key;

done:
    if (der != NULL) {
        OPENSSL_cleanse(der, (size_t)der_bytes);
        OPENSSL_secure_free(der);
    }
    OPENSSL_secure_free(kind);
    BIO_free(bio);
    ERR_clear_error();
    return status;
}

/* Gives a context its certificate, the chain behind it, and its key. */
static cflight_status use_key_pair(SSL_CTX *ctx, const struct cfl_tls_key_pair *pair,
                                   const char *what, cflight_error **reterr)
{
    STACK_OF(X509) *certs = NULL;
    EVP_PKEY *key = NULL;
    cflight_status status = read_certificates(pair->cert_chain_pem, what, &certs, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    status = read_private_key(pair->private_key_pem, what, &key, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    if (X509_check_private_key(sk_X509_value(certs, 0), key) != 1) {
        status =
            cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                              "%s: the private key does not match the first certificate", what);
        goto done;
    }
    bool is_taken = SSL_CTX_use_certificate(ctx, sk_X509_value(certs, 0)) == 1 &&
                    SSL_CTX_use_PrivateKey(ctx, key) == 1;
    for (int i = 1; i < sk_X509_num(certs); i++) {
        is_taken = is_taken && SSL_CTX_add1_chain_cert(ctx, sk_X509_value(certs, i)) == 1;
    }
    if (!is_taken) {
        status = library_error(reterr, CFLIGHT_INVALID_ARGUMENT, what);
    }

done:
    EVP_PKEY_free(key);
    sk_X509_pop_free(certs, X509_free);
    ERR_clear_error();
    return status;
}

/* Makes `pem` the only trust anchors of a context. Any of them may be an anchor, also one that
 * another signed: whoever lists a certificate trusts it. */
static cflight_status use_roots(SSL_CTX *ctx, struct cflight_bytes pem, const char *what,
                                bool is_server, cflight_error **reterr)
{
    STACK_OF(X509) *certs = NULL;
    cflight_status status = read_certificates(pem, what, &certs, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    int count = sk_X509_num(certs);
    for (int i = 0; i < count && status == CFLIGHT_OK; i++) {
        X509 *cert = sk_X509_value(certs, i);
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) != 1 ||
            (is_server && count <= CLIENT_CA_NAMES_MAX && SSL_CTX_add_client_CA(ctx, cert) != 1)) {
            status = library_error(reterr, CFLIGHT_INVALID_ARGUMENT, what);
        }
    }
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    sk_X509_pop_free(certs, X509_free);
    return status;
}

/* What the machine trusts: where OpenSSL was built to look (and SSL_CERT_FILE, SSL_CERT_DIR); when
 * that place does not exist, as with an OpenSSL that travels in a package, where distributions keep
 * it. */
static cflight_status use_system_roots(SSL_CTX *ctx, cflight_error **reterr)
{
    static const char *const FILES[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };
    ERR_clear_error();
    if (SSL_CTX_set_default_verify_paths(ctx) != 1) {
        return library_error(reterr, CFLIGHT_UNAVAILABLE, "cannot use the system's trust store");
    }
    bool is_found = getenv(X509_get_default_cert_file_env()) != NULL ||
                    getenv(X509_get_default_cert_dir_env()) != NULL ||
                    access(X509_get_default_cert_file(), R_OK) == 0 ||
                    access(X509_get_default_cert_dir(), R_OK) == 0;
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0] && !is_found; i++) {
        is_found = access(FILES[i], R_OK) == 0 && SSL_CTX_load_verify_file(ctx, FILES[i]) == 1;
    }
    ERR_clear_error();
    return CFLIGHT_OK;
}

/* ---- Names of a certificate ---- */

/* Appends text of a certificate, which a stranger wrote: what is not printable ASCII, and the
 * backslash, as \xx. */
static void append_escaped(struct cfl_buf *buf, const unsigned char *data, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        if (data[i] > 0x20 && data[i] < 0x7f && data[i] != '\\') {
            (void)cfl_buf_append_u8(buf, data[i]);
        } else {
            (void)cfl_buf_append_format(buf, "\\%02x", data[i]);
        }
    }
}

/* Appends "DNS:name" and the like; false for kinds that nobody compares with anything. */
static bool append_san(struct cfl_buf *buf, const GENERAL_NAME *name)
{
    int kind = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    const char *scheme = kind == GEN_DNS ? "DNS:" : kind == GEN_URI ? "URI:" : "email:";
    if (kind == GEN_DNS || kind == GEN_URI || kind == GEN_EMAIL) {
        (void)cfl_buf_append_text(buf, scheme);
        append_escaped(buf, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
        return true;
    }
    if (kind == GEN_IPADD) {
        char text[INET6_ADDRSTRLEN] = "";
        int len_bytes = ASN1_STRING_length(value);
        if ((len_bytes == 4 || len_bytes == 16) &&
            inet_ntop(len_bytes == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), text,
                      sizeof text) != NULL) {
            (void)cfl_buf_append_format(buf, "IP:%s", text);
            return true;
        }
    }
    return false;
}

/* Appends the first common name of the subject, if there is one. */
static void append_common_name(struct cfl_buf *buf, X509 *cert)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (index >= 0) {
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
        append_escaped(buf, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    }
}

/* Appends the subject as RFC 2253 writes it. */
static void append_subject(struct cfl_buf *buf, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (bio == NULL ||
        X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) < 0) {
        buf->failed = true;
    } else {
        long text_bytes = BIO_get_mem_data(bio, &text);
        (void)cfl_buf_append(buf, text, (size_t)text_bytes);
    }
    BIO_free(bio);
}

static GENERAL_NAMES *subject_alternative_names(X509 *cert)
{
    return X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
}

/* Parses an IPv4 or IPv6 address; returns its length, or 0. */
static size_t parse_ip(const char *name, unsigned char ret_ip[16])
{
    if (inet_pton(AF_INET, name, ret_ip) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, name, ret_ip) == 1 ? 16 : 0;
}

/* RFC 6125 6.4, RFC 9110 4.3.4: addresses match addresses only; the common name counts only where
 * the caller allows it and the certificate has no subject alternative name of any kind. */
static bool is_certificate_for(X509 *cert, const char *name, bool allow_common_name)
{
    unsigned char ip[16];
    size_t ip_bytes = parse_ip(name, ip);
    if (ip_bytes > 0) {
        return X509_check_ip(cert, ip, ip_bytes, 0) == 1;
    }
    if (name[0] == '.' || name[0] == '\0') {
        return false; /* OpenSSL would take a leading dot for "any host below" */
    }
    bool has_sans = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) >= 0;
    unsigned int flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    if (has_sans || !allow_common_name) {
        flags |= X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    }
    return X509_check_host(cert, name, strlen(name), flags, NULL) == 1;
}

/* ---- Verification of the peer ---- */

/* Says for whom a certificate is, and for whom not. */
static void describe_mismatch(struct cfl_tls_conn *conn, X509 *cert)
{
    struct cfl_buf *text = &conn->refusal;
    GENERAL_NAMES *sans = subject_alternative_names(cert);
    int count = sans == NULL ? 0 : sk_GENERAL_NAME_num(sans);
    (void)cfl_buf_append_text(text, "certificate is for ");
    if (count == 0) {
        (void)cfl_buf_append_text(text, "CN:");
        append_common_name(text, cert);
        if (!conn->client->allow_common_name) {
            (void)cfl_buf_append_text(text,
                                      " without a subject alternative name, which alone counts");
        }
    }
    for (int i = 0; i < count && i < MESSAGE_SANS_MAX; i++) {
        (void)cfl_buf_append_text(text, i > 0 ? ", " : "");
        if (!append_san(text, sk_GENERAL_NAME_value(sans, i))) {
            (void)cfl_buf_append_text(text, "another kind of name");
        }
    }
    if (count > MESSAGE_SANS_MAX) {
        (void)cfl_buf_append_format(text, " and %d more", count - MESSAGE_SANS_MAX);
    }
    (void)cfl_buf_append_format(text, ", not for '%s'", conn->name);
    (void)cfl_buf_append_u8(text, 0);
    GENERAL_NAMES_free(sans);
}

static void describe_refusal(struct cfl_tls_conn *conn, X509_STORE_CTX *store)
{
    struct cfl_buf *text = &conn->refusal;
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    (void)cfl_buf_append_format(text, "certificate %s%s%s is not valid: %s",
                                conn->client != NULL ? "for '" : "of the client",
                                conn->client != NULL ? conn->name : "",
                                conn->client != NULL ? "'" : "",
                                X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    if (cert != NULL) {
        (void)cfl_buf_append_text(text, " (subject \"");
        append_subject(text, cert);
        (void)cfl_buf_append_text(text, "\")");
    }
    (void)cfl_buf_append_u8(text, 0);
}

static int verify_peer(X509_STORE_CTX *store, void *user_data)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct cfl_tls_conn *conn = SSL_get_app_data(ssl);
    (void)user_data;
    if (conn->client != NULL && conn->client->skip_verification) {
        return 1;
    }
    cfl_buf_clear(&conn->refusal);
    if (X509_verify_cert(store) != 1) {
        describe_refusal(conn, store);
        return 0;
    }
    X509 *cert = X509_STORE_CTX_get0_cert(store);
    if (conn->client != NULL &&
        !is_certificate_for(cert, conn->name, conn->client->allow_common_name)) {
        describe_mismatch(conn, cert);
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
    }
    return 1;
}

/* ---- Contexts ---- */

/* The part that clients and servers share. */
static cflight_status new_context(bool is_server, SSL_CTX **ret_ctx, cflight_error **reterr)
{
    ERR_clear_error();
    (void)pthread_once(&socket_method_once, make_socket_method);
    if (socket_method == NULL) {
        return cfl_error_no_memory(reterr);
    }
    SSL_CTX *ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (ctx == NULL) {
        return library_error(reterr, CFLIGHT_INTERNAL, "cannot make a TLS context");
    }
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(ctx, TLS12_CIPHERS) != 1) {
        SSL_CTX_free(ctx);
        return library_error(reterr, CFLIGHT_INTERNAL, "cannot set up a TLS context");
    }
    (void)SSL_CTX_set_ciphersuites(
        ctx, TLS13_CIPHERS); /* a preference: a restricted library may lack one */
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_ENABLE_KTLS | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_PRIORITIZE_CHACHA);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, READ_BUFFER_BYTES);
    SSL_CTX_set_cert_verify_callback(ctx, verify_peer, NULL);
    *ret_ctx = ctx;
    return CFLIGHT_OK;
}

static void free_session(const struct cfl_tls_client *tls, const struct saved_session *saved)
{
    cfl_strfree(tls->alloc, saved->key);
    SSL_SESSION_free(saved->session);
}

/* The slot of a key, or NULL. */
static struct saved_session *find_session_locked(struct cfl_tls_client *tls, const char *key)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct saved_session *saved = &tls->locked.sessions[i];
        if (saved->key != NULL && strcmp(saved->key, key) == 0) {
            return saved;
        }
    }
    return NULL;
}

/* An empty slot (age 0), else the one of the oldest session. */
static struct saved_session *oldest_session_locked(struct cfl_tls_client *tls)
{
    struct saved_session *oldest = &tls->locked.sessions[0];
    for (size_t i = 1; i < SESSIONS_MAX; i++) {
        if (tls->locked.sessions[i].age < oldest->age) {
            oldest = &tls->locked.sessions[i];
        }
    }
    return oldest;
}

/* OpenSSL offers a session that can be resumed. Returns 1 when it is kept. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    const struct cfl_tls_conn *conn = SSL_get_app_data(ssl);
    struct cfl_tls_client *tls = conn->client;
    char *key = cfl_strndup(tls->alloc, conn->session_key, strlen(conn->session_key));
    if (key == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&tls->mutex);
    struct saved_session *slot = find_session_locked(tls, key);
    if (slot == NULL) {
        slot = oldest_session_locked(tls);
    }
    struct saved_session replaced = *slot;
    slot->key = key;
    slot->session = session;
    slot->age = ++tls->locked.last_age;
    (void)pthread_mutex_unlock(&tls->mutex);
    free_session(tls, &replaced);
    return 1;
}

static void offer_session(struct cfl_tls_conn *conn)
{
    struct cfl_tls_client *tls = conn->client;
    struct saved_session used = {.key = NULL};
    (void)pthread_mutex_lock(&tls->mutex);
    struct saved_session *saved = find_session_locked(tls, conn->session_key);
    if (saved != NULL) {
        (void)SSL_set_session(conn->ssl, saved->session); /* takes a reference of its own */
        if (SSL_SESSION_get_protocol_version(saved->session) >= TLS1_3_VERSION) {
            used = *saved;
            memset(saved, 0, sizeof *saved);
        }
    }
    (void)pthread_mutex_unlock(&tls->mutex);
    free_session(tls, &used);
}

static cflight_status configure_client(struct cfl_tls_client *tls,
                                       const struct cfl_tls_client_options *options,
                                       cflight_error **reterr)
{
    struct cfl_tls_key_pair pair = {options->cert_chain_pem, options->private_key_pem};
    cflight_status status = new_context(false, &tls->ctx, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (SSL_CTX_set_alpn_protos(tls->ctx, ALPN_H2, sizeof ALPN_H2) != 0) {
        return cfl_error_no_memory(reterr);
    }
    SSL_CTX_set_verify(tls->ctx, options->skip_verification ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       NULL);
    (void)SSL_CTX_set_session_cache_mode(tls->ctx,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls->ctx, keep_session);
    if (options->root_certs_pem.len_bytes > 0) {
        status = use_roots(tls->ctx, options->root_certs_pem, "root certificates", false, reterr);
    } else if (!options->skip_verification) {
        status = use_system_roots(tls->ctx, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (pair.cert_chain_pem.len_bytes > 0 || pair.private_key_pem.len_bytes > 0) {
        status = use_key_pair(tls->ctx, &pair, "client certificate and key", reterr);
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
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        free_session(tls, &tls->locked.sessions[i]);
    }
    SSL_CTX_free(tls->ctx);
    (void)pthread_mutex_destroy(&tls->mutex);
    cfl_free(tls->alloc, tls, sizeof *tls);
}

static struct server_set *set_ref(struct server_set *set)
{
    cfl_refcount_up(&set->refcount);
    return set;
}

static void set_unref(struct server_set *set)
{
    if (set == NULL || !cfl_refcount_down(&set->refcount)) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        SSL_CTX_free(set->contexts[i]);
    }
    cfl_free(set->alloc, set, sizeof *set + set->count * sizeof set->contexts[0]);
}

/* SNI: the first key pair that has a certificate for the name, else the first (RFC 6066 3). */
static int choose_key_pair(SSL *ssl, int *alert, void *user_data)
{
    struct server_set *set = user_data;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    for (size_t i = 0; name != NULL && i < set->count; i++) {
        if (is_certificate_for(SSL_CTX_get0_certificate(set->contexts[i]), name, true)) {
            (void)SSL_set_SSL_CTX(ssl, set->contexts[i]);
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static int choose_protocol(SSL *ssl, const unsigned char **ret_protocol,
                           unsigned char *ret_protocol_bytes, const unsigned char *offered,
                           unsigned int offered_bytes, void *user_data)
{
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)user_data;
    if (SSL_select_next_proto(&chosen, ret_protocol_bytes, ALPN_H2, sizeof ALPN_H2, offered,
                              offered_bytes) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *ret_protocol = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A client that offers no protocol at all is refused like one that offers others (RFC 7301 3.2). */
static int demand_alpn(SSL *ssl, int *alert, void *user_data)
{
    const unsigned char *extension = NULL;
    size_t extension_bytes = 0;
    (void)user_data;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
                                  &extension, &extension_bytes) != 1) {
        *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

static cflight_status configure_server(struct server_set *set, SSL_CTX *ctx,
                                       const struct cfl_tls_server_options *options, size_t index,
                                       cflight_error **reterr)
{
    int mode = SSL_VERIFY_NONE;
    char what[48];
    (void)snprintf(what, sizeof what, "server certificate and key %zu", index + 1);
    cflight_status status =
        use_key_pair(ctx, &options->key_pairs[index],
                     options->key_pair_count > 1 ? what : "server certificate and key", reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (options->client_auth != CFL_TLS_CLIENT_AUTH_NONE) {
        mode = SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE;
        status = use_roots(ctx, options->client_roots_pem, "root certificates for clients", true,
                           reterr);
    }
    if (options->client_auth == CFL_TLS_CLIENT_AUTH_REQUIRED) {
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    SSL_CTX_set_verify(ctx, mode, NULL);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    SSL_CTX_set_client_hello_cb(ctx, demand_alpn, NULL);
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, choose_key_pair);
    (void)SSL_CTX_set_tlsext_servername_arg(ctx, set);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_session_id_context(ctx, SESSION_CONTEXT, sizeof SESSION_CONTEXT);
    return status;
}

static cflight_status new_set(const struct cflight_allocator *alloc,
                              const struct cfl_tls_server_options *options,
                              struct server_set **ret_set, cflight_error **reterr)
{
    size_t count = options->key_pair_count;
    cflight_status status = CFLIGHT_OK;
    if (count == 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "a TLS server needs a certificate and key");
    }
    if (options->client_auth != CFL_TLS_CLIENT_AUTH_NONE &&
        options->client_roots_pem.len_bytes == 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "verifying clients needs root certificates for them");
    }
    if (count > (SIZE_MAX - sizeof(struct server_set)) / sizeof(SSL_CTX *)) {
        return cfl_error_no_memory(reterr);
    }
    struct server_set *set = cfl_alloc_zeroed(alloc, sizeof *set + count * sizeof set->contexts[0]);
    if (set == NULL) {
        return cfl_error_no_memory(reterr);
    }
    set->alloc = alloc;
    set->count = count;
    cfl_refcount_init(&set->refcount);
    for (size_t i = 0; i < count && status == CFLIGHT_OK; i++) {
        status = new_context(true, &set->contexts[i], reterr);
        if (status == CFLIGHT_OK) {
            status = configure_server(set, set->contexts[i], options, i, reterr);
        }
    }
    if (status != CFLIGHT_OK) {
        set_unref(set);
        return status;
    }
    *ret_set = set;
    return CFLIGHT_OK;
}

cflight_status cfl_tls_server_new(const struct cflight_allocator *alloc,
                                  const struct cfl_tls_server_options *options,
                                  struct cfl_tls_server **ret_tls, cflight_error **reterr)
{
    struct cfl_tls_server *tls = cfl_alloc_zeroed(alloc, sizeof *tls);
    if (tls == NULL) {
        return cfl_error_no_memory(reterr);
    }
    tls->alloc = alloc;
    cfl_refcount_init(&tls->refcount);
    (void)pthread_mutex_init(&tls->mutex, NULL);
    cflight_status status = new_set(alloc, options, &tls->locked.set, reterr);
    if (status != CFLIGHT_OK) {
        cfl_tls_server_unref(tls);
        return status;
    }
    *ret_tls = tls;
    return CFLIGHT_OK;
}

struct cfl_tls_server *cfl_tls_server_ref(struct cfl_tls_server *tls)
{
    if (tls != NULL) {
        cfl_refcount_up(&tls->refcount);
    }
    return tls;
}

void cfl_tls_server_unref(struct cfl_tls_server *tls)
{
    if (tls == NULL || !cfl_refcount_down(&tls->refcount)) {
        return;
    }
    set_unref(tls->locked.set);
    (void)pthread_mutex_destroy(&tls->mutex);
    cfl_free(tls->alloc, tls, sizeof *tls);
}

cflight_status cfl_tls_server_reload(struct cfl_tls_server *tls,
                                     const struct cfl_tls_server_options *options,
                                     cflight_error **reterr)
{
    struct server_set *set = NULL;
    cflight_status status = new_set(tls->alloc, options, &set, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&tls->mutex);
    struct server_set *old = tls->locked.set;
    tls->locked.set = set;
    (void)pthread_mutex_unlock(&tls->mutex);
    set_unref(old);
    return CFLIGHT_OK;
}

/* ---- Connections ---- */

/* Makes the SSL object on a socket BIO of ours. */
static cflight_status attach(struct cfl_tls_conn *conn, SSL_CTX *ctx, int fd, const char *peer_name,
                             cflight_error **reterr)
{
    ERR_clear_error();
    cfl_buf_init(&conn->refusal, conn->alloc);
    conn->peer_name = cfl_strndup(conn->alloc, peer_name, strlen(peer_name));
    conn->ssl = SSL_new(ctx);
    BIO *bio = BIO_new(socket_method);
    if (conn->peer_name == NULL || conn->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return cfl_error_no_memory(reterr);
    }
    (void)BIO_set_fd(bio, fd, BIO_NOCLOSE);
    (void)BIO_set_app_data(bio, conn);
    SSL_set_bio(conn->ssl, bio, bio);
    SSL_set_app_data(conn->ssl, conn);
    return CFLIGHT_OK;
}

/* A name without the dot of the root, which neither SNI nor certificates have. */
static char *copy_name(const struct cflight_allocator *alloc, const char *name)
{
    size_t name_bytes = strlen(name);
    if (name_bytes > 1 && name[name_bytes - 1] == '.') {
        name_bytes--;
    }
    return cfl_strndup(alloc, name, name_bytes);
}

static cflight_status name_connection(struct cfl_tls_conn *conn, const char *name,
                                      cflight_error **reterr)
{
    unsigned char ip[16];
    struct cfl_buf key;
    cfl_buf_init(&key, conn->alloc);
    (void)cfl_buf_append_format(&key, "%s %s", conn->peer_name, name);
    conn->name = copy_name(conn->alloc, name);
    conn->session_key =
        key.failed ? NULL : cfl_strndup(conn->alloc, (const char *)key.data, key.len_bytes);
    cfl_buf_done(&key);
    if (conn->name == NULL || conn->session_key == NULL) {
        return cfl_error_no_memory(reterr);
    }
    /* RFC 6066 3: addresses are not sent. */
    if (parse_ip(conn->name, ip) == 0 && SSL_set_tlsext_host_name(conn->ssl, conn->name) != 1) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' cannot be a TLS server name", conn->name);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_tls_conn_new_client(const struct cflight_allocator *alloc,
                                       struct cfl_tls_client *tls, int fd, const char *name,
                                       const char *peer_name, struct cfl_tls_conn **ret_conn,
                                       cflight_error **reterr)
{
    struct cfl_tls_conn *conn = cfl_alloc_zeroed(alloc, sizeof *conn);
    if (conn == NULL) {
        return cfl_error_no_memory(reterr);
    }
    conn->alloc = alloc;
    conn->client = cfl_tls_client_ref(tls);
    cflight_status status = attach(conn, tls->ctx, fd, peer_name, reterr);
    if (status == CFLIGHT_OK) {
        status = name_connection(conn, name, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_tls_conn_free(conn);
        return status;
    }
    SSL_set_connect_state(conn->ssl);
    offer_session(conn);
    *ret_conn = conn;
    return CFLIGHT_OK;
}

cflight_status cfl_tls_conn_new_server(const struct cflight_allocator *alloc,
                                       struct cfl_tls_server *tls, int fd, const char *peer_name,
                                       struct cfl_tls_conn **ret_conn, cflight_error **reterr)
{
    struct cfl_tls_conn *conn = cfl_alloc_zeroed(alloc, sizeof *conn);
    if (conn == NULL) {
        return cfl_error_no_memory(reterr);
    }
    conn->alloc = alloc;
    (void)pthread_mutex_lock(&tls->mutex);
    conn->set = set_ref(tls->locked.set);
    (void)pthread_mutex_unlock(&tls->mutex);
    cflight_status status = attach(conn, conn->set->contexts[0], fd, peer_name, reterr);
    if (status != CFLIGHT_OK) {
        cfl_tls_conn_free(conn);
        return status;
    }
    SSL_set_accept_state(conn->ssl);
    *ret_conn = conn;
    return CFLIGHT_OK;
}

void cfl_tls_conn_free(struct cfl_tls_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    if (conn->is_established && !conn->is_broken) {
        /* Otherwise OpenSSL forbids to resume the session of a connection that was just closed. */
        SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(conn->ssl);
    for (size_t i = 0; i < conn->san_count; i++) {
        cfl_strfree(conn->alloc, conn->sans[i]);
    }
    cfl_free_array(conn->alloc, conn->sans, conn->san_capacity, sizeof *conn->sans);
    cfl_strfree(conn->alloc, conn->identity);
    cfl_strfree(conn->alloc, conn->subject);
    cfl_buf_done(&conn->refusal);
    cfl_strfree(conn->alloc, conn->session_key);
    cfl_strfree(conn->alloc, conn->name);
    cfl_strfree(conn->alloc, conn->peer_name);
    set_unref(conn->set);
    cfl_tls_client_unref(conn->client);
    cfl_free(conn->alloc, conn, sizeof *conn);
}

/* What to wait for, or NONE when the operation failed for good. */
static unsigned int wait_of(int ssl_error)
{
    if (ssl_error == SSL_ERROR_WANT_READ) {
        return CFL_READY_READ;
    }
    return ssl_error == SSL_ERROR_WANT_WRITE ? CFL_READY_WRITE : CFL_READY_NONE;
}

cflight_status cfl_tls_conn_handshake(struct cfl_tls_conn *conn, unsigned int *ret_wait,
                                      cflight_error **reterr)
{
    const unsigned char *protocol = NULL;
    unsigned int protocol_bytes = 0;
    *ret_wait = CFL_READY_NONE;
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(conn->ssl);
    int os_code = errno;
    if (result != 1) {
        int ssl_error = SSL_get_error(conn->ssl, result);
        *ret_wait = wait_of(ssl_error);
        return *ret_wait != CFL_READY_NONE
                   ? CFLIGHT_OK
                   : conn_failed(conn, "handshake with", ssl_error, os_code, reterr);
    }
    SSL_get0_alpn_selected(conn->ssl, &protocol, &protocol_bytes);
    if (protocol_bytes != sizeof ALPN_H2 - 1 ||
        memcmp(protocol, ALPN_H2 + 1, protocol_bytes) != 0) {
        conn->is_broken = true;
        cflight_status status = cflight_error_set(
            reterr, CFLIGHT_UNAVAILABLE, "TLS handshake with %s failed: %s", peer_text(conn),
            explain_reason(SSL_R_NO_APPLICATION_PROTOCOL, conn->client == NULL));
        add_peer(reterr, conn, CFLIGHT_RETRY_NEVER);
        return status;
    }
    conn->is_established = true;
    CFL_LOG(CFLIGHT_LOG_DEBUG, "net", "%s: %s, %s%s%s", conn->peer_name, SSL_get_version(conn->ssl),
            SSL_get_cipher_name(conn->ssl), SSL_session_reused(conn->ssl) ? ", resumed" : "",
            BIO_get_ktls_send(SSL_get_wbio(conn->ssl)) ? ", kernel TLS" : "");
    return CFLIGHT_OK;
}

/* Moves the content of `buf` into a string; NULL when memory ran out. */
static char *take_text(struct cfl_tls_conn *conn, struct cfl_buf *buf)
{
    char *text =
        buf->failed ? NULL : cfl_strndup(conn->alloc, (const char *)buf->data, buf->len_bytes);
    cfl_buf_clear(buf);
    return text;
}

/* Lists the subject alternative names and finds the identity. False when memory ran out. */
static bool list_sans(struct cfl_tls_conn *conn, X509 *cert, struct cfl_buf *buf)
{
    GENERAL_NAMES *sans = subject_alternative_names(cert);
    int count = sans == NULL ? 0 : sk_GENERAL_NAME_num(sans);
    bool is_listed = cfl_grow_array(conn->alloc, (void **)&conn->sans, &conn->san_capacity,
                                    (size_t)count, sizeof *conn->sans);
    for (int i = 0; i < count && is_listed; i++) {
        if (!append_san(buf, sk_GENERAL_NAME_value(sans, i))) {
            continue;
        }
        char *text = take_text(conn, buf);
        is_listed = text != NULL;
        if (is_listed) {
            conn->sans[conn->san_count++] = text;
        }
        if (is_listed && conn->identity == NULL &&
            (strncmp(text, "DNS:", 4) == 0 || strncmp(text, "URI:", 4) == 0)) {
            conn->identity = cfl_strndup(conn->alloc, text + 4, strlen(text + 4));
            is_listed = conn->identity != NULL;
        }
    }
    GENERAL_NAMES_free(sans);
    return is_listed;
}

cflight_status cfl_tls_conn_describe_peer(struct cfl_tls_conn *conn, struct cfl_peer *peer,
                                          cflight_error **reterr)
{
    struct cfl_buf buf;
    X509 *cert = SSL_get0_peer_certificate(conn->ssl);
    peer->is_tls = true;
    peer->tls_version = SSL_get_version(conn->ssl);
    bool is_verified = cert != NULL && SSL_get_verify_result(conn->ssl) == X509_V_OK &&
                       (conn->client == NULL || !conn->client->skip_verification);
    if (!is_verified) {
        return CFLIGHT_OK;
    }
    cfl_buf_init(&buf, conn->alloc);
    append_subject(&buf, cert);
    conn->subject = take_text(conn, &buf);
    bool is_described = conn->subject != NULL && list_sans(conn, cert, &buf);
    if (is_described && conn->identity == NULL) {
        append_common_name(&buf, cert);
        conn->identity = take_text(conn, &buf);
        is_described = conn->identity != NULL;
    }
    cfl_buf_done(&buf);
    ERR_clear_error();
    if (!is_described) {
        return cfl_error_no_memory(reterr);
    }
    peer->cert_subject = conn->subject;
    peer->cert_identity = conn->identity;
    peer->cert_sans = (const char *const *)conn->sans;
    peer->cert_san_count = conn->san_count;
    return CFLIGHT_OK;
}

cflight_status cfl_tls_conn_read(struct cfl_tls_conn *conn, void *target, size_t size_bytes,
                                 size_t *ret_len_bytes, bool *ret_is_eof, unsigned int *ret_wait,
                                 cflight_error **reterr)
{
    *ret_len_bytes = 0;
    *ret_is_eof = conn->is_eof;
    *ret_wait = CFL_READY_NONE;
    if (conn->is_eof) {
        return CFLIGHT_OK;
    }
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(conn->ssl, target, size_bytes, ret_len_bytes);
    int os_code = errno;
    conn->is_dry = result != 1;
    if (result == 1) {
        return CFLIGHT_OK;
    }
    *ret_len_bytes = 0;
    int ssl_error = SSL_get_error(conn->ssl, result);
    *ret_wait = wait_of(ssl_error);
    if (*ret_wait != CFL_READY_NONE) {
        return CFLIGHT_OK;
    }
    /* HTTP/2 has its own ends of messages, so a missing close_notify is no danger. */
    bool is_cut = ssl_error == SSL_ERROR_SSL &&
                  ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (ssl_error == SSL_ERROR_ZERO_RETURN || is_cut ||
        (ssl_error == SSL_ERROR_SYSCALL && os_code == 0)) {
        conn->is_eof = true;
        conn->is_broken = conn->is_broken || ssl_error != SSL_ERROR_ZERO_RETURN;
        *ret_is_eof = true;
        return CFLIGHT_OK;
    }
    return conn_failed(conn, "read from", ssl_error, os_code, reterr);
}

cflight_status cfl_tls_conn_write(struct cfl_tls_conn *conn, const void *data, size_t len_bytes,
                                  bool has_more, size_t *ret_len_bytes, unsigned int *ret_wait,
                                  cflight_error **reterr)
{
    *ret_len_bytes = 0;
    *ret_wait = CFL_READY_NONE;
    ERR_clear_error();
    errno = 0;
    conn->has_more = has_more;
    int result = SSL_write_ex(conn->ssl, data, len_bytes, ret_len_bytes);
    int os_code = errno;
    conn->has_more = false;
    conn->has_refused_record = false;
    if (result == 1) {
        return CFLIGHT_OK;
    }
    *ret_len_bytes = 0;
    int ssl_error = SSL_get_error(conn->ssl, result);
    *ret_wait = wait_of(ssl_error);
    if (*ret_wait != CFL_READY_NONE) {
        conn->has_refused_record = true;
        return CFLIGHT_OK;
    }
    return conn_failed(conn, "write to", ssl_error, os_code, reterr);
}

bool cfl_tls_conn_has_pending(const struct cfl_tls_conn *conn)
{
    return !conn->is_dry && SSL_has_pending(conn->ssl) == 1;
}

void cfl_tls_conn_shutdown(struct cfl_tls_conn *conn)
{
    if (conn->is_established && !conn->is_broken && !conn->has_refused_record) {
        ERR_clear_error();
        (void)SSL_shutdown(conn->ssl);
        ERR_clear_error();
    }
}
