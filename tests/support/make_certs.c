/* SPDX-License-Identifier: Apache-2.0 */
/* make_certs DIRECTORY: writes the certificates that tests in other languages need, each as
 * NAME.pem with NAME.key.
 *
 *   ca          a certificate authority, also for clients
 *   server      of ca, for localhost, 127.0.0.1 and ::1
 *   other       of ca, for other.example only
 *   cn_only     of ca, common name localhost, X.509 version 1, RSA with a PKCS#1 key
 *   expired     of ca, for localhost, no longer valid
 *   self        signs itself, for localhost and 127.0.0.1
 *   client      of ca, for a client: CN "cflight client", URI spiffe://cflight.example/client
 *   stranger    a client that signs itself
 *
 * and the revocation lists of ca: none.crl, client.crl (the client is revoked), old.crl (has run
 * out). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"

enum { DAY_S = 24 * 60 * 60 };

static void write_file(const char *directory, const char *name, const char *suffix,
                       const char *text)
{
    char path[4096];
    int path_bytes = snprintf(path, sizeof path, "%s/%s%s", directory, name, suffix);
    FILE *file = path_bytes > 0 && (size_t)path_bytes < sizeof path ? fopen(path, "w") : NULL;
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        fprintf(stderr, "make_certs: cannot write %s\n", path);
        exit(1);
    }
}

static void write_list(const char *directory, const char *name, char *text)
{
    write_file(directory, name, ".crl", text);
    free(text);
}

static struct t_cert make(const char *directory, const char *name,
                          const struct t_cert_options *options)
{
    struct t_cert cert = t_cert_new(options);
    write_file(directory, name, ".pem", cert.cert_pem);
    write_file(directory, name, ".key", cert.key_pem);
    return cert;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_certs DIRECTORY\n");
        return 2;
    }
    struct t_cert_options ca_options = {.common_name = "cflight test CA", .is_ca = true};
    struct t_cert ca = make(argv[1], "ca", &ca_options);
    const struct {
        const char *name;
        struct t_cert_options options;
    } LEAVES[] = {
        {"server",
         {.common_name = "server", .issuer = &ca, .sans = "DNS:localhost,IP:127.0.0.1,IP:::1"}},
        {"other", {.common_name = "other", .issuer = &ca, .sans = "DNS:other.example"}},
        {"cn_only", {.common_name = "localhost", .issuer = &ca, .is_v1 = true, .is_rsa = true}},
        {"expired",
         {.common_name = "localhost", .issuer = &ca, .sans = "DNS:localhost", .is_expired = true}},
        {"self", {.common_name = "localhost", .sans = "DNS:localhost,IP:127.0.0.1"}},
        {"client",
         {.common_name = "cflight client",
          .issuer = &ca,
          .sans = "URI:spiffe://cflight.example/client"}},
        {"stranger", {.common_name = "stranger"}},
    };
    for (size_t i = 0; i < sizeof LEAVES / sizeof LEAVES[0]; i++) {
        struct t_cert leaf = make(argv[1], LEAVES[i].name, &LEAVES[i].options);
        if (strcmp(LEAVES[i].name, "client") == 0) {
            write_list(argv[1], "client", t_revocation_list(&ca, &leaf, DAY_S));
        }
        t_cert_done(&leaf);
    }
    write_list(argv[1], "none", t_revocation_list(&ca, NULL, DAY_S));
    write_list(argv[1], "old", t_revocation_list(&ca, NULL, -1));
    t_cert_done(&ca);
    return 0;
}
