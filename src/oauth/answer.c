/* SPDX-License-Identifier: Apache-2.0 */
/* From the answer of a token server to a token, or to an error that says what the server says.
 *
 * A stranger wrote it: what is shown of it is short and printable, and nothing at all when it
 * repeats a secret. Spec: RFC 6749, sections 5.1 and 5.2. Thread class: free. */
#include "oauth/answer.h"

#include "base/ascii.h"
#include "base/error.h"
#include "oauth/json.h"

enum { SHOWN_BYTES = 300, HTTP_OK = 200, HTTP_UNAUTHORIZED = 401, HTTP_TOO_MANY = 429 };
static const int64_t LIFETIME_SECONDS_MAX = INT64_C(10) * 365 * 24 * 3600;

enum member { TOKEN, TOKEN_TYPE, LIFETIME, REFRESH, ERROR, DESCRIPTION, MEMBER_COUNT };

static bool contains(struct cflight_bytes text, const char *part)
{
    size_t len_bytes = strlen(part);
    for (size_t i = 0; len_bytes > 0 && i + len_bytes <= text.len_bytes; i++) {
        if (memcmp(text.data + i, part, len_bytes) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_secret(struct cflight_bytes text, const char *const *secrets)
{
    for (size_t i = 0; secrets[i] != NULL; i++) {
        if (contains(text, secrets[i])) {
            return true;
        }
    }
    return false;
}

static bool is_token(struct cflight_bytes text)
{
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (!cfl_ascii_is_printable(text.data[i]) || text.data[i] == ' ') {
            return false;
        }
    }
    return text.len_bytes > 0;
}

/* Seconds, of which a fraction does not count; -1 when it is no number. Some servers write it as a
 * text. */
static int64_t lifetime_ms_of(const struct cfl_json_member *member)
{
    int64_t seconds = 0;
    size_t i = 0;
    if (member->kind != CFL_JSON_NUMBER && member->kind != CFL_JSON_TEXT) {
        return -1;
    }
    for (; i < member->value.len_bytes && member->value.data[i] >= '0' &&
           member->value.data[i] <= '9' && seconds < LIFETIME_SECONDS_MAX;
         i++) {
        seconds = seconds * 10 + (member->value.data[i] - '0');
    }
    if (i == 0) { /* the past, too */
        return member->value.len_bytes > 0 && member->value.data[0] == '-' ? 0 : -1;
    }
    return (seconds < LIFETIME_SECONDS_MAX ? seconds : LIFETIME_SECONDS_MAX) * 1000;
}

static cflight_status fail(long http_status, const struct cfl_json_member *members, bool is_json,
                           const char *uri, const char *const *secrets, cflight_error **reterr)
{
    char code[64] = "";
    char description[SHOWN_BYTES] = "";
    cflight_status status = http_status == HTTP_TOO_MANY || http_status >= 500
                                ? CFLIGHT_UNAVAILABLE
                                : CFLIGHT_UNAUTHENTICATED;
    bool is_told = is_json && members[ERROR].kind == CFL_JSON_TEXT;
    if (http_status < 400 && !is_told) {
        return cflight_error_set(
            reterr, CFLIGHT_INTERNAL,
            "the token server %s answered %ld%s; expected is 200 with a token", uri, http_status,
            http_status >= 300 ? ", which leads elsewhere and is not followed" : "");
    }
    if (is_told && has_secret(members[ERROR].value, secrets)) {
        is_told = false;
    }
    if (is_told) {
        cfl_ascii_show(members[ERROR].value, code, sizeof code);
    }
    if (is_json && members[DESCRIPTION].kind == CFL_JSON_TEXT &&
        !has_secret(members[DESCRIPTION].value, secrets)) {
        cfl_ascii_show(members[DESCRIPTION].value, description, sizeof description);
    }
    return cflight_error_set(reterr, status, "the token server %s answered %ld: %s%s%s", uri,
                             http_status, is_told ? code : "without an OAuth error",
                             description[0] == '\0' ? "" : ": ", description);
}

static cflight_status take_token(const struct cfl_json_member *members, const char *uri,
                                 struct cfl_oauth_answer *ret_answer, cflight_error **reterr)
{
    char type[64];
    const struct cfl_json_member *token_type = &members[TOKEN_TYPE];
    if (members[TOKEN].kind != CFL_JSON_TEXT || !is_token(members[TOKEN].value)) {
        return cflight_error_set(
            reterr, CFLIGHT_INTERNAL, "the token server %s answered 200 with %s", uri,
            members[TOKEN].kind == CFL_JSON_NONE ? "no access_token"
                                                 : "an access_token that no header can have");
    }
    /* N_A is the type of what was exchanged for another kind of token (RFC 8693, section 2.2.1). */
    if (token_type->kind != CFL_JSON_NONE && !cfl_ascii_is(token_type->value, "bearer") &&
        !cfl_ascii_is(token_type->value, "n_a")) {
        cfl_ascii_show(token_type->value, type, sizeof type);
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "the token server %s gives tokens of the type '%s'; only bearer "
                                 "tokens are known",
                                 uri, type);
    }
    ret_answer->token = members[TOKEN].value;
    ret_answer->lifetime_ms = lifetime_ms_of(&members[LIFETIME]);
    if (members[REFRESH].kind == CFL_JSON_TEXT) {
        ret_answer->refresh_token = members[REFRESH].value;
    }
    return CFLIGHT_OK;
}

cflight_status cfl_oauth_answer_read(long http_status, struct cfl_buf *body, const char *uri,
                                     const char *const *secrets,
                                     struct cfl_oauth_answer *ret_answer, cflight_error **reterr)
{
    struct cfl_json_member members[MEMBER_COUNT] = {
        [TOKEN] = {.name = "access_token"},  [TOKEN_TYPE] = {.name = "token_type"},
        [LIFETIME] = {.name = "expires_in"}, [REFRESH] = {.name = "refresh_token"},
        [ERROR] = {.name = "error"},         [DESCRIPTION] = {.name = "error_description"},
    };
    bool is_json = cfl_json_read_object(body->data, body->len_bytes, members, MEMBER_COUNT);
    bool is_good = http_status == HTTP_OK;
    *ret_answer = (struct cfl_oauth_answer){.lifetime_ms = -1};
    ret_answer->is_refusal_of_client =
        http_status == HTTP_UNAUTHORIZED ||
        (!is_good && is_json && cfl_ascii_is(members[ERROR].value, "invalid_client"));
    if (is_good && !is_json) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                 "the token server %s answered 200 with what is no JSON object",
                                 uri);
    }
    if (!is_good || members[ERROR].kind != CFL_JSON_NONE) {
        return fail(http_status, members, is_json, uri, secrets, reterr);
    }
    return take_token(members, uri, ret_answer, reterr);
}
