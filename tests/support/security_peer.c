/* SPDX-License-Identifier: Apache-2.0 */
/* A server and a client for tests of security against other implementations, over public headers
 * only.
 *
 *     security_peer serve LOCATION WORD...   prints its location, serves until standard input ends
 *     security_peer call LOCATION WORD...    runs one action and prints what came
 *
 * Words of both: cert FILE, key FILE, roots FILE, handshake, basic, cookies. Of the server:
 * optional (certificates of clients; otherwise `roots` demands them). Of the client: name HOST,
 * skip, common-name, password TEXT (for user alice), header NAME=VALUE, action NAME, twice.
 *
 * Actions: "whoami" gives the identity, the subject and the first alternative name of the caller,
 * "cookies" the cookie header, "fail" fails. A server sends every x-echo and x-echo-bin header
 * back. The client prints "result: ...", "header: NAME=VALUE" (bytes in hexadecimal) and "status:
 * NAME message". */
#include <cflight/cflight.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADERS_MAX = 16, FILES_MAX = 3, FILE_BYTES_MAX = 65536 };

static const char USER[] = "alice";
static const char PASSWORD[] = "secret!";
static const char TOKEN[] = "token of alice";

static struct cflight_bytes text(const char *from)
{
    return cflight_bytes_from_text(from);
}

static bool is_text(struct cflight_bytes bytes, const char *expected)
{
    return cflight_bytes_equal(bytes, text(expected));
}

static _Noreturn void die(const char *what, const cflight_error *error)
{
    (void)fprintf(stderr, "%s: %s\n", what, cflight_error_message(error));
    exit(2);
}

/* ---- words ---- */

struct words {
    char **argv;
    int argc;
};

static bool has(const struct words *words, const char *word)
{
    for (int i = 0; i < words->argc; i++) {
        if (strcmp(words->argv[i], word) == 0) {
            return true;
        }
    }
    return false;
}

/* What follows a word; NULL when it is not there. */
static const char *value_of(const struct words *words, const char *word)
{
    for (int i = 0; i + 1 < words->argc; i++) {
        if (strcmp(words->argv[i], word) == 0) {
            return words->argv[i + 1];
        }
    }
    return NULL;
}

/* The content of the file whose name follows a word. */
static struct cflight_bytes file_of(const struct words *words, const char *word)
{
    static char contents[FILES_MAX][FILE_BYTES_MAX];
    static size_t count;
    const char *path = value_of(words, word);
    if (path == NULL) {
        return text("");
    }
    FILE *file = fopen(path, "r");
    if (file == NULL || count == FILES_MAX) {
        die(path, NULL);
    }
    char *content = contents[count++];
    size_t len_bytes = fread(content, 1, FILE_BYTES_MAX, file);
    (void)fclose(file);
    return cflight_bytes_make(content, len_bytes);
}

/* ---- the server ---- */

static cflight_status answer(cflight_response *response, struct cflight_bytes result,
                             cflight_error **reterr)
{
    return cflight_response_result(response, result, reterr);
}

static cflight_status whoami(cflight_server_context *context, cflight_response *response,
                             cflight_error **reterr)
{
    const char *const *sans = NULL;
    size_t san_count = cflight_server_context_tls_sans(context, &sans);
    struct cflight_bytes identity = cflight_bearer_auth_identity(context);
    if (identity.len_bytes == 0) {
        identity = cflight_server_context_peer_identity(context);
    }
    cflight_status status = answer(response, identity, reterr);
    if (status == CFLIGHT_OK) {
        status = answer(response, text(cflight_server_context_tls_subject(context)), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = answer(response, text(san_count > 0 ? sans[0] : ""), reterr);
    }
    return status;
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    (void)user_data;
    if (is_text(action->type, "whoami")) {
        return whoami(context, response, reterr);
    }
    if (is_text(action->type, "cookies")) {
        return answer(response, cflight_server_context_header(context, "cookie"), reterr);
    }
    return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, "failed as asked");
}

