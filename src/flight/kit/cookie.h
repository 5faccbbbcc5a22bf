/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_KIT_COOKIE_H
#define CFL_FLIGHT_KIT_COOKIE_H

#include "base/buf.h"

/* One `set-cookie` value, taken apart. Thread class: free. */

struct cfl_cookie {
    struct cflight_bytes name;
    struct cflight_bytes value;
    int64_t expires_ns; /* wall clock; CFL_TIME_NEVER, or not after now for an expired one */
};

/* False for what is no cookie. Name and value are decoded into `scratch`, which must outlive them.
 */
bool cfl_cookie_parse(struct cflight_bytes set_cookie, int64_t now_ns, struct cfl_buf *scratch,
                      struct cfl_cookie *ret_cookie);
/* "Wed, 01 Jan 3000 22:15:36 GMT" (RFC 9110 5.6.7, IMF-fixdate; hyphens are taken for spaces). */
bool cfl_http_date_parse(struct cflight_bytes text, int64_t *ret_unix_s);
/* Finds `name` in the value of a `cookie` header; as sent, without decoding. */
bool cfl_cookie_find(struct cflight_bytes cookie_header, const char *name,
                     struct cflight_bytes *ret_value);

#endif /* CFL_FLIGHT_KIT_COOKIE_H */
