/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP for a token server, by libcurl.
 *
 * libcurl is loaded by name when it is needed and given back afterwards: neither the library nor
 * what is made of it (an ADBC driver, a Python module) has to find it when it is loaded itself. It
 * stays in the process once loaded (RTLD_NODELETE), since what it brings registers itself for the
 * end of threads and of the process. Certificates are verified, redirects are not followed, what is
 * read has a limit in bytes, and all of it one in time. docs/internals/oauth.md tells why.
 * Thread class: one at a time. */
#include "oauth/http.h"

#ifdef CFL_HAS_LIBCURL

#include <curl/curl.h>
#include <dlfcn.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/sigpipe.h"

enum { ANSWER_BYTES_MAX = 1024 * 1024, HEADER_BYTES_MAX = 256 * 1024 };

struct curl_functions {
    void *library;
    CURLcode (*global_init)(long flags);
    void (*global_cleanup)(void);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *easy);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *easy);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
};

struct cfl_http {
    struct cfl_http_options options;
    struct curl_functions curl;
};

/* ---- loading ---- */

static bool find_functions(struct curl_functions *curl)
{
    const struct {
        const char *name;
        void *place; /* of a pointer to a function */
    } functions[] = {
        {"curl_global_init", &curl->global_init},   {"curl_global_cleanup", &curl->global_cleanup},
        {"curl_easy_init", &curl->easy_init},       {"curl_easy_cleanup", &curl->easy_cleanup},
        {"curl_easy_setopt", &curl->easy_setopt},   {"curl_easy_perform", &curl->easy_perform},
        {"curl_easy_getinfo", &curl->easy_getinfo}, {"curl_easy_strerror", &curl->easy_strerror},
        {"curl_slist_append", &curl->slist_append}, {"curl_slist_free_all", &curl->slist_free_all},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(curl->library, functions[i].name);
        if (found == NULL) {
            return false;
        }
        memcpy(functions[i].place, &found, sizeof found);
    }
    return true;
}

/* Of libcurl 7 and 8, whose interface is one. */
static cflight_status load(struct curl_functions *curl, cflight_error **reterr)
{
    static const char *const NAMES[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES && curl->library == NULL; i++) {
        curl->library = dlopen(NAMES[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    }
    if (curl->library == NULL) {
        const char *why = dlerror();
        return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                                 "OAuth tokens are asked for with libcurl (libcurl.so.4; Debian's "
                                 "package libcurl4), which cannot be loaded: %.200s",
                                 why == NULL ? "no reason is given" : why);
    }
    if (!find_functions(curl) || curl->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)dlclose(curl->library);
        curl->library = NULL;
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the libcurl that was found does not work");
    }
    return CFLIGHT_OK;
}

cflight_status cfl_http_new(const struct cfl_http_options *options, struct cfl_http **ret_http,
                            cflight_error **reterr)
{
    struct cfl_http *http = cfl_alloc_zeroed(options->alloc, sizeof *http);
    if (http == NULL) {
        return cfl_error_no_memory(reterr);
    }
    http->options = *options;
    cflight_status status = load(&http->curl, reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(options->alloc, http, sizeof *http);
        return status;
    }
    *ret_http = http;
    return CFLIGHT_OK;
}

void cfl_http_free(struct cfl_http *http)
{
    if (http == NULL) {
        return;
    }
    http->curl.global_cleanup();
    (void)dlclose(http->curl.library);
    cfl_free(http->options.alloc, http, sizeof *http);
}

/* ---- a request ---- */

/* What comes back; libcurl's writer stops when it takes less than it was given. */
struct answer {
    struct cfl_buf *body;
    size_t header_bytes;
    bool is_too_large;
    bool has_no_memory;
};

static size_t take_body(char *data, size_t size, size_t count, void *user_data)
{
    struct answer *answer = user_data;
    size_t len_bytes = size * count; /* `size` is 1 */
    if (len_bytes > ANSWER_BYTES_MAX - answer->body->len_bytes) {
        answer->is_too_large = true;
        return 0;
    }
    if (!cfl_buf_append(answer->body, data, len_bytes)) {
        answer->has_no_memory = true;
        return 0;
    }
    return len_bytes;
}

static size_t take_header(char *data, size_t size, size_t count, void *user_data)
{
    struct answer *answer = user_data;
    size_t len_bytes = size * count;
    (void)data;
    if (len_bytes > HEADER_BYTES_MAX - answer->header_bytes) {
        answer->is_too_large = true;
        return 0;
    }
    answer->header_bytes += len_bytes;
    return len_bytes;
}

struct request {
    CURL *easy;
    struct curl_slist *headers;
    char why[CURL_ERROR_SIZE];
};

