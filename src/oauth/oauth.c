/* SPDX-License-Identifier: Apache-2.0 */
/* A source of tokens that asks a token server.
 *
 * The cache above lets one thread fetch at a time, so what is learned of the server, how it wants
 * the client's secret and its refresh token, needs no lock. Spec: RFC 6749, sections 2.3.1, 4.4 and
 * 6; RFC 8693, section 2.1. Thread class: one at a time. */
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/options.h"
#include "oauth/answer.h"
#include "oauth/http.h"
#include "oauth/options.h"

enum { TIMEOUT_MS = 20000, SECRETS_MAX = 4 };

struct oauth {
    struct cflight_oauth_options options; /* texts are copies */
    char *roots;                          /* a copy of the PEM */
    char *shown_uri;                      /* without its query */
    struct cfl_http *http;
    char *refresh_token; /* NULL when there is none */
    bool sends_form;     /* the server wants id and secret in the form */
};

/* Frees a text and leaves nothing of it behind. */
static void wipe(const struct cflight_allocator *alloc, char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        cfl_strfree(alloc, text);
    }
}

static void oauth_free(void *user_data)
{
    struct oauth *oauth = user_data;
    const struct cflight_allocator *alloc = oauth->options.allocator;
    cfl_http_free(oauth->http);
    for (size_t i = 0; i < CFL_OAUTH_TEXT_COUNT; i++) {
        wipe(alloc, (char *)(uintptr_t)cfl_oauth_text_of(&oauth->options, &cfl_oauth_texts[i]));
    }
    wipe(alloc, oauth->refresh_token);
    cfl_strfree(alloc, oauth->roots);
    cfl_strfree(alloc, oauth->shown_uri);
    cfl_free(alloc, oauth, sizeof *oauth);
}

/* ---- the request ---- */

/* As application/x-www-form-urlencoded has it. */
static void append_encoded(struct cfl_buf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;
        if (cfl_ascii_is_alnum(byte) || strchr("-._~", byte) != NULL) {
            (void)cfl_buf_append_u8(buf, byte);
        } else {
            (void)cfl_buf_append_format(buf, "%%%02X", byte);
        }
    }
}

static void append_field(struct cfl_buf *form, const char *name, const char *value)
{
    if (value == NULL) {
        return;
    }
    if (form->len_bytes > 0) {
        (void)cfl_buf_append_u8(form, '&');
    }
    (void)cfl_buf_append_text(form, name);
    (void)cfl_buf_append_u8(form, '=');
    append_encoded(form, value);
}

/* Room for all of it at once: a buffer that grows would leave secrets behind. */
static size_t form_bytes_max(const struct oauth *oauth)
{
    size_t len_bytes = oauth->refresh_token == NULL ? 0 : strlen(oauth->refresh_token);
    for (size_t i = 0; i < CFL_OAUTH_TEXT_COUNT; i++) {
        const char *text = cfl_oauth_text_of(&oauth->options, &cfl_oauth_texts[i]);
        len_bytes += text == NULL ? 0 : strlen(text);
    }
    return 3 * len_bytes + 1024;
}

static void fill_form(const struct oauth *oauth, bool is_refresh, bool sends_form,
                      struct cfl_buf *form)
{
    static const char *const GRANTS[] = {
        [CFLIGHT_OAUTH_CLIENT_CREDENTIALS] = "client_credentials",
        [CFLIGHT_OAUTH_TOKEN_EXCHANGE] = "urn:ietf:params:oauth:grant-type:token-exchange",
    };
    const struct cflight_oauth_options *options = &oauth->options;
    append_field(form, "grant_type", is_refresh ? "refresh_token" : GRANTS[options->flow]);
    if (is_refresh) {
        append_field(form, "refresh_token", oauth->refresh_token);
    }
    for (size_t i = 0; i < CFL_OAUTH_TEXT_COUNT && !is_refresh; i++) {
        if (cfl_oauth_texts[i].form_name != NULL) {
            append_field(form, cfl_oauth_texts[i].form_name,
                         cfl_oauth_text_of(options, &cfl_oauth_texts[i]));
        }
    }
    if (sends_form) {
        append_field(form, "client_id", options->client_id);
        append_field(form, "client_secret", options->client_secret);
    }
}

