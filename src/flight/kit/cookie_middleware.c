/* SPDX-License-Identifier: Apache-2.0 */
/* The client middleware of a cookie jar. It keeps nothing for a call, so the jar itself is the
 * instance of every call. A cookie that memory is missing for is lost; the call goes on. Thread
 * class: free. */
#include "flight/kit/cookies.h"

static const char SET_COOKIE[] = "set-cookie";

static cflight_status start_call(void *user_data, enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    (void)method;
    (void)reterr;
    *ret_instance = user_data;
    return CFLIGHT_OK;
}

static void sending_headers(void *user_data, void *instance, cflight_header_sink *headers)
{
    (void)instance;
    struct cfl_buf header;
    cfl_buf_init(&header, NULL);
    bool has_memory = cfl_cookie_jar_append_header(user_data, &header);
    if (has_memory && header.len_bytes > 0) {
        (void)cflight_header_sink_add(headers, cflight_bytes_from_text("cookie"),
                                      cfl_buf_bytes(&header), NULL);
    } else if (has_memory) {
        (void)cflight_header_sink_add(headers, cflight_bytes_from_text(CFLIGHT_COOKIES_KEPT),
                                      cflight_bytes_from_text("yes"), NULL);
    }
    cfl_buf_done(&header);
}

static void received_headers(void *user_data, void *instance, const struct cflight_header *headers,
                             size_t header_count)
{
    (void)instance;
    for (size_t i = 0; i < header_count; i++) {
        if (cflight_bytes_equal(headers[i].name, cflight_bytes_from_text(SET_COOKIE))) {
            (void)cflight_cookie_jar_set(user_data, headers[i].value, NULL);
        }
    }
}

static void release(void *user_data)
{
    cflight_cookie_jar_unref(user_data);
}

void cflight_cookie_jar_middleware(cflight_cookie_jar *jar,
                                   struct cflight_client_middleware *ret_table)
{
    struct cflight_client_middleware table = CFLIGHT_CLIENT_MIDDLEWARE_INIT;
    table.user_data = cflight_cookie_jar_ref(jar);
    table.start_call = start_call;
    table.sending_headers = sending_headers;
    table.received_headers = received_headers;
    table.release = release;
    *ret_table = table;
}
