/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_LOOP_H
#define CFLIGHT_LOOP_H

#include "cflight/client.h"

/// @file
/// Driving a client from an event loop of your own: no call here blocks, and no thread makes calls
/// behind your back.
///
/// The loop asks which descriptor to watch and for how long (cflight_client_loop_state()); when the
/// descriptor is readable or the time is up it calls cflight_client_loop_process(), which does the
/// I/O that is possible now and then runs the callbacks that became due. The time changes with
/// every step and every call, so ask again after each; the descriptor stays the same as long as the
/// client lives, reconnects included. It is not the socket: it becomes readable for whatever the
/// client waits for, writing included, and must only be polled. Calls are started with
/// cflight_async_start(), which connects when it must, without waiting; of several that are started
/// between two steps the first leaves at once, and the others together, when the loop asks what to
/// wait for. Answers are taken with the `try` functions and a timeout of 0, and a one-shot callback
/// tells when trying makes sense. The functions of client.h start calls as well, but wait for a
/// connection when there is none.
///
/// Thread class: loop only: all functions of one client from one thread at a time. A client that a
/// loop drives may at the same time be used with the blocking functions by other threads.
///
///     cflight_async_start(client, CFLIGHT_METHOD_DO_ACTION, request, NULL, &call, &error);
///     cflight_async_notify(call, on_ready, me);
///     for (;;) {
///         struct cflight_loop_state state;
///         cflight_client_loop_state(client, &state);
///         struct pollfd wait = {state.fd, POLLIN, 0};
///         poll(&wait, 1, state.timeout_ms);
///         cflight_client_loop_process(client);
///     }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// What an event loop is to wait for.
struct cflight_loop_state {
    int fd;         ///< to be polled for reading; -1 when it could not be made: wait, ask again
    int timeout_ms; ///< -1 is for ever, 0 is now
};

/// Tells what to wait for. Thread class: loop only.
CFLIGHT_EXPORT void
cflight_client_loop_state(cflight_client *client, struct cflight_loop_state *ret_state);

/// Does what can be done without waiting, then runs callbacks. They may call anything, but not free
/// the client.
CFLIGHT_EXPORT void
cflight_client_loop_process(cflight_client *client);

/// Runs once, from cflight_client_loop_process(), when connecting ended. `error` is borrowed, NULL
/// on success.
typedef void (*cflight_connected_fn)(void *user_data, cflight_status status,
                                     const cflight_error *error);

/// Connects without blocking, for a program that wants to know before it makes a call: name lookup
/// and handshake run on a thread of their own that ends with them. One at a time.
/// @return CFLIGHT_OK, CFLIGHT_FAILED_PRECONDITION (one is under way, for a call perhaps),
///   CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_client_loop_connect(cflight_client *client, const struct cflight_call_options *options,
                            cflight_connected_fn on_connected, void *user_data,
                            cflight_error **reterr);

/// Tells whether a call can be started without connecting first.
CFLIGHT_EXPORT bool
cflight_client_is_connected(cflight_client *client);

/// Runs once, from cflight_client_loop_process(), when trying again makes sense.
typedef void (*cflight_ready_fn)(void *user_data);

/// A call that never waits: of any method but Handshake. The answers of GetFlightInfo,
/// PollFlightInfo, GetSchema, ListFlights, DoAction and ListActions are taken from it as they come;
/// the others become streams, which are taken out of it.
///
/// Without a connection it waits, under its limits and its cancel handle, for one that all such
/// calls share; if that cannot be made, this is the call's failure. With one request message it is
/// sent again up to three times, on a new connection if need be, when the server certainly did not
/// process it (cflight/client.h), and once with a newer token (cflight/auth.h), as long as nothing
/// of an answer was taken.
typedef struct cflight_async cflight_async;

/// Starts a call. @param request the serialised request (cflight/types.h): a descriptor, ticket or
/// action; for DoPut and DoExchange the descriptor; empty for ListActions. It is copied, as are the
/// options.
/// @return CFLIGHT_OK, or what the call failed with already
CFLIGHT_CHECKED cflight_status
cflight_async_start(cflight_client *client, enum cflight_method method,
                    struct cflight_bytes request, const struct cflight_call_options *options,
                    cflight_async **ret_async, cflight_error **reterr);