/* "Basic ...", terminated: id and secret are encoded as in a form before (RFC 6749, 2.3.1). */
static void fill_authorization(const struct oauth *oauth, struct cfl_buf *header)
{
    struct cfl_buf pair;
    cfl_buf_init(&pair, oauth->options.allocator);
    (void)cfl_buf_space(&pair, form_bytes_max(oauth));
    (void)cfl_buf_space(header, 2 * form_bytes_max(oauth));
    append_encoded(&pair, oauth->options.client_id);
    (void)cfl_buf_append_u8(&pair, ':');
    append_encoded(&pair, oauth->options.client_secret);
    (void)cfl_buf_append_text(header, "Basic ");
    if (pair.failed || !cfl_base64_encode_padded(cfl_buf_bytes(&pair), header)) {
        header->failed = true;
    }
    (void)cfl_buf_append_u8(header, '\0');
    cfl_buf_wipe(&pair);
}

/* Asks once. */
static cflight_status ask(struct oauth *oauth, bool is_refresh, bool sends_form,
                          struct cfl_buf *body, struct cfl_oauth_answer *ret_answer,
                          cflight_error **reterr)
{
    const struct cflight_oauth_options *options = &oauth->options;
    const char *const secrets[SECRETS_MAX + 1] = {
        options->client_secret == NULL ? "" : options->client_secret,
        options->subject_token == NULL ? "" : options->subject_token,
        options->actor_token == NULL ? "" : options->actor_token,
        oauth->refresh_token == NULL ? "" : oauth->refresh_token,
    };
    long http_status = 0;
    struct cfl_buf form;
    struct cfl_buf header;
    cfl_buf_init(&form, options->allocator);
    cfl_buf_init(&header, options->allocator);
    (void)cfl_buf_space(&form, form_bytes_max(oauth));
    fill_form(oauth, is_refresh, sends_form, &form);
    if (!sends_form) {
        fill_authorization(oauth, &header);
    }
    *ret_answer = (struct cfl_oauth_answer){.lifetime_ms = -1};
    cflight_status status =
        form.failed || header.failed
            ? cfl_error_no_memory(reterr)
            : cfl_http_post(oauth->http, cfl_buf_bytes(&form), (const char *)header.data, body,
                            &http_status, reterr);
    cfl_buf_wipe(&form);
    cfl_buf_wipe(&header);
    if (status == CFLIGHT_OK) {
        status =
            cfl_oauth_answer_read(http_status, body, oauth->shown_uri, secrets, ret_answer, reterr);
    }
    return status;
}

/* Asks, and once more with the secret in the form where the server may not want it in a header. */
static cflight_status ask_either(struct oauth *oauth, bool is_refresh, struct cfl_buf *body,
                                 struct cfl_oauth_answer *ret_answer, cflight_error **reterr)
{
    bool may_change = oauth->options.client_auth == CFLIGHT_OAUTH_CLIENT_AUTH_EITHER &&
                      oauth->options.client_secret != NULL && !oauth->sends_form;
    cflight_error *error = NULL;
    cflight_status status =
        ask(oauth, is_refresh, oauth->sends_form, body, ret_answer, may_change ? &error : reterr);
    if (!may_change || status == CFLIGHT_OK) {
        return status;
    }
    if (ret_answer->is_refusal_of_client) {
        cflight_error_free(error);
        cfl_buf_clear(body);
        status = ask(oauth, is_refresh, true, body, ret_answer, reterr);
        oauth->sends_form = status == CFLIGHT_OK;
        return status;
    }
    if (reterr != NULL) {
        *reterr = error;
    } else {
        cflight_error_free(error);
    }
    return status;
}

static cflight_status keep_refresh_token(struct oauth *oauth, struct cflight_bytes token,
                                         cflight_error **reterr)
{
    if (token.len_bytes == 0) { /* the former one stays good (RFC 6749, section 6) */
        return CFLIGHT_OK;
    }
    char *copy = cfl_strndup(oauth->options.allocator, (const char *)token.data, token.len_bytes);
    if (copy == NULL) {
        return cfl_error_no_memory(reterr);
    }
    wipe(oauth->options.allocator, oauth->refresh_token);
    oauth->refresh_token = copy;
    return CFLIGHT_OK;
}

