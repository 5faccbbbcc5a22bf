/* SPDX-License-Identifier: Apache-2.0 */
/* The cookie jar: an array of cookies in the order of their names.
 *
 * Looking up is a binary search. The length of the `cookie` header is kept as cookies come and go,
 * so both bounds, on number and on bytes, cost nothing to check; the victim of a passed bound, the
 * cookie set longest ago, is searched for. A new cookie replaces one of its name, and an expired
 * one removes it. Everything is under one mutex, a leaf. Thread class: free. */
#include "flight/kit/cookies.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/body.h"
#include "base/error.h"
#include "base/options.h"
#include "base/refcount.h"
#include "base/search.h"
#include "flight/kit/cookie.h"

enum {
    DEFAULT_COOKIES_MAX = 1024,
    DEFAULT_COOKIE_BYTES_MAX = 4096,
    DEFAULT_HEADER_BYTES_MAX = 32768
};
enum { PAIR_OVERHEAD_BYTES = 3 }; /* "=" and "; " */

struct entry {
    char *name;
    char *value;
    int64_t expires_ns;
    uint64_t set_order;
};

struct cflight_cookie_jar {
    struct cfl_refcount refs;
    struct cflight_cookie_jar_options options;
    const struct cfl_clock *wall_clock;
    pthread_mutex_t mutex;
    struct {
        struct entry *entries;
        size_t count;
        size_t capacity;
        size_t header_bytes;
        uint64_t next_order;
    } locked;
};

static int64_t wall_now_ns(const cflight_cookie_jar *jar)
{
    return jar->wall_clock == NULL ? cfl_clock_wall_ns() : cfl_clock_now_ns(jar->wall_clock);
}

