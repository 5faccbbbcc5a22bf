/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL alone for comparison: blocking reads and writes of its records, nothing else. */
#include "raw_tls.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "raw_socket.h"

struct request {
    uint64_t total_bytes;
    uint64_t piece_bytes;
    uint64_t is_put;
};

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int fail(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    return 1;
}

static int write_all(SSL *ssl, const void *data, size_t len_bytes)
{
    size_t written_bytes = 0;
    return SSL_write_ex(ssl, data, len_bytes, &written_bytes) == 1 ? 0 : 1;
}

static int read_all(SSL *ssl, uint8_t *target, uint64_t len_bytes)
{
    size_t read_bytes = 0;
    while (len_bytes > 0 && SSL_read_ex(ssl, target, len_bytes, &read_bytes) == 1) {
        target += read_bytes;
        len_bytes -= read_bytes;
    }
    return len_bytes == 0 ? 0 : 1;
}

/* All pieces in one direction, through one buffer. */
static int move_pieces(SSL *ssl, const struct request *request, bool is_sending)
{
    uint64_t left_bytes = request->total_bytes;
    uint8_t *piece = malloc(request->piece_bytes);
    int result = piece == NULL ? 1 : 0;
    for (uint64_t i = 0; result == 0 && i < request->piece_bytes; i++) {
        piece[i] = (uint8_t)i; /* memory of its own: what was never written is one page of zeros */
    }
    while (result == 0 && left_bytes > 0) {
        uint64_t step_bytes = left_bytes < request->piece_bytes ? left_bytes : request->piece_bytes;
        result = is_sending ? write_all(ssl, piece, step_bytes) : read_all(ssl, piece, step_bytes);
        left_bytes -= step_bytes;
    }
    free(piece);
    return result;
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (ctx != NULL && (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
                        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static void serve_one(SSL_CTX *ctx, int fd)
{
    struct request request;
    uint8_t end = 0;
    SSL *ssl = SSL_new(ctx);
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 &&
        read_all(ssl, (uint8_t *)&request, sizeof request) == 0 &&
        move_pieces(ssl, &request, request.is_put == 0) == 0) {
        /* Whoever sends waits for this byte. */
        (void)(request.is_put != 0 ? write_all(ssl, &end, 1) : read_all(ssl, &end, 1));
    }
    SSL_free(ssl);
}

int raw_tls_serve(const char *cert, const char *key)
{
    SSL_CTX *ctx = context_new(TLS_server_method());
    (void)signal(SIGPIPE, SIG_IGN);
    if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
        return fail("read the certificate");
    }
    int listener = raw_listen();
    if (listener < 0) {
        return 1;
    }
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            return fail("accept");
        }
        serve_one(ctx, fd);
        (void)close(fd);
    }
}

int raw_tls_move(uint16_t port, uint64_t total_bytes, uint64_t piece_bytes, bool is_put,
                 double *ret_elapsed_s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct request request = {total_bytes, piece_bytes, is_put ? 1 : 0};
    uint8_t end = 0;
    SSL_CTX *ctx = context_new(TLS_client_method());
    SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int result = 0;
    if (ssl == NULL || fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) {
        result = fail("connect");
    }
    double started_s = now_s();
    if (result == 0 &&
        (write_all(ssl, &request, sizeof request) != 0 || move_pieces(ssl, &request, is_put) != 0 ||
         (is_put ? read_all(ssl, &end, 1) : write_all(ssl, &end, 1)) != 0)) {
        result = fail("move");
    }
    *ret_elapsed_s = now_s() - started_s;
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    if (fd >= 0) {
        (void)close(fd);
    }
    return result;
}
