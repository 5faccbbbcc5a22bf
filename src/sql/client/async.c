/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for an event loop.
 *
 * What a request is made of follows from its message: a GetFlightInfo, an action, or an upload
 * without rows. An upload is a call first and a stream of answers once it is on its way, so it is
 * waited for twice; the user is told of the end alone. The first answer counts, and the status of
 * the call wins. Thread class: loop only. */
#include "base/alloc.h"
#include "base/error.h"
#include "cflight/loop.h"
#include "sql/client/rows.h"
#include "sql/client/upload.h"

struct cflight_sql_async {
    enum cflight_sql_type type;
    enum cflight_sql_type answer_type; /* NONE: of a command with a result, or no answer */
    enum cflight_method method;
    const char *name; /* for errors */
    cflight_async *call;
    cflight_writer *writer; /* of an upload that is on its way, as is the next */
    cflight_metadata_reader *metadata;
    cflight_buffer *first; /* answer; NULL until it comes */
    bool is_done;
    cflight_status status; /* when it is done, as are the next two */
    cflight_error *error;
    struct cflight_sql_answer answer;
    cflight_ready_fn on_ready;
    void *user_data;
};

/* ---- starting ---- */

static cflight_status choose_method(cflight_sql_async *async, enum cflight_sql_type type,
                                    cflight_error **reterr)
{
    async->type = type;
    async->name = cfl_sql_action_name(type, &async->answer_type);
    if (async->name != NULL) {
        async->method = CFLIGHT_METHOD_DO_ACTION;
        return CFLIGHT_OK;
    }
    async->name = cflight_sql_type_name(type);
    if (cfl_sql_has_result(type)) {
        async->method = CFLIGHT_METHOD_GET_FLIGHT_INFO;
    } else if (type == CFLIGHT_SQL_STATEMENT_UPDATE ||
               type == CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE) {
        async->method = CFLIGHT_METHOD_DO_PUT;
        async->answer_type = CFLIGHT_SQL_UPDATE_RESULT;
    } else {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s is no command with a result, update or action",
                                 async->name == NULL ? "a message without a type" : async->name);
    }
    return CFLIGHT_OK;
}

