/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_FETCH_H
#define CFLIGHT_CLI_CLIENT_FETCH_H

#include "cli/client/connection.h"
#include "cli/client/progress.h"
#include "cli/values/sink.h"

/* What has gone through a transfer. */
struct cli_transfer {
    int64_t batch_count;
    int64_t row_count;
    uint64_t size_bytes;
};

/* Fails when no count can hold the rows: several streams may claim that many together. */
cflight_status cli_transfer_count(struct cli_transfer *transfer, const struct cli_column *root,
                                  const struct ArrowArray *batch, cflight_error **reterr);
/* "3 batches, 300 rows, 2.40 kB". */
void cli_transfer_append(struct cli_text *text, const struct cli_transfer *transfer);

/* Fetches the endpoints of a flight, one after the other, into a sink. */
struct cli_fetch {
    const struct cli_connection *connection; /* borrowed */
    struct cli_sink *sink;                   /* borrowed; begun with the first schema */
    struct cli_progress progress;
    struct cli_transfer transfer;
    bool trusts_locations; /* all of them get credentials */
    int64_t rows_left;     /* negative: no limit */
    bool has_more;         /* the limit cut something off */
    bool sink_failed;      /* the failure is that of the sink */
};

/* Fetches the endpoints of `info`, each from the first of its locations that gives anything. */
cflight_status cli_fetch_all(struct cli_fetch *fetch, const struct cflight_info *info,
                             cflight_error **reterr);

#endif /* CFLIGHT_CLI_CLIENT_FETCH_H */
