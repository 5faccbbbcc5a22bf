/* SPDX-License-Identifier: Apache-2.0 */
/* Location URIs (RFC 3986), parsed by uriparser.
 *
 * uriparser splits and checks the syntax; what it leaves to us is the port's range and
 * percent-decoding (RFC 3986 section 2.1). A decoded zero byte is refused, because the results are
 * C strings. A Unix socket is the path; its abstract form "@name" may be written as a path
 * ("grpc+unix:@name") or where a host would be ("grpc+unix://@name", which RFC 3986 reads as empty
 * user information). A query or fragment there is refused: it is the rest of a path whose '?' or
 * '#' was not escaped, and another socket would be used. Memory for the parse comes from an arena.
 * Thread class: free. */
#include <string.h>
#include <uriparser/Uri.h>

#include "base/ascii.h"
#include "base/error.h"
#include "flight/value/text_repair.h"
#include "flight/value/values.h"

enum { QUOTED_BYTES_MAX = 256, PORT_MAX = 65535, URI_BYTES_MAX = 1 << 20 };
static const size_t MEMORY_FIXED_BYTES = (size_t)64 << 10;
static const size_t MEMORY_PER_BYTE =
    128; /* a path of empty segments takes a list node for each byte */
static const char UNIX_SCHEME[] = "grpc+unix";

/* The parts before they are laid out. Texts are in an arena. */
struct parts {
    struct cflight_bytes uri;
    struct cflight_bytes scheme;
    struct cflight_bytes host;
    struct cflight_bytes path;
    int32_t port;
};

static cflight_status refuse(struct cflight_bytes uri, const char *reason, cflight_error **reterr)
{
    struct cfl_buf quoted;
    cfl_buf_init(&quoted, NULL);
    size_t shown_bytes = uri.len_bytes < QUOTED_BYTES_MAX ? uri.len_bytes : QUOTED_BYTES_MAX;
    (void)cfl_text_repair(&quoted, cflight_bytes_make(uri.data, shown_bytes));
    (void)cfl_buf_append_text(&quoted, shown_bytes < uri.len_bytes ? "..." : "");
    (void)cfl_buf_append_u8(&quoted, 0);
    cflight_status status = quoted.failed ? cfl_error_no_memory(reterr)
                                          : cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                                              "Cannot parse URI: '%s' %s",
                                                              (const char *)quoted.data, reason);
    cfl_buf_done(&quoted);
    return status;
}

static cflight_status refuse_syntax(struct cflight_bytes uri, const char *error_at,
                                    cflight_error **reterr)
{
    char reason[96];
    size_t offset = error_at == NULL ? 0 : (size_t)(error_at - (const char *)uri.data);
    if (offset >= uri.len_bytes) {
        return refuse(uri, "due to a syntax error at its end", reterr);
    }
    uint8_t byte = uri.data[offset];
    if (byte >= 0x20 && byte < 0x7F) {
        (void)snprintf(reason, sizeof reason,
                       "due to syntax error at character '%c' (position %zu)", byte, offset);
    } else {
        (void)snprintf(reason, sizeof reason, "due to syntax error at byte 0x%02x (position %zu)",
                       byte, offset);
    }
    return refuse(uri, reason, reterr);
}

static struct cflight_bytes range_bytes(UriTextRangeA range)
{
    if (range.first == NULL || range.afterLast == NULL || range.first == range.afterLast) {
        return cflight_bytes_make(NULL, 0);
    }
    return cflight_bytes_make(range.first, (size_t)(range.afterLast - range.first));
}

/* Appends `text` percent-decoded. False for a zero byte. */
static bool append_decoded(uint8_t *target, size_t *len_bytes, struct cflight_bytes text)
{
    size_t decoded_bytes = cfl_percent_decode(text, target + *len_bytes);
    bool has_zero = memchr(target + *len_bytes, 0, decoded_bytes) != NULL;
    *len_bytes += decoded_bytes;
    return !has_zero;
}

static cflight_status read_port(struct parts *parts, const UriUriA *parsed, cflight_error **reterr)
{
    struct cflight_bytes text = range_bytes(parsed->portText);
    int32_t port = 0;
    parts->port = -1;
    for (size_t i = 0; i < text.len_bytes; i++) {
        port = port * 10 + (text.data[i] - '0');
        if (port > PORT_MAX) {
            return refuse(parts->uri, "because its port number is above 65535", reterr);
        }
    }
    if (text.len_bytes > 0) {
        parts->port = port;
    }
    return CFLIGHT_OK;
}

/* Joins the decoded segments. "@name" in the place of a host goes before them. */
static bool read_path(struct parts *parts, const UriUriA *parsed, uint8_t *target)
{
    bool has_authority = parsed->hostText.first != NULL;
    bool is_unix = cflight_bytes_equal(parts->scheme, cflight_bytes_from_text(UNIX_SCHEME));
    bool is_abstract =
        is_unix && parsed->userInfo.first != NULL && range_bytes(parsed->userInfo).len_bytes == 0;
    size_t len_bytes = 0;
    bool ok = true;
    if (is_abstract) {
        target[len_bytes++] = '@';
        memcpy(target + len_bytes, parts->host.data, parts->host.len_bytes);
        len_bytes += parts->host.len_bytes;
        parts->host.len_bytes = 0;
    }
    for (const UriPathSegmentA *segment = parsed->pathHead; segment != NULL && ok;
         segment = segment->next) {
        if (segment != parsed->pathHead || parsed->absolutePath || has_authority) {
            target[len_bytes++] = '/';
        }
        ok = append_decoded(target, &len_bytes, range_bytes(segment->text));
    }
    parts->path = cflight_bytes_make(target, len_bytes);
    return ok;
}

