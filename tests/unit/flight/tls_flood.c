/* SPDX-License-Identifier: Apache-2.0 */
/* Floods of handshake messages, with OpenSSL; renegotiations are sealed by hand, because OpenSSL
 * does not send a second one before the first was answered. */
#include "tls_flood.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <stdlib.h>
#include <unistd.h>

#include "peer.h"

enum {
    KEY_BYTES = 16,
    SALT_BYTES = 4,
    NONCE_BYTES = 8,
    TAG_BYTES = 16,
    BLOCK_BYTES = 2 * KEY_BYTES + 2 * SALT_BYTES, /* RFC 5246 6.3, for AES-128-GCM */
    MESSAGE_BYTES = 4,                            /* a handshake message without content */
    RECORD_HEADER_BYTES = 5,
    RECORD_BYTES = RECORD_HEADER_BYTES + NONCE_BYTES + MESSAGE_BYTES + TAG_BYTES,
    FIRST_SEQUENCE = 2, /* after Finished and one record of data */
};

static const uint8_t ALPN_H2[] = {2, 'h', '2'};

static void demand(bool is_good, const char *what)
{
    if (!is_good) {
        fprintf(stderr, "cannot make a flood: %s\n", what);
        abort();
    }
}

static int choose_h2(SSL *ssl, const unsigned char **ret_protocol,
                     unsigned char *ret_protocol_bytes, const unsigned char *offered,
                     unsigned int offered_bytes, void *user_data)
{
    (void)ssl;
    (void)offered;
    (void)offered_bytes;
    (void)user_data;
    *ret_protocol = ALPN_H2 + 1;
    *ret_protocol_bytes = 2;
    return SSL_TLSEXT_ERR_OK;
}

static void init(struct t_flood *flood, bool is_server, int fd, enum t_flood_kind kind)
{
    int version = kind == T_FLOOD_RENEGOTIATIONS ? TLS1_2_VERSION : TLS1_3_VERSION;
    memset(flood, 0, sizeof *flood);
    flood->fd = fd;
    flood->ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    demand(flood->ctx != NULL && SSL_CTX_set_min_proto_version(flood->ctx, version) == 1 &&
               SSL_CTX_set_max_proto_version(flood->ctx, version) == 1 &&
               SSL_CTX_set_cipher_list(flood->ctx, "ECDHE-ECDSA-AES128-GCM-SHA256") == 1,
           "context");
    (void)SSL_CTX_set_options(flood->ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_alpn_select_cb(flood->ctx, choose_h2, NULL);
    demand(SSL_CTX_set_alpn_protos(flood->ctx, ALPN_H2, sizeof ALPN_H2) == 0, "ALPN");
}

/* TLS 1.2: the keys of the connection, and one record for each message (RFC 5288 3). */
static void seal_messages(struct t_flood *flood, bool is_server, size_t count)
{
    static const char LABEL[] = "key expansion";
    uint8_t secret[SSL_MAX_MASTER_KEY_LENGTH];
    uint8_t seed[sizeof LABEL - 1 + 2 * SSL3_RANDOM_SIZE];
    uint8_t block[BLOCK_BYTES];
    size_t secret_bytes =
        SSL_SESSION_get_master_key(SSL_get_session(flood->ssl), secret, sizeof secret);
    memcpy(seed, LABEL, sizeof LABEL - 1);
    (void)SSL_get_server_random(flood->ssl, seed + sizeof LABEL - 1, SSL3_RANDOM_SIZE);
    (void)SSL_get_client_random(flood->ssl, seed + sizeof LABEL - 1 + SSL3_RANDOM_SIZE,
                                SSL3_RANDOM_SIZE);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *derivation = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, secret_bytes),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof seed),
        OSSL_PARAM_construct_end(),
    };
    demand(EVP_KDF_derive(derivation, block, sizeof block, parameters) == 1, "keys");
    EVP_KDF_CTX_free(derivation);
    EVP_KDF_free(kdf);

    const uint8_t *key = block + (is_server ? KEY_BYTES : 0);
    const uint8_t *salt = block + 2 * KEY_BYTES + (is_server ? SALT_BYTES : 0);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    demand(EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, key, NULL) == 1, "cipher");
    for (uint64_t sequence = FIRST_SEQUENCE; sequence < FIRST_SEQUENCE + count; sequence++) {
        const uint8_t message[MESSAGE_BYTES] = {is_server ? SSL3_MT_HELLO_REQUEST
                                                          : SSL3_MT_CLIENT_HELLO};
        uint8_t record[RECORD_BYTES] = {SSL3_RT_HANDSHAKE, 3, 3, 0,
                                        RECORD_BYTES - RECORD_HEADER_BYTES};
        uint8_t extra[] = {0, 0, 0, 0, 0, 0, 0, 0, SSL3_RT_HANDSHAKE, 3, 3, 0, MESSAGE_BYTES};
        uint8_t nonce[SALT_BYTES + NONCE_BYTES];
        int len_bytes = 0;
        for (int i = 0; i < NONCE_BYTES; i++) {
            extra[i] = (uint8_t)(sequence >> (56 - 8 * i));
        }
        memcpy(record + RECORD_HEADER_BYTES, extra, NONCE_BYTES);
        memcpy(nonce, salt, SALT_BYTES);
        memcpy(nonce + SALT_BYTES, extra, NONCE_BYTES);
        uint8_t *sealed = record + RECORD_HEADER_BYTES + NONCE_BYTES;
        demand(EVP_EncryptInit_ex(cipher, NULL, NULL, NULL, nonce) == 1 &&
                   EVP_EncryptUpdate(cipher, NULL, &len_bytes, extra, sizeof extra) == 1 &&
                   EVP_EncryptUpdate(cipher, sealed, &len_bytes, message, sizeof message) == 1 &&
                   EVP_EncryptFinal_ex(cipher, sealed + len_bytes, &len_bytes) == 1 &&
                   EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
                                       sealed + MESSAGE_BYTES) == 1,
               "record");
        t_raw_append(&flood->records, record, sizeof record);
    }
    EVP_CIPHER_CTX_free(cipher);
}

