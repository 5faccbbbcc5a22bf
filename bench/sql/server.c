/* SPDX-License-Identifier: Apache-2.0 */
/* A Flight SQL server over SQLite, for the benchmarks: prints its location, serves until standard
 * input ends.
 *
 *     sql_bench_server FILE */
#include <stdio.h>
#include <unistd.h>

#include "engine.h"

int main(int argc, char **argv)
{
    struct engine engine = {.path = argc > 1 ? argv[1] : "", .writing = PTHREAD_MUTEX_INITIALIZER};
    struct cflight_sql_handlers handlers = CFLIGHT_SQL_HANDLERS_INIT;
    cflight_sql_server *server = NULL;
    cflight_error *error = NULL;
    char byte = 0;
    handlers.user_data = &engine;
    engine_set_sessions(&handlers);
    engine_set_statements(&handlers);
    engine_set_tables(&handlers);
    engine_set_ingest(&handlers);
    if (cflight_sql_server_new("grpc://127.0.0.1:0", &handlers, NULL, &server, &error) !=
        CFLIGHT_OK) {
        (void)fprintf(stderr, "%s\n", cflight_error_message(error));
        cflight_error_free(error);
        return 1;
    }
    (void)printf("%s\n", cflight_server_location(cflight_sql_server_flight(server)));
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    cflight_sql_server_free(server);
    return 0;
}
