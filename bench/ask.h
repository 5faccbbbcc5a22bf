/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_BENCH_ASK_H
#define CFLIGHT_BENCH_ASK_H

#include <stdint.h>

/* Asks for the info of the flight `name`, or with NULL for the list of all, `count` times in all,
 * on so many connections at once. Prints the seconds as the other operations do. @return an exit
 * code */
int ask(const char *location, int64_t count, const char *name, int64_t connection_count);

#endif /* CFLIGHT_BENCH_ASK_H */
