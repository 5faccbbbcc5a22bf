/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_KIT_COOKIES_H
#define CFL_FLIGHT_KIT_COOKIES_H

#include "base/buf.h"
#include "base/clock.h"
#include "cflight/cookies.h"

/* As cflight_cookie_jar_new(), with the wall clock that tests set; NULL is the operating system's.
 * The clock must outlive the jar. */
cflight_status cfl_cookie_jar_new(const struct cflight_cookie_jar_options *options,
                                  const struct cfl_clock *wall_clock, cflight_cookie_jar **ret_jar,
                                  cflight_error **reterr);
/* Appends "a=b; c=d"; false when memory ran out. */
bool cfl_cookie_jar_append_header(cflight_cookie_jar *jar, struct cfl_buf *target);
size_t cfl_cookie_jar_count(cflight_cookie_jar *jar);

#endif /* CFL_FLIGHT_KIT_COOKIES_H */
