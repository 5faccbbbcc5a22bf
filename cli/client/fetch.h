/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_FETCH_H
#define CFLIGHT_CLI_CLIENT_FETCH_H

#include "cflight/fetch.h"
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

/* Reads rows of a server into a sink. */
struct cli_fetch {
    struct cflight_call_options call_options;
    struct cflight_fetch_options options; /* to open the stream with */
    struct cli_sink *sink;                /* borrowed; begun with the schema */
    struct cli_progress progress;
    struct cli_transfer transfer;
    bool trusts_locations; /* all of them get credentials */
    bool keeps_messages;   /* the sink may be given what is received as it is */
    int64_t rows_left;     /* negative: no limit */
    bool has_more;         /* the limit cut something off */
    bool sink_failed;      /* the failure is that of the sink */
};

/* Makes the options, each endpoint from the first of its locations that gives anything, one after
 * the other. They point at the fetch and borrow the connection, and are for what is opened now. */
void cli_fetch_init(struct cli_fetch *fetch, const struct cli_connection *connection);
/* Reads a stream that was opened with the options; the caller releases it. */
cflight_status cli_fetch_read(struct cli_fetch *fetch, struct ArrowArrayStream *stream,
                              cflight_error **reterr);
/* The failure of a function of such a stream, whole. @return its status */
cflight_status cli_fetch_fail(struct ArrowArrayStream *stream, cflight_error **reterr);

#endif /* CFLIGHT_CLI_CLIENT_FETCH_H */
