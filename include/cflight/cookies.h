/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_COOKIES_H
#define CFLIGHT_COOKIES_H

#include "cflight/alloc.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/middleware.h"

/// @file
/// A cookie jar for clients: keeps what servers set and sends it back, so that sessions and load
/// balancers with sticky connections work.
///
/// Cookies of response headers and trailers are taken. Names compare without case; domain, path and
/// flags are ignored, so share a jar among clients of one service only. `Max-Age` comes before
/// `Expires`; a cookie without either lives as long as the jar. Several clients may share one jar,
/// such as those for the endpoints of one query. Counted; thread class: free.
///
///     cflight_cookie_jar *jar = NULL;
///     struct cflight_client_middleware middleware;
///     if (cflight_cookie_jar_new(NULL, &jar, &error) != CFLIGHT_OK) { ... }
///     cflight_cookie_jar_middleware(jar, &middleware);
///     client_options.middleware = &middleware;
///     client_options.middleware_count = 1;
///
/// A client whose jar is empty sends the header CFLIGHT_COOKIES_KEPT instead, so that a server need
/// not wait for its second call to know that it comes back.
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cflight_cookie_jar cflight_cookie_jar;

/// The header by which a client says that it keeps cookies, while it has none; its value is "yes".
#define CFLIGHT_COOKIES_KEPT "cflight-cookies-kept"

/// Bounds of a jar. When one is passed, the cookies that were set longest ago are dropped; a cookie
/// that is too large by itself is ignored.
struct cflight_cookie_jar_options {
    size_t struct_size;
    const struct cflight_allocator *allocator; ///< NULL: the C library; must outlive the jar
    uint32_t cookies_max;                      ///< 0 is 1024
    uint32_t cookie_bytes_max;                 ///< name and value of one cookie; 0 is 4096
    uint32_t header_bytes_max;                 ///< the `cookie` header with all of them; 0 is 32768
};

#define CFLIGHT_COOKIE_JAR_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_cookie_jar_options)

/// Makes an empty jar with one reference.
///
/// @param options  NULL for defaults. Borrowed for this call.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_cookie_jar_new(const struct cflight_cookie_jar_options *options,
                       cflight_cookie_jar **ret_jar, cflight_error **reterr);
/// Adds a reference and returns `jar`; NULL gives NULL.
CFLIGHT_EXPORT cflight_cookie_jar *
cflight_cookie_jar_ref(cflight_cookie_jar *jar);
/// Drops a reference; the last one frees the jar. NULL is ignored.
CFLIGHT_EXPORT void
cflight_cookie_jar_unref(cflight_cookie_jar *jar);

/// Fills a middleware table that works with the jar, for one client: call it once for each. The
/// table holds a reference to the jar, which its `release` gives back; a client does that when it
/// ends, and whoever made the table does it when no client took it.
CFLIGHT_EXPORT void
cflight_cookie_jar_middleware(cflight_cookie_jar *jar, struct cflight_client_middleware *ret_table);

/// Takes one `set-cookie` value, as if a server had sent it. What is no cookie is ignored.
/// @return CFLIGHT_OK, or CFLIGHT_RESOURCE_EXHAUSTED when memory ran out
CFLIGHT_EXPORT cflight_status
cflight_cookie_jar_set(cflight_cookie_jar *jar, struct cflight_bytes set_cookie,
                       cflight_error **reterr);
/// Gives the text of the `cookie` header ("a=b; c=d", in the order of names), empty when there are
/// no cookies; expired ones are dropped. Unref the buffer.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_cookie_jar_header(cflight_cookie_jar *jar, cflight_buffer **ret_header,
                          cflight_error **reterr);
/// Forgets all cookies.
CFLIGHT_EXPORT void
cflight_cookie_jar_clear(cflight_cookie_jar *jar);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_COOKIES_H */