cflight_status cfl_cookie_jar_new(const struct cflight_cookie_jar_options *options,
                                  const struct cfl_clock *wall_clock, cflight_cookie_jar **ret_jar,
                                  cflight_error **reterr)
{
    struct cflight_cookie_jar_options loaded;
    cflight_status status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_option_default(&loaded.cookies_max, DEFAULT_COOKIES_MAX);
    cfl_option_default(&loaded.cookie_bytes_max, DEFAULT_COOKIE_BYTES_MAX);
    cfl_option_default(&loaded.header_bytes_max, DEFAULT_HEADER_BYTES_MAX);
    cflight_cookie_jar *jar = cfl_alloc_zeroed(loaded.allocator, sizeof *jar);
    if (jar == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (pthread_mutex_init(&jar->mutex, NULL) != 0) {
        cfl_free(loaded.allocator, jar, sizeof *jar);
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&jar->refs);
    jar->options = loaded;
    jar->wall_clock = wall_clock;
    *ret_jar = jar;
    return CFLIGHT_OK;
}

cflight_status cflight_cookie_jar_new(const struct cflight_cookie_jar_options *options,
                                      cflight_cookie_jar **ret_jar, cflight_error **reterr)
{
    if (ret_jar == NULL) {
        return cfl_error_null_argument(reterr, "ret_jar");
    }
    return cfl_cookie_jar_new(options, NULL, ret_jar, reterr);
}

cflight_cookie_jar *cflight_cookie_jar_ref(cflight_cookie_jar *jar)
{
    if (jar != NULL) {
        cfl_refcount_up(&jar->refs);
    }
    return jar;
}

static size_t pair_bytes(const struct entry *entry)
{
    return strlen(entry->name) + strlen(entry->value) + PAIR_OVERHEAD_BYTES;
}

static void remove_locked(cflight_cookie_jar *jar, size_t index)
{
    struct entry *entry = &jar->locked.entries[index];
    jar->locked.header_bytes -= pair_bytes(entry);
    cfl_strfree(jar->options.allocator, entry->name);
    cfl_strfree(jar->options.allocator, entry->value);
    jar->locked.count--;
    memmove(entry, entry + 1, (jar->locked.count - index) * sizeof *entry);
}

static void clear_locked(cflight_cookie_jar *jar)
{
    while (jar->locked.count > 0) {
        remove_locked(jar, jar->locked.count - 1);
    }
}

void cflight_cookie_jar_unref(cflight_cookie_jar *jar)
{
    if (jar == NULL || !cfl_refcount_down(&jar->refs)) {
        return;
    }
    clear_locked(jar);
    cfl_free_array(jar->options.allocator, jar->locked.entries, jar->locked.capacity,
                   sizeof *jar->locked.entries);
    (void)pthread_mutex_destroy(&jar->mutex);
    cfl_free(jar->options.allocator, jar, sizeof *jar);
}

static int compare_name(const void *element, const void *name)
{
    const struct entry *entry = element;
    const struct cflight_bytes *wanted = name;
    return cfl_ascii_compare(cflight_bytes_from_text(entry->name), *wanted);
}

/* Where the name is, or where it would go. */
static bool find_locked(const cflight_cookie_jar *jar, struct cflight_bytes name, size_t *ret_index)
{
    return cfl_search(jar->locked.entries, jar->locked.count, sizeof *jar->locked.entries, &name,
                      compare_name, ret_index);
}

static void drop_expired_locked(cflight_cookie_jar *jar, int64_t now_ns)
{
    for (size_t i = jar->locked.count; i-- > 0;) {
        if (jar->locked.entries[i].expires_ns <= now_ns) {
            remove_locked(jar, i);
        }
    }
}

static void drop_oldest_locked(cflight_cookie_jar *jar)
{
    size_t oldest = 0;
    for (size_t i = 1; i < jar->locked.count; i++) {
        if (jar->locked.entries[i].set_order < jar->locked.entries[oldest].set_order) {
            oldest = i;
        }
    }
    remove_locked(jar, oldest);
}

static bool insert_locked(cflight_cookie_jar *jar, const struct cfl_cookie *cookie)
{
    const struct cflight_allocator *alloc = jar->options.allocator;
    size_t index = 0;
    struct entry entry = {
        .name = cfl_strndup(alloc, (const char *)cookie->name.data, cookie->name.len_bytes),
        .value = cfl_strndup(alloc, (const char *)cookie->value.data, cookie->value.len_bytes),
        .expires_ns = cookie->expires_ns,
    };
    if (entry.name == NULL || entry.value == NULL ||
        !cfl_grow_array(alloc, (void **)&jar->locked.entries, &jar->locked.capacity,
                        jar->locked.count + 1, sizeof entry)) {
        cfl_strfree(alloc, entry.name);
        cfl_strfree(alloc, entry.value);
        return false;
    }
    entry.set_order = jar->locked.next_order++;
    (void)find_locked(jar, cookie->name, &index);
    struct entry *place = &jar->locked.entries[index];
    memmove(place + 1, place, (jar->locked.count - index) * sizeof *place);
    *place = entry;
    jar->locked.count++;
    jar->locked.header_bytes += pair_bytes(&entry);
    return true;
}

/* False when memory ran out. */
static bool set_locked(cflight_cookie_jar *jar, const struct cfl_cookie *cookie, int64_t now_ns)
{
    size_t index = 0;
    size_t cookie_bytes = cookie->name.len_bytes + cookie->value.len_bytes;
    if (cookie->expires_ns > now_ns &&
        (cookie_bytes > jar->options.cookie_bytes_max ||
         cookie_bytes + PAIR_OVERHEAD_BYTES > jar->options.header_bytes_max)) {
        return true;
    }
    if (find_locked(jar, cookie->name, &index)) {
        remove_locked(jar, index);
    }
    if (cookie->expires_ns <= now_ns) {
        return true;
    }
    if (jar->locked.count >= jar->options.cookies_max) {
        drop_expired_locked(jar, now_ns);
    }
    while (jar->locked.count > 0 && (jar->locked.count >= jar->options.cookies_max ||
                                     jar->locked.header_bytes + cookie_bytes + PAIR_OVERHEAD_BYTES >
                                         jar->options.header_bytes_max)) {
        drop_oldest_locked(jar);
    }
    return insert_locked(jar, cookie);
}

cflight_status cflight_cookie_jar_set(cflight_cookie_jar *jar, struct cflight_bytes set_cookie,
                                      cflight_error **reterr)
{
    if (jar == NULL || (set_cookie.data == NULL && set_cookie.len_bytes > 0)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a cookie needs a jar and bytes");
    }
    struct cfl_buf scratch;
    struct cfl_cookie cookie;
    int64_t now_ns = wall_now_ns(jar);
    cfl_buf_init(&scratch, jar->options.allocator);
    bool ok = true;
    if (cfl_cookie_parse(set_cookie, now_ns, &scratch, &cookie)) {
        (void)pthread_mutex_lock(&jar->mutex);
        ok = set_locked(jar, &cookie, now_ns);
        (void)pthread_mutex_unlock(&jar->mutex);
    }
    ok = ok && !scratch.failed;
    cfl_buf_done(&scratch);
    return ok ? CFLIGHT_OK : cfl_error_no_memory(reterr);
}

bool cfl_cookie_jar_append_header(cflight_cookie_jar *jar, struct cfl_buf *target)
{
    (void)pthread_mutex_lock(&jar->mutex);
    drop_expired_locked(jar, wall_now_ns(jar));
    for (size_t i = 0; i < jar->locked.count; i++) {
        (void)cfl_buf_append_text(target, i == 0 ? "" : "; ");
        (void)cfl_buf_append_text(target, jar->locked.entries[i].name);
        (void)cfl_buf_append_text(target, "=");
        (void)cfl_buf_append_text(target, jar->locked.entries[i].value);
    }
    (void)pthread_mutex_unlock(&jar->mutex);
    return !target->failed;
}

cflight_status cflight_cookie_jar_header(cflight_cookie_jar *jar, cflight_buffer **ret_header,
                                         cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(jar), CFL_ARG(ret_header));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_buf header;
    cfl_buf_init(&header, jar->options.allocator);
    cflight_buffer *buffer = NULL;
    if (cfl_cookie_jar_append_header(jar, &header)) {
        buffer = cfl_body_new(NULL, jar->options.allocator, header.len_bytes);
    }
    if (buffer != NULL && header.len_bytes > 0) {
        memcpy(cfl_body_data(buffer), header.data, header.len_bytes);
    }
    cfl_buf_done(&header);
    if (buffer == NULL) {
        return cfl_error_no_memory(reterr);
    }
    *ret_header = buffer;
    return CFLIGHT_OK;
}

void cflight_cookie_jar_clear(cflight_cookie_jar *jar)
{
    if (jar != NULL) {
        (void)pthread_mutex_lock(&jar->mutex);
        clear_locked(jar);
        (void)pthread_mutex_unlock(&jar->mutex);
    }
}

size_t cfl_cookie_jar_count(cflight_cookie_jar *jar)
{
    (void)pthread_mutex_lock(&jar->mutex);
    size_t count = jar->locked.count;
    (void)pthread_mutex_unlock(&jar->mutex);
    return count;
}