static bool add_header(const struct curl_functions *curl, struct request *request, const char *line)
{
    struct curl_slist *longer = curl->slist_append(request->headers, line);
    if (longer == NULL) {
        return false;
    }
    request->headers = longer;
    return true;
}

static bool set_headers(const struct cfl_http *http, struct request *request,
                        const char *authorization)
{
    const struct curl_functions *curl = &http->curl;
    if (authorization != NULL) {
        struct cfl_buf line;
        cfl_buf_init(&line, http->options.alloc);
        bool has_room = cfl_buf_space(&line, strlen(authorization) + 32) != NULL;
        (void)cfl_buf_append_text(&line, "Authorization: ");
        (void)cfl_buf_append_text(&line, authorization);
        (void)cfl_buf_append_u8(&line, '\0');
        bool is_added =
            has_room && !line.failed && add_header(curl, request, (const char *)line.data);
        cfl_buf_wipe(&line);
        if (!is_added) {
            return false;
        }
    }
    /* Without "Expect: 100-continue", for which some servers are waited for in vain. */
    return add_header(curl, request, "Accept: application/json") &&
           add_header(curl, request, "Expect:") &&
           curl->easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers) == CURLE_OK;
}

static CURLcode set_options(const struct cfl_http *http, struct request *request,
                            struct cflight_bytes form, struct answer *answer)
{
    CURL *easy = request->easy;
    const struct curl_functions *curl = &http->curl;
    CURLcode codes[] = {
        curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, request->why),
        curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L),
        curl->easy_setopt(easy, CURLOPT_URL, http->options.uri),
        curl->easy_setopt(easy, CURLOPT_POST, 1L),
        curl->easy_setopt(easy, CURLOPT_POSTFIELDS, form.data),
        curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)form.len_bytes),
        curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)http->options.timeout_ms),
        curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L),
        curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L),
        curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L),
        curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2),
        curl->easy_setopt(easy, CURLOPT_USERAGENT, "cflight"),
        curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body),
        curl->easy_setopt(easy, CURLOPT_WRITEDATA, answer),
        curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header),
        curl->easy_setopt(easy, CURLOPT_HEADERDATA, answer),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != CURLE_OK) {
            return codes[i];
        }
    }
    if (http->options.root_certs.len_bytes == 0) {
        return CURLE_OK;
    }
    struct curl_blob roots = {(void *)(uintptr_t)http->options.root_certs.data,
                              http->options.root_certs.len_bytes, CURL_BLOB_COPY};
    return curl->easy_setopt(easy, CURLOPT_CAINFO_BLOB, &roots);
}

/* With SIGPIPE held back from this thread: libcurl leaves that to those who forbid it signals. */
static CURLcode perform(const struct cfl_http *http, const struct request *request)
{
    struct cfl_sigpipe sigpipe;
    cfl_sigpipe_hold(&sigpipe);
    CURLcode code = http->curl.easy_perform(request->easy);
    cfl_sigpipe_release(&sigpipe, true);
    return code;
}

static cflight_status fail(const struct cfl_http *http, const struct request *request,
                           const struct answer *answer, CURLcode code, cflight_error **reterr)
{
    char why[CURL_ERROR_SIZE];
    if (answer->has_no_memory || code == CURLE_OUT_OF_MEMORY) {
        return cfl_error_no_memory(reterr);
    }
    if (answer->is_too_large) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                 "the token server %s answers with more than %d bytes",
                                 http->options.shown_uri, ANSWER_BYTES_MAX);
    }
    cfl_ascii_show(cflight_bytes_from_text(
                       request->why[0] != '\0' ? request->why : http->curl.easy_strerror(code)),
                   why, sizeof why);
    return cflight_error_set(reterr, CFLIGHT_UNAVAILABLE, "the token server %s cannot be asked: %s",
                             http->options.shown_uri, why);
}

cflight_status cfl_http_post(struct cfl_http *http, struct cflight_bytes form,
                             const char *authorization, struct cfl_buf *body, long *ret_http_status,
                             cflight_error **reterr)
{
    struct request request = {.easy = http->curl.easy_init()};
    struct answer answer = {.body = body};
    cflight_status status = CFLIGHT_OK;
    if (request.easy == NULL || !set_headers(http, &request, authorization)) {
        status = cfl_error_no_memory(reterr);
        goto done;
    }
    CURLcode code = set_options(http, &request, form, &answer);
    if (code == CURLE_OK) {
        code = perform(http, &request);
    }
    if (code == CURLE_OK) {
        code = http->curl.easy_getinfo(request.easy, CURLINFO_RESPONSE_CODE, ret_http_status);
    }
    if (code != CURLE_OK) {
        status = fail(http, &request, &answer, code, reterr);
    }
done:
    http->curl.slist_free_all(request.headers);
    http->curl.easy_cleanup(request.easy);
    return status;
}

#endif