/* The serialised request of Flight. */
static cflight_status make_request(const cflight_sql_async *async,
                                   const struct cflight_sql_message *message,
                                   cflight_buffer **ret_request, cflight_error **reterr)
{
    struct cflight_descriptor descriptor;
    cflight_buffer *packed = NULL;
    cflight_status status = cfl_sql_request_command(message, &descriptor, &packed, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (async->method == CFLIGHT_METHOD_DO_ACTION) {
        const struct cflight_action action = {cflight_bytes_from_text(async->name), descriptor.cmd};
        status = cflight_action_serialize(&action, ret_request, reterr);
    } else {
        status = cflight_descriptor_serialize(&descriptor, ret_request, reterr);
    }
    cflight_buffer_unref(packed);
    return status;
}

static cflight_status start(cflight_sql_async *async, const struct cfl_sql_request *request,
                            const struct cflight_sql_message *message, cflight_error **reterr)
{
    char text[CFL_SQL_INLINE_TEXT_BYTES];
    struct cflight_call_options call_options = request->call_options;
    struct cflight_header *headers = NULL;
    cflight_buffer *bytes = NULL;
    const struct cflight_sql_message complete = cfl_sql_request_message(request, message);
    cflight_status status = make_request(async, &complete, &bytes, reterr);
    if (status == CFLIGHT_OK && async->method == CFLIGHT_METHOD_GET_FLIGHT_INFO &&
        !request->options.inline_is_off) {
        status = cfl_sql_rows_ask_inline(request, text, &headers, reterr);
        call_options.headers = headers;
        call_options.header_count++;
    }
    if (status == CFLIGHT_OK) {
        status = cflight_async_start(request->client, async->method, cflight_buffer_bytes(bytes),
                                     &call_options, &async->call, reterr);
    }
    cfl_free_array(NULL, headers, request->call_options.header_count + 1, sizeof *headers);
    cflight_buffer_unref(bytes);
    return status == CFLIGHT_OK ? status : cfl_error_prefix(reterr, status, "%s", async->name);
}

cflight_status cflight_sql_async_start(cflight_client *client,
                                       const struct cflight_sql_message *message,
                                       const struct cflight_sql_options *options,
                                       cflight_sql_async **ret_async, cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(message), CFL_ARG(ret_async));
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_init(&request, client, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_sql_async *async = cfl_alloc_zeroed(NULL, sizeof *async);
    if (async == NULL) {
        return cfl_error_no_memory(reterr);
    }
    status = choose_method(async, message->type, reterr);
    if (status == CFLIGHT_OK) {
        status = start(async, &request, message, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_sql_async_free(async);
        return status;
    }
    *ret_async = async;
    return CFLIGHT_OK;
}

/* ---- going on ---- */

/* The next answer of the call or stream. */
static cflight_status try_next(cflight_sql_async *async, bool *ret_is_ready,
                               cflight_buffer **ret_answer, cflight_error **reterr)
{
    return async->metadata == NULL
               ? cflight_async_try_next(async->call, ret_is_ready, ret_answer, reterr)
               : cflight_metadata_reader_try_next(async->metadata, 0, ret_is_ready, ret_answer,
                                                  reterr);
}

/* Turns an upload that is on its way into its streams, and says that this is all. */
static cflight_status begin_upload(cflight_sql_async *async, cflight_error **reterr)
{
    const struct ArrowSchema schema = cfl_sql_no_fields();
    cflight_status status =
        cflight_async_take_put(async->call, &schema, &async->writer, &async->metadata, reterr);
    return status == CFLIGHT_OK ? cflight_writer_done_writing(async->writer, reterr) : status;
}

/* Reads the answer that has come. */
static cflight_status read_answer(cflight_sql_async *async, cflight_error **reterr)
{
    struct cflight_bytes bytes = cflight_buffer_bytes(async->first);
    cflight_buffer *body = NULL;
    if (async->first == NULL) {
        bool is_needed = async->method != CFLIGHT_METHOD_DO_PUT &&
                         (async->answer_type != CFLIGHT_SQL_NONE ||
                          async->method == CFLIGHT_METHOD_GET_FLIGHT_INFO);
        return is_needed ? cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                                     "the server sent no result")
                         : CFLIGHT_OK;
    }
    if (async->method == CFLIGHT_METHOD_GET_FLIGHT_INFO) {
        return cflight_info_parse(bytes, &async->answer.info, reterr);
    }
    if (async->answer_type == CFLIGHT_SQL_NONE) {
        return CFLIGHT_OK;
    }
    cflight_status status = CFLIGHT_OK;
    if (async->method == CFLIGHT_METHOD_DO_ACTION) {
        status = cflight_result_parse(bytes, &body, reterr);
        bytes = cflight_buffer_bytes(body);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_answer_read(async->answer_type, bytes, &async->answer.message, reterr);
    }
    cflight_buffer_unref(body);
    return status;
}

static void finish(cflight_sql_async *async, cflight_status status)
{
    async->is_done = true;
    if (status == CFLIGHT_OK) {
        status = read_answer(async, &async->error);
    }
    async->status = status;
    if (status != CFLIGHT_OK) {
        (void)cfl_error_prefix(&async->error, status, "%s", async->name);
    }
}

/* Does all that can be done without waiting. */
static void advance(cflight_sql_async *async)
{
    bool is_ready = true;
    while (!async->is_done && is_ready) {
        cflight_buffer *answer = NULL;
        cflight_status status = try_next(async, &is_ready, &answer, &async->error);
        if (status == CFLIGHT_OK && !is_ready) {
            return;
        }
        if (status == CFLIGHT_OK && answer != NULL) {
            cflight_buffer_unref(async->first == NULL ? NULL : answer);
            async->first = async->first == NULL ? answer : async->first;
            continue;
        }
        if (status == CFLIGHT_OK && async->method == CFLIGHT_METHOD_DO_PUT &&
            async->metadata == NULL) {
            status = begin_upload(async, &async->error);
            if (status == CFLIGHT_OK) {
                continue;
            }
        }
        finish(async, status);
    }
}

cflight_status cflight_sql_async_try_finish(cflight_sql_async *async, bool *ret_is_ready,
                                            struct cflight_sql_answer *ret_answer,
                                            cflight_error **reterr)
{
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(async), CFL_ARG(ret_is_ready), CFL_ARG(ret_answer));
    if (status != CFLIGHT_OK) {
        return status;
    }
    advance(async);
    if (async->is_done && async->status != CFLIGHT_OK) {
        if (reterr != NULL) {
            *reterr = cfl_error_copy(async->error);
        }
        return async->status;
    }
    *ret_is_ready = async->is_done;
    if (async->is_done) {
        *ret_answer = async->answer;
        async->answer = (struct cflight_sql_answer){.info = NULL};
    }
    return CFLIGHT_OK;
}

/* ---- being told ---- */

static void on_step(void *user_data);

/* An upload that is on its way already has nothing to wait for before its streams are taken. */
static void watch(cflight_sql_async *async)
{
    advance(async);
    cflight_ready_fn on_ready = async->on_ready == NULL ? NULL : on_step;
    if (async->metadata == NULL) {
        cflight_async_notify(async->call, on_ready, async);
    } else {
        cflight_metadata_reader_notify(async->metadata, on_ready, async);
    }
}

static void on_step(void *user_data)
{
    cflight_sql_async *async = user_data;
    advance(async);
    if (!async->is_done) {
        watch(async);
        return;
    }
    cflight_ready_fn on_ready = async->on_ready;
    async->on_ready = NULL;
    if (on_ready != NULL) {
        on_ready(async->user_data); /* may free it */
    }
}

void cflight_sql_async_notify(cflight_sql_async *async, cflight_ready_fn on_ready, void *user_data)
{
    async->on_ready = on_ready;
    async->user_data = user_data;
    watch(async);
}

void cflight_sql_async_free(cflight_sql_async *async)
{
    if (async == NULL) {
        return;
    }
    cflight_metadata_reader_free(async->metadata);
    cflight_writer_free(async->writer);
    cflight_async_free(async->call);
    cflight_buffer_unref(async->first);
    cflight_error_free(async->error);
    cflight_info_free(async->answer.info);
    cflight_sql_message_free(async->answer.message);
    cfl_free(NULL, async, sizeof *async);
}
