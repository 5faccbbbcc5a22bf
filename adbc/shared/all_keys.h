/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_SHARED_ALL_KEYS_H
#define CFLIGHT_ADBC_SHARED_ALL_KEYS_H

/* A code of SqlInfo, among those that are free for servers: the server lists primary and imported
 * keys of all tables when the name of the table is empty. */
enum { ADBC_SQL_INFO_HAS_ALL_KEYS = 20131 };

#endif /* CFLIGHT_ADBC_SHARED_ALL_KEYS_H */