static cflight_status echo_start(void *user_data, cflight_server_context *context,
                                 enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    (void)user_data;
    (void)method;
    (void)reterr;
    *ret_instance = context; /* lives longer than the instance */
    return CFLIGHT_OK;
}

static void echo_headers(void *user_data, void *instance, cflight_header_sink *sink)
{
    const struct words *words = user_data;
    const struct cflight_header *headers = NULL;
    size_t count = cflight_server_context_headers(instance, &headers);
    for (size_t i = 0; i < count; i++) {
        if (is_text(headers[i].name, "x-echo") || is_text(headers[i].name, "x-echo-bin")) {
            (void)cflight_header_sink_add(sink, headers[i].name, headers[i].value, NULL);
        }
    }
    if (has(words, "cookies")) {
        (void)cflight_header_sink_add(sink, text("set-cookie"), text("flavour=lemon; Path=/"),
                                      NULL);
        (void)cflight_header_sink_add(sink, text("set-cookie"), text("old=1; Max-Age=0"), NULL);
    }
}

/* The name, then the password, each answered; the last answer is the token. */
static cflight_status authenticate(void *user_data, cflight_server_context *context,
                                   cflight_handshake *handshake, cflight_error **reterr)
{
    const char *const EXPECTED[] = {USER, PASSWORD};
    const char *const ANSWERS[] = {"password?", TOKEN};
    (void)user_data;
    (void)context;
    for (int i = 0; i < 2; i++) {
        cflight_buffer *payload = NULL;
        cflight_status status = cflight_handshake_read(handshake, &payload, reterr);
        bool is_right = status == CFLIGHT_OK && is_text(cflight_buffer_bytes(payload), EXPECTED[i]);
        cflight_buffer_unref(payload);
        if (status == CFLIGHT_OK && !is_right) {
            status = cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "go away");
        }
        if (status == CFLIGHT_OK) {
            status = cflight_handshake_write(handshake, text(ANSWERS[i]), reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

static cflight_status is_valid(void *user_data, cflight_server_context *context,
                               struct cflight_bytes token, cflight_buffer **ret_identity,
                               cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    if (!is_text(token, TOKEN)) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "no valid token");
    }
    return cflight_buffer_new_copy(text(USER), ret_identity, reterr);
}

static cflight_status verify(void *user_data, struct cflight_bytes username,
                             struct cflight_bytes password, cflight_buffer **ret_identity,
                             cflight_error **reterr)
{
    (void)user_data;
    (void)ret_identity;
    return is_text(username, USER) && cflight_bytes_equal_in_constant_time(password, text(PASSWORD))
               ? CFLIGHT_OK
               : cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "go away");
}

static void use_tls(const struct words *words, struct cflight_tls_key_pair *pair,
                    struct cflight_server_tls *tls)
{
    pair->cert_chain = file_of(words, "cert");
    pair->private_key = file_of(words, "key");
    tls->key_pairs = pair;
    tls->key_pair_count = 1;
    tls->client_root_certs = file_of(words, "roots");
    if (tls->client_root_certs.len_bytes > 0) {
        tls->client_certificate = has(words, "optional") ? CFLIGHT_CLIENT_CERTIFICATE_OPTIONAL
                                                         : CFLIGHT_CLIENT_CERTIFICATE_REQUIRED;
    }
}

