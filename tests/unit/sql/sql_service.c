/* SPDX-License-Identifier: Apache-2.0 */
/* The database of sql_engine.h as a program, for drivers of others: prints its location, and ends
 * when its standard input does. */
#include <stdio.h>

#include "sql_engine.h"

int main(void)
{
    static struct t_engine engine;
    t_engine_init(&engine);
    t_engine_add_lists(&engine);
    t_engine_start(&engine, NULL);
    (void)printf("%s\n", cflight_server_location(cflight_sql_server_flight(engine.server)));
    (void)fflush(stdout);
    while (getchar() != EOF) {
    }
    t_engine_stop(&engine);
    return 0;
}