static cflight_status fetch(void *user_data, cflight_buffer **ret_token, int64_t *ret_lifetime_ms,
                            cflight_error **reterr)
{
    struct oauth *oauth = user_data;
    struct cfl_oauth_answer answer;
    struct cfl_buf body;
    cflight_status status = CFLIGHT_UNAUTHENTICATED;
    cfl_buf_init(&body, oauth->options.allocator);
    if (oauth->refresh_token != NULL) {
        status = ask_either(oauth, true, &body, &answer, NULL);
        if (status == CFLIGHT_UNAUTHENTICATED) { /* it has ended: from the beginning */
            wipe(oauth->options.allocator, oauth->refresh_token);
            oauth->refresh_token = NULL;
        }
        if (status != CFLIGHT_OK) {
            cfl_buf_wipe(&body);
            cfl_buf_init(&body, oauth->options.allocator);
        }
    }
    if (status != CFLIGHT_OK) {
        status = ask_either(oauth, false, &body, &answer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = keep_refresh_token(oauth, answer.refresh_token, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_buffer_new_copy(answer.token, ret_token, reterr);
        *ret_lifetime_ms = answer.lifetime_ms;
    }
    cfl_buf_wipe(&body);
    return status;
}

/* ---- making one ---- */

/* Copies all texts, so that the options can be freed whatever is missing. */
static bool copy_texts(struct oauth *oauth, const struct cflight_oauth_options *from)
{
    const struct cflight_allocator *alloc = from->allocator;
    bool is_whole = true;
    for (size_t i = 0; i < CFL_OAUTH_TEXT_COUNT; i++) {
        const char *text = cfl_oauth_text_of(from, &cfl_oauth_texts[i]);
        char *copy = text == NULL ? NULL : cfl_strndup(alloc, text, strlen(text));
        is_whole = is_whole && (text == NULL || copy != NULL);
        *(char **)((char *)&oauth->options + cfl_oauth_texts[i].offset) = copy;
    }
    oauth->shown_uri = cfl_strndup(alloc, from->token_uri, strcspn(from->token_uri, "?#"));
    if (from->root_certs.len_bytes > 0) {
        oauth->roots =
            cfl_strndup(alloc, (const char *)from->root_certs.data, from->root_certs.len_bytes);
        is_whole = is_whole && oauth->roots != NULL;
    }
    return is_whole && oauth->shown_uri != NULL;
}

static cflight_status make(const struct cflight_oauth_options *options, struct oauth **ret_oauth,
                           cflight_error **reterr)
{
    struct oauth *oauth = cfl_alloc_zeroed(options->allocator, sizeof *oauth);
    if (oauth == NULL) {
        return cfl_error_no_memory(reterr);
    }
    oauth->options = *options;
    cflight_status status = CFLIGHT_OK;
    if (!copy_texts(oauth, options)) {
        status = cfl_error_no_memory(reterr);
        goto done;
    }
    /* A client without a secret names itself in the form. */
    oauth->sends_form =
        options->client_auth == CFLIGHT_OAUTH_CLIENT_AUTH_FORM || options->client_secret == NULL;
    struct cfl_http_options http = {
        .alloc = options->allocator,
        .uri = oauth->options.token_uri,
        .shown_uri = oauth->shown_uri,
        .root_certs = cflight_bytes_make(oauth->roots, options->root_certs.len_bytes),
        .timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS,
    };
    status = cfl_http_new(&http, &oauth->http, reterr);
done:
    if (status != CFLIGHT_OK) {
        oauth_free(oauth);
        return status;
    }
    *ret_oauth = oauth;
    return CFLIGHT_OK;
}

cflight_status cflight_oauth_new(const struct cflight_oauth_options *options,
                                 cflight_token_cache **ret_cache, cflight_error **reterr)
{
    struct cflight_oauth_options loaded;
    struct oauth *oauth = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(options), CFL_ARG(ret_cache));
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_oauth_options_check(&loaded, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = make(&loaded, &oauth, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_token_source source = CFLIGHT_TOKEN_SOURCE_INIT;
    source.user_data = oauth;
    source.fetch = fetch;
    source.release = oauth_free;
    source.refresh_ahead_ms = loaded.refresh_ahead_ms;
    source.allocator = loaded.allocator;
    status = cflight_token_cache_new(&source, ret_cache, reterr);
    if (status != CFLIGHT_OK) {
        oauth_free(oauth);
    }
    return status;
}
