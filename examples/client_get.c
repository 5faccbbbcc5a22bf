/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches a table and counts its rows:  client_get [LOCATION [TICKET]] */
#include <stdio.h>

#include <cflight/cflight.h>

int main(int argc, char **argv)
{
    const char *location = argc > 1 ? argv[1] : "grpc://localhost:32010";
    const char *ticket = argc > 2 ? argv[2] : "weather";
    cflight_client *client = NULL;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    long long row_count = 0;

    cflight_status status = cflight_client_new(location, NULL, &client, &error);
    if (status == CFLIGHT_OK) {
        status =
            cflight_client_do_get(client, cflight_bytes_from_text(ticket), NULL, &reader, &error);
    }
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, &error);
        if (status == CFLIGHT_OK) {
            /* The columns are chunk.batch.children, as the Arrow C data interface defines. */
            row_count += chunk.has_batch ? chunk.batch.length : 0;
            is_end = chunk.is_end;
            cflight_chunk_release(&chunk);
        }
    }

    if (status == CFLIGHT_OK) {
        printf("%lld rows\n", row_count);
    } else {
        fprintf(stderr, "%s: %s\n", cflight_status_name(status), cflight_error_message(error));
    }
    cflight_error_free(error);
    cflight_reader_free(reader);
    cflight_client_free(client);
    return status == CFLIGHT_OK ? 0 : 1;
}
