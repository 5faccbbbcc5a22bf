/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_SQL_H
#define CFP_SQL_H

#include <stdatomic.h>

#include "client/client_frame.h"
#include "client/fetch.h"

#include "cflight/sql_client.h"

/* Flight SQL: a client that is a FlightClient, its statements and its transactions. */

/* Something that the server keeps for a client: a statement, or a transaction. The library takes
 * one call at a time with it; a second thread is refused. */
struct cfp_sql_remote {
    CFP_HEAD
    PyObject *client; /* sql.Client */
    void *handle;     /* NULL before the server has answered */
    atomic_bool is_busy;
};

struct cfp_sql_transaction {
    struct cfp_sql_remote remote;
    bool is_over; /* the server has said so */
};

/* The object of a type with this head; NULL with an exception set. */
void *cfp_sql_remote_new(PyTypeObject *type, PyObject *client);
int cfp_sql_remote_traverse(PyObject *self, visitproc visit, void *arg);
/* Frees with `release`, without the GIL: it may tell the server. */
void cfp_sql_remote_clear(PyObject *self, void (*release)(void *));

/* A call of Flight SQL in its frame. In this order: begin, cfp_frame_block, the library's function
 * with `frame.client`, `options` and `frame.error`, cfp_frame_unblock; end in any case. */
struct cfp_sql_call {
    struct cfp_frame frame;
    struct cflight_sql_options options;
    struct cfp_sql_remote *remote;      /* what the call is made with, or NULL */
    struct cfp_sql_remote *transaction; /* which it is part of, or NULL */
};

/* `remote` may be NULL, `transaction` NULL or Py_None. 0, or -1 with an exception set. */
int cfp_sql_call_begin(struct cfp_sql_call *call, PyObject *client, struct cfp_sql_remote *remote,
                       PyObject *options, PyObject *transaction);
void cfp_sql_call_end(struct cfp_sql_call *call);
/* Both are what a call without the frame of one needs, as cfp_fetch has its own. */
int cfp_sql_call_take(struct cfp_sql_call *call, struct cfp_state *state,
                      struct cfp_sql_remote *remote, PyObject *transaction);
void cfp_sql_call_give(struct cfp_sql_call *call);

/* The rows of anything with __arrow_c_stream__ or __arrow_c_array__: a stream to release. */
int cfp_sql_rows_get(struct cfp_state *state, PyObject *object, const char *name,
                     struct ArrowArrayStream *ret_stream);
/* Releases one that was got, or a zeroed one, without the GIL. */
void cfp_sql_rows_release(struct ArrowArrayStream *rows);

/* The `options` of an argument list that has nothing else, borrowed; NULL with an exception set. */
PyObject *cfp_sql_options_only(PyObject *args, PyObject *kwargs, const char *format);

/* What the arguments of a call ask for, the same under asyncio. All borrow from the arguments, but
 * for `kept`; done in any case. */
struct cfp_sql_command {
    struct cflight_sql_message message;
    PyObject *options;     /* never NULL, as the next */
    PyObject *transaction; /* for the caller to understand */
    PyObject *rows;        /* NULL for none */
    PyObject *kept;        /* a list whose texts the message shows, or NULL */
    struct cfp_scratch scratch;
};
#define CFP_SQL_COMMAND_INIT                                                    \
    {                                                                           \
        .options = Py_None, .transaction = Py_None, .rows = NULL, .kept = NULL, \
        .scratch = CFP_SCRATCH_INIT                                             \
    }
void cfp_sql_command_done(struct cfp_sql_command *command);
/* 0, or -1 with an exception set. */
typedef int cfp_sql_parse(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command);
cfp_sql_parse cfp_sql_parse_catalogs;
cfp_sql_parse cfp_sql_parse_schemas;
cfp_sql_parse cfp_sql_parse_tables;
cfp_sql_parse cfp_sql_parse_table_schema;
cfp_sql_parse cfp_sql_parse_table_types;
cfp_sql_parse cfp_sql_parse_primary_keys;
cfp_sql_parse cfp_sql_parse_exported_keys;
cfp_sql_parse cfp_sql_parse_imported_keys;
cfp_sql_parse cfp_sql_parse_cross_reference;
cfp_sql_parse cfp_sql_parse_type_info;
cfp_sql_parse cfp_sql_parse_sql_info;
cfp_sql_parse cfp_sql_parse_ingest;
cfp_sql_parse cfp_sql_parse_query;
cfp_sql_parse cfp_sql_parse_update;
cfp_sql_parse cfp_sql_parse_prepare;
/* A statement is text, or a SubstraitPlan, which is a pair. Borrowed. */
int cfp_sql_query_get(PyObject *query, enum cflight_sql_type text_type,
                      enum cflight_sql_type plan_type, struct cflight_sql_message *ret_message);
/* What to ask for after a state of a long query, a PollInfo; NULL for a query that begins, after
 * None. Borrowed from `after` and the scratch memory. */
int cfp_sql_next_descriptor(struct cfp_state *state, PyObject *after, struct cfp_scratch *scratch,
                            struct cflight_poll_info *ret_view,
                            const struct cflight_descriptor **ret_descriptor);
/* SqlInfo as a dict. */
PyObject *cfp_sql_info_dict(const cflight_sql_info *info);
/* What the server said of a prepared statement; None for UNKNOWN. */
PyObject *cfp_sql_is_update(enum cflight_sql_update update);

/* A text argument as "s#" and "z#" parse it; absent when `data` is NULL. */
struct cfp_sql_text {
    const char *data;
    Py_ssize_t len_bytes;
};
struct cflight_bytes cfp_sql_view(struct cfp_sql_text text);

/* The methods of the client that are not in client.c. */
PyObject *cfp_sql_client_catalogs(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_schemas(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_tables(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_table_schema(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_table_types(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_primary_keys(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_exported_keys(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_imported_keys(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_cross_reference(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_type_info(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_sql_info(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_prepare(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_transaction(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_ingest(PyObject *self, PyObject *args, PyObject *kwargs);
/* For asyncio: private to the package. */
PyObject *cfp_sql_client_start(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_read_info(PyObject *self, PyObject *rows);
PyObject *cfp_sql_client_read_schema(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_sql_client_make_table(PyObject *self, PyObject *args);

#endif /* CFP_SQL_H */
