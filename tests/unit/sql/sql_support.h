/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_SQL_SUPPORT_H
#define CFLIGHT_TESTS_SQL_SUPPORT_H

#include "cflight/sql.h"
#include "test.h"

/* Bytes of messages as the specification writes them. */

struct t_golden {
    uint8_t data[1024];
    size_t len_bytes;
};
/* "0a 43 P 'CommandStatementQuery' 12 00": hexadecimal bytes, texts, and P for the prefix of type
 * URLs of Flight SQL. */
struct t_golden t_golden(const char *words);
#define GOLDEN(golden_) cflight_bytes_make((golden_).data, (golden_).len_bytes)
/* Fails unless the bytes are those. */
void t_check_golden_bytes(struct cflight_bytes actual, const char *words);

#endif /* CFLIGHT_TESTS_SQL_SUPPORT_H */