/* TLS 1.3: what OpenSSL writes, kept in memory. */
static void write_messages(struct t_flood *flood, enum t_flood_kind kind, size_t count)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL;
    demand(memory != NULL, "memory");
    SSL_set0_wbio(flood->ssl, memory);
    for (size_t i = 0; i < count; i++) {
        bool is_asked = kind == T_FLOOD_TICKETS
                            ? SSL_new_session_ticket(flood->ssl) == 1
                            : SSL_key_update(flood->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1;
        demand(is_asked && SSL_do_handshake(flood->ssl) == 1, "message");
    }
    long len_bytes = BIO_get_mem_data(memory, &data);
    t_raw_append(&flood->records, data, (size_t)len_bytes);
}

static void make_messages(struct t_flood *flood, bool is_server, enum t_flood_kind kind,
                          size_t count)
{
    if (kind == T_FLOOD_RENEGOTIATIONS) {
        seal_messages(flood, is_server, count);
    } else {
        write_messages(flood, kind, count);
    }
}

void t_flood_connect(struct t_flood *flood, int port, enum t_flood_kind kind, size_t count)
{
    struct t_raw start = {NULL, 0, 0};
    init(flood, false, t_socket_connect(port), kind);
    flood->ssl = SSL_new(flood->ctx);
    demand(SSL_set_fd(flood->ssl, flood->fd) == 1 && SSL_connect(flood->ssl) == 1, "handshake");
    t_raw_client_start(&start);
    t_raw_ack(&start);
    demand(SSL_write(flood->ssl, start.data, (int)start.len_bytes) > 0, "preface");
    t_raw_done(&start);
    make_messages(flood, false, kind, count);
}

bool t_flood_accept(struct t_flood *flood, int fd, const struct t_cert *cert,
                    enum t_flood_kind kind, size_t count)
{
    uint8_t preface[64];
    struct t_raw start = {NULL, 0, 0};
    init(flood, true, fd, kind);
    demand(SSL_CTX_use_certificate(flood->ctx, cert->cert) == 1 &&
               SSL_CTX_use_PrivateKey(flood->ctx, cert->key) == 1,
           "certificate");
    flood->ssl = SSL_new(flood->ctx);
    demand(SSL_set_fd(flood->ssl, flood->fd) == 1, "socket");
    t_raw_wide_server_start(&start);
    bool is_good = SSL_accept(flood->ssl) == 1 &&
                   SSL_write(flood->ssl, start.data, (int)start.len_bytes) > 0 &&
                   SSL_read(flood->ssl, preface, sizeof preface) > 0;
    t_raw_done(&start);
    if (is_good) {
        make_messages(flood, true, kind, count);
    }
    return is_good;
}

void t_flood_send(struct t_flood *flood)
{
    struct t_raw answer = {NULL, 0, 0};
    (void)t_socket_send(flood->fd, &flood->records);
    t_socket_read_to_end(flood->fd, &answer);
    t_raw_done(&answer);
}

void t_flood_done(struct t_flood *flood)
{
    bool is_server = SSL_is_server(flood->ssl) == 1;
    SSL_free(flood->ssl);
    SSL_CTX_free(flood->ctx);
    t_raw_done(&flood->records);
    if (!is_server) {
        (void)close(flood->fd);
    }
}
