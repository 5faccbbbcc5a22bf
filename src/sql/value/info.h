/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_VALUE_INFO_H
#define CFL_SQL_VALUE_INFO_H

#include "cflight/sql_info.h"

/* Sets of SqlInfo, for the files that make rows of them and read rows into them. */

/* As cflight_sql_info_set(), for what a server has sent: any kind is kept, but numbers become the
 * standard's. */
cflight_status cfl_sql_info_keep(cflight_sql_info *info, const struct cflight_sql_info_value *value,
                                 cflight_error **reterr);

/* Where the value of a code is, as cflight_sql_info_at() counts; false when there is none. */
bool cfl_sql_info_index(const cflight_sql_info *info, uint32_t code, size_t *ret_index);

#endif /* CFL_SQL_VALUE_INFO_H */