/// Takes the next answer if there is one. For DoGet it is ready, with NULL, when the server has
/// answered, and for DoPut and DoExchange when the call is on its way: then take the streams.
/// @param ret_message NULL at the end; otherwise the serialised answer, to unref.
/// @return CFLIGHT_OK, or the call's failure, the same every time
CFLIGHT_CHECKED cflight_status
cflight_async_try_next(cflight_async *async, bool *ret_is_ready, cflight_buffer **ret_message,
                       cflight_error **reterr);
/// Has `on_ready` called once when cflight_async_try_next() has something. NULL takes it back.
CFLIGHT_EXPORT void
cflight_async_notify(cflight_async *async, cflight_ready_fn on_ready, void *user_data);
/// Takes the reader of a DoGet that is ready. It holds the call: free the other as you like.
/// @return CFLIGHT_OK, CFLIGHT_FAILED_PRECONDITION (another method, not ready, or taken),
///   CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_async_take_reader(cflight_async *async, cflight_reader **ret_reader,
                          cflight_error **reterr);
/// Takes the streams of a DoPut that is ready, and begins with the schema, as
/// cflight_client_do_put() does. What is written without a body (the schema, metadata alone) is
/// queued where it cannot leave at once: cflight_writer_notify() tells when it has left.
/// @return as cflight_async_take_reader(), or what beginning failed with
CFLIGHT_CHECKED cflight_status
cflight_async_take_put(cflight_async *async, const struct ArrowSchema *schema,
                       cflight_writer **ret_writer, cflight_metadata_reader **ret_metadata,
                       cflight_error **reterr);
/// Takes the streams of a DoExchange that is ready, as cflight_client_do_exchange() gives them; the
/// writer queues as that of cflight_async_take_put().
/// @return as cflight_async_take_reader()
CFLIGHT_CHECKED cflight_status
cflight_async_take_exchange(cflight_async *async, cflight_writer **ret_writer,
                            cflight_reader **ret_reader, cflight_error **reterr);
/// Cancels the call if it runs and its streams were not taken. NULL is ignored.
CFLIGHT_EXPORT void
cflight_async_free(cflight_async *async);

/// Has `on_ready` called once when cflight_reader_try_next() has something. NULL takes it back.
CFLIGHT_EXPORT void
cflight_reader_notify(cflight_reader *reader, cflight_ready_fn on_ready, void *user_data);
/// Has `on_ready` called once when cflight_metadata_reader_try_next() has something. NULL takes it
/// back.
CFLIGHT_EXPORT void
cflight_metadata_reader_notify(cflight_metadata_reader *reader, cflight_ready_fn on_ready,
                               void *user_data);

/// Writes a batch without waiting. The first call starts it; while `*ret_is_done` is false, call
/// again with the same arguments when cflight_writer_notify() says so, or call
/// cflight_writer_write() with them, which waits for the rest. `batch` must stay as it is until
/// then; freeing the writer before cancels the call. @return as cflight_writer_write()
CFLIGHT_CHECKED cflight_status
cflight_writer_try_write(cflight_writer *writer, const struct ArrowArray *batch,
                         const struct cflight_bytes *app_metadata, bool *ret_is_done,
                         cflight_error **reterr);
/// Writes a message without waiting, as cflight_writer_try_write() does a batch.
/// @return as cflight_writer_write_message()
CFLIGHT_CHECKED cflight_status
cflight_writer_try_write_message(cflight_writer *writer, const struct cflight_message *message,
                                 bool *ret_is_done, cflight_error **reterr);
/// Has `on_ready` called once when what was written has left, or the call is over. NULL takes it
/// back.
CFLIGHT_EXPORT void
cflight_writer_notify(cflight_writer *writer, cflight_ready_fn on_ready, void *user_data);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_LOOP_H */
