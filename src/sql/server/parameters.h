/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_PARAMETERS_H
#define CFL_SQL_SERVER_PARAMETERS_H

#include "cflight/schema.h"
#include "sql/server/kit.h"

/* The rows of an upload, as an Arrow stream whose failures keep their status. */
struct cfl_sql_upload {
    cflight_reader *reader;
    struct ArrowSchema schema;
    bool has_columns;
    int64_t row_count;
    bool is_over;
    cflight_status status; /* of the first failure */
    cflight_error *error;
};

/* Waits for the schema; an upload without one, or without columns, brings nothing. */
cflight_status cfl_sql_upload_begin(struct cfl_sql_upload *upload, cflight_reader *reader,
                                    cflight_error **reterr);
/* The upload must outlive the stream. */
void cfl_sql_upload_stream(struct cfl_sql_upload *upload, struct ArrowArrayStream *ret_stream);
/* Reads to the end what is left. */
cflight_status cfl_sql_upload_drain(struct cfl_sql_upload *upload, cflight_error **reterr);
/* If the upload itself has failed, that is why `status` is no success. */
cflight_status cfl_sql_upload_failure(struct cfl_sql_upload *upload, cflight_status status,
                                      cflight_error **reterr);
void cfl_sql_upload_done(struct cfl_sql_upload *upload);

struct cflight_sql_parameters {
    const struct cflight_allocator *alloc;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct cflight_type *types;
    struct ArrowArray batch;
    int64_t row; /* of the batch */
    bool has_row;
};

/* Takes the stream, in any case. */
cflight_status cfl_sql_parameters_begin(struct cflight_sql_parameters *parameters,
                                        const struct cflight_allocator *alloc,
                                        struct ArrowArrayStream *stream, cflight_error **reterr);
void cfl_sql_parameters_done(struct cflight_sql_parameters *parameters);
/* INVALID_ARGUMENT unless there are so many columns; a negative number is not known. */
cflight_status cfl_sql_parameters_check(int64_t found_count, int64_t expected_count,
                                        cflight_error **reterr);

#endif /* CFL_SQL_SERVER_PARAMETERS_H */