static int serve(const char *location, struct words *words)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_bearer_auth_options kit_options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    struct cflight_server_auth auth = CFLIGHT_SERVER_AUTH_INIT;
    struct cflight_server_middleware tables[2];
    struct cflight_tls_key_pair pair;
    cflight_bearer_auth *kit = NULL;
    cflight_server *server = NULL;
    cflight_error *error = NULL;
    char byte = 0;
    handlers.do_action = do_action;
    use_tls(words, &pair, &options.tls);
    options.middleware = tables;
    if (has(words, "basic")) {
        kit_options.verify = verify;
        if (cflight_bearer_auth_new(&kit_options, &kit, &error) != CFLIGHT_OK) {
            die("basic", error);
        }
        cflight_bearer_auth_server(kit, &auth, &tables[options.middleware_count++]);
        options.auth = &auth;
    } else if (has(words, "handshake")) {
        auth.authenticate = authenticate;
        auth.is_valid = is_valid;
        options.auth = &auth;
    }
    struct cflight_server_middleware *echo = &tables[options.middleware_count++];
    *echo = (struct cflight_server_middleware)CFLIGHT_SERVER_MIDDLEWARE_INIT;
    echo->user_data = words;
    echo->start_call = echo_start;
    echo->sending_headers = echo_headers;
    if (cflight_server_new(location, &handlers, &options, &server, &error) != CFLIGHT_OK) {
        die(location, error);
    }
    (void)printf("%s\n", cflight_server_location(server));
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    cflight_server_free(server);
    cflight_bearer_auth_unref(kit);
    return 0;
}

/* ---- the client ---- */

static void print_header(struct cflight_header header)
{
    bool is_binary = header.name.len_bytes > 4 &&
                     memcmp(header.name.data + header.name.len_bytes - 4, "-bin", 4) == 0;
    (void)printf("header: %.*s=", (int)header.name.len_bytes, (const char *)header.name.data);
    for (size_t i = 0; i < header.value.len_bytes; i++) {
        (void)printf(is_binary ? "%02x" : "%c", header.value.data[i]);
    }
    (void)printf("\n");
}

static cflight_status print_start(void *user_data, enum cflight_method method, void **ret_instance,
                                  cflight_error **reterr)
{
    (void)user_data;
    (void)method;
    (void)reterr;
    static int instance;
    *ret_instance = &instance;
    return CFLIGHT_OK;
}

static void print_headers(void *user_data, void *instance, const struct cflight_header *headers,
                          size_t header_count)
{
    (void)user_data;
    (void)instance;
    for (size_t i = 0; i < header_count; i++) {
        print_header(headers[i]);
    }
}

static cflight_status client_authenticate(void *user_data, cflight_handshake *handshake,
                                          cflight_error **reterr)
{
    const struct words *words = user_data;
    const char *const PAYLOADS[] = {USER, value_of(words, "password")};
    cflight_status status = CFLIGHT_OK;
    for (int i = 0; i < 2 && status == CFLIGHT_OK; i++) {
        cflight_buffer *payload = NULL;
        status = cflight_handshake_write(handshake, text(PAYLOADS[i]), reterr);
        if (status == CFLIGHT_OK) {
            status = cflight_handshake_read(handshake, &payload, reterr);
        }
        cflight_buffer_unref(payload);
    }
    return status;
}

static cflight_status client_get_token(void *user_data, cflight_buffer **ret_token,
                                       cflight_error **reterr)
{
    (void)user_data;
    return cflight_buffer_new_copy(text(TOKEN), ret_token, reterr);
}

static cflight_client *make_client(const char *location, struct words *words,
                                   const cflight_cookie_jar *jar)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_client_middleware tables[2];
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    options.tls.root_certs = file_of(words, "roots");
    options.tls.cert_chain = file_of(words, "cert");
    options.tls.private_key = file_of(words, "key");
    options.tls.override_hostname = value_of(words, "name");
    options.tls.skip_verification = has(words, "skip");
    options.tls.allow_common_name = has(words, "common-name");
    tables[0] = (struct cflight_client_middleware)CFLIGHT_CLIENT_MIDDLEWARE_INIT;
    tables[0].start_call = print_start;
    tables[0].received_headers = print_headers;
    cflight_cookie_jar_middleware((cflight_cookie_jar *)(uintptr_t)jar, &tables[1]);
    options.middleware = tables;
    options.middleware_count = 2;
    if (cflight_client_new(location, &options, &client, &error) != CFLIGHT_OK) {
        die(location, error);
    }
    return client;
}