/* True when a socket's path goes on where RFC 3986 sees a query or a fragment. */
static bool is_cut_socket(const struct parts *parts, const UriUriA *parsed)
{
    return cflight_bytes_equal(parts->scheme, cflight_bytes_from_text(UNIX_SCHEME)) &&
           (parsed->query.first != NULL || parsed->fragment.first != NULL);
}

static cflight_status read_parts(struct cfl_arena *arena, struct parts *parts,
                                 const UriUriA *parsed, cflight_error **reterr)
{
    parts->scheme = range_bytes(parsed->scheme);
    if (parts->scheme.len_bytes == 0) {
        return refuse(parts->uri, "because it has an empty scheme", reterr);
    }
    if (is_cut_socket(parts, parsed)) {
        return refuse(parts->uri,
                      "because the path of a socket holds '?' or '#'; write them as %3F and %23",
                      reterr);
    }
    /* Decoding never lengthens; the path may gain a leading '/' or '@'. */
    uint8_t *host = cfl_arena_alloc(arena, parts->uri.len_bytes);
    uint8_t *path = cfl_arena_alloc(arena, parts->uri.len_bytes + 2);
    if (host == NULL || path == NULL) {
        return cfl_arena_error(arena, "a location", reterr);
    }
    size_t host_bytes = 0;
    bool ok = append_decoded(host, &host_bytes, range_bytes(parsed->hostText));
    parts->host = cflight_bytes_make(host, host_bytes);
    if (!ok || !read_path(parts, parsed, path)) {
        return refuse(parts->uri, "because it holds a zero byte", reterr);
    }
    return read_port(parts, parsed, reterr);
}

static void *allocate(UriMemoryManager *manager, size_t size_bytes)
{
    return cfl_arena_alloc(manager->userData, size_bytes);
}

static void leave(UriMemoryManager *manager, void *memory)
{
    (void)manager;
    (void)memory;
}

static cflight_status parse(struct cfl_arena *arena, struct parts *parts, cflight_error **reterr)
{
    UriMemoryManager backend = {.malloc = allocate, .free = leave, .userData = arena};
    UriMemoryManager manager;
    UriUriA parsed;
    const char *error_at = NULL;
    const char *text = (const char *)parts->uri.data;
    if (parts->uri.len_bytes == 0) {
        return refuse(parts->uri, "because it is empty", reterr);
    }
    if (uriCompleteMemoryManager(&manager, &backend) != URI_SUCCESS) {
        return cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                         "uriparser refuses its memory functions");
    }
    int result =
        uriParseSingleUriExMmA(&parsed, text, text + parts->uri.len_bytes, &error_at, &manager);
    if (result == URI_ERROR_MALLOC) {
        return cfl_arena_error(arena, "a location", reterr);
    }
    if (result != URI_SUCCESS) {
        return refuse_syntax(parts->uri, error_at, reterr);
    }
    cflight_status status = read_parts(arena, parts, &parsed, reterr);
    uriFreeUriMembersMmA(&parsed, &manager);
    return status;
}

static void layout(struct cfl_block *block, const void *value, void *ret_value)
{
    const struct parts *parts = value;
    struct cflight_location location = {
        .uri = cfl_block_text(block, parts->uri),
        .scheme = cfl_block_text(block, parts->scheme),
        .host = cfl_block_text(block, parts->host),
        .port = parts->port,
        .path = cfl_block_text(block, parts->path),
    };
    memcpy(ret_value, &location, sizeof location);
}

cflight_status cfl_location_parse(const struct cflight_allocator *alloc, struct cflight_bytes uri,
                                  struct cflight_location **ret_location, cflight_error **reterr)
{
    cflight_status status = cfl_bytes_check(uri, "the URI of a location", reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (uri.len_bytes > URI_BYTES_MAX) {
        return refuse(uri, "because it is longer than 1 MiB", reterr);
    }
    struct cfl_arena arena;
    struct parts parts = {.uri = uri};
    cfl_arena_init(&arena, alloc, MEMORY_FIXED_BYTES + MEMORY_PER_BYTE * uri.len_bytes);
    status = parse(&arena, &parts, reterr);
    if (status == CFLIGHT_OK) {
        struct cflight_location *location = cfl_block_copy(alloc, &parts, sizeof *location, layout);
        if (location == NULL) {
            status = cfl_error_no_memory(reterr);
        } else {
            *ret_location = location;
        }
    }
    cfl_arena_done(&arena);
    return status;
}

cflight_status cflight_location_parse(struct cflight_bytes uri,
                                      struct cflight_location **ret_location,
                                      cflight_error **reterr)
{
    if (ret_location == NULL) {
        return cfl_error_null_argument(reterr, "ret_location");
    }
    return cfl_location_parse(NULL, uri, ret_location, reterr);
}

enum cfl_location_kind cfl_location_kind(const struct cflight_location *location)
{
    static const struct {
        const char *scheme;
        enum cfl_location_kind kind;
    } KINDS[] = {
        {"grpc", CFL_LOCATION_TCP},
        {"grpc+tcp", CFL_LOCATION_TCP},
        {"grpc+tls", CFL_LOCATION_TLS},
        {UNIX_SCHEME, CFL_LOCATION_UNIX},
    };
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (strcmp(location->scheme, KINDS[i].scheme) == 0) {
            return KINDS[i].kind;
        }
    }
    return CFL_LOCATION_OTHER;
}

void cflight_location_free(struct cflight_location *location)
{
    cfl_block_free(location);
}
