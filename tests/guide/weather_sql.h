/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_GUIDE_WEATHER_SQL_H
#define CFLIGHT_TESTS_GUIDE_WEATHER_SQL_H

#include "cflight/cflight.h"

/* What the service says to Flight SQL: every query gives the table, which is listed as `weather`,
 * every update has changed one row, and handles and ids are "1". */

/* The table's rows, or those of a metadata command. */
cflight_status weather_sql_get(struct cflight_bytes ticket, cflight_writer *writer,
                               cflight_error **reterr);
/* The answer to an upload of this command, which has been read. */
cflight_status weather_sql_put(struct cflight_bytes command, cflight_metadata_writer *writer,
                               cflight_error **reterr);
cflight_status weather_sql_act(const struct cflight_action *action, cflight_response *response,
                               cflight_error **reterr);

#endif /* CFLIGHT_TESTS_GUIDE_WEATHER_SQL_H */