/* Identifies the client as it was told; `ret_bearer` is for the headers of calls. */
static cflight_status log_in(cflight_client *client, struct words *words,
                             cflight_buffer **ret_bearer, cflight_error **reterr)
{
    struct cflight_client_auth auth = CFLIGHT_CLIENT_AUTH_INIT;
    if (has(words, "basic")) {
        return cflight_client_authenticate_basic(
            client, text(USER), text(value_of(words, "password")), NULL, ret_bearer, reterr);
    }
    if (has(words, "handshake")) {
        auth.user_data = words;
        auth.authenticate = client_authenticate;
        auth.get_token = client_get_token;
        return cflight_client_authenticate(client, &auth, NULL, reterr);
    }
    return CFLIGHT_OK;
}

static int from_hex(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

/* NAME=VALUE; bytes come in hexadecimal and are decoded in place. */
static struct cflight_header parse_header(char *word)
{
    char *value = strchr(word, '=') + 1;
    size_t value_bytes = strlen(value);
    struct cflight_header header = {cflight_bytes_make(word, (size_t)(value - word - 1)),
                                    text(value)};
    if (strncmp(value - 5, "-bin", 4) == 0) {
        for (size_t i = 0; i < value_bytes / 2; i++) {
            value[i] = (char)(from_hex(value[2 * i]) * 16 + from_hex(value[2 * i + 1]));
        }
        header.value = cflight_bytes_make(value, value_bytes / 2);
    }
    return header;
}

static size_t collect_headers(struct words *words, cflight_buffer *bearer,
                              struct cflight_header headers[HEADERS_MAX])
{
    size_t count = 0;
    for (int i = 0; i + 1 < words->argc && count < HEADERS_MAX - 1; i++) {
        if (strcmp(words->argv[i], "header") == 0) {
            headers[count++] = parse_header(words->argv[++i]);
        }
    }
    if (bearer != NULL) {
        headers[count++] =
            (struct cflight_header){text("authorization"), cflight_buffer_bytes(bearer)};
    }
    return count;
}

static cflight_status act(cflight_client *client, const char *name,
                          const struct cflight_call_options *options, cflight_error **reterr)
{
    struct cflight_action action = {text(name), text("")};
    cflight_result_stream *results = NULL;
    cflight_buffer *body = NULL;
    cflight_status status = cflight_client_do_action(client, &action, options, &results, reterr);
    while (status == CFLIGHT_OK) {
        status = cflight_result_stream_next(results, &body, reterr);
        if (status != CFLIGHT_OK || body == NULL) {
            break;
        }
        struct cflight_bytes bytes = cflight_buffer_bytes(body);
        (void)printf("result: %.*s\n", (int)bytes.len_bytes, (const char *)bytes.data);
        cflight_buffer_unref(body);
        body = NULL;
    }
    cflight_result_stream_free(results);
    return status;
}

static int call(const char *location, struct words *words)
{
    struct cflight_header headers[HEADERS_MAX];
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_cookie_jar *jar = NULL;
    cflight_buffer *bearer = NULL;
    cflight_error *error = NULL;
    if (cflight_cookie_jar_new(NULL, &jar, &error) != CFLIGHT_OK) {
        die("cookies", error);
    }
    cflight_client *client = make_client(location, words, jar);
    cflight_status status = log_in(client, words, &bearer, &error);
    options.headers = headers;
    options.header_count = collect_headers(words, bearer, headers);
    for (int i = 0; status == CFLIGHT_OK && i < (has(words, "twice") ? 2 : 1); i++) {
        status = act(client, value_of(words, "action"), &options, &error);
    }
    (void)printf("status: %s %s\n", cflight_status_name(status), cflight_error_message(error));
    cflight_error_free(error);
    cflight_buffer_unref(bearer);
    cflight_client_free(client);
    cflight_cookie_jar_unref(jar);
    return 0;
}

int main(int argc, char **argv)
{
    struct words words = {argv + 3, argc - 3};
    if (argc >= 3 && strcmp(argv[1], "serve") == 0) {
        return serve(argv[2], &words);
    }
    if (argc >= 3 && strcmp(argv[1], "call") == 0) {
        return call(argv[2], &words);
    }
    (void)fprintf(stderr, "usage: see the top of tests/support/security_peer.c\n");
    return 2;
}
