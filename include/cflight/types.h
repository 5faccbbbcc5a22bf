/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TYPES_H
#define CFLIGHT_TYPES_H

#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"

/// @file
/// The values of Flight: descriptors, endpoints, infos, actions, session options, and their bytes
/// on the wire.
///
/// Each is a plain struct of views. To send one, fill it with borrowed memory. One that the library
/// returns is a single block: the struct and everything it points at, freed together by the `_free`
/// function of its type, which ignores NULL. `_serialize` gives the protobuf message
/// (Flight.proto), `_parse` takes it, skips unknown fields and refuses malformed bytes with
/// CFLIGHT_INVALID_ARGUMENT ("Not a valid FlightInfo: ..."). `_equal` compares content. `_text`
/// gives one line for people, to be freed with cflight_text_free(). All functions: free (any
/// thread).
///
///     struct cflight_bytes path[] = {cflight_bytes_from_text("airports")};
///     struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_PATH};
///     descriptor.path = path;
///     descriptor.path_count = 1;
///     struct cflight_info *info = NULL;
///     if (cflight_client_get_flight_info(client, &descriptor, NULL, &info, &error) == 0) { ... }
///     cflight_info_free(info);
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// Longest ticket, descriptor or metadata that fits a protobuf message.
#define CFLIGHT_MESSAGE_BYTES_MAX 2147483647

enum cflight_descriptor_type {
    CFLIGHT_DESCRIPTOR_UNKNOWN = 0,
    CFLIGHT_DESCRIPTOR_PATH = 1,
    CFLIGHT_DESCRIPTOR_CMD = 2,
};

/// Names a dataset: by path elements or by an opaque command. Only the member that `type` names is
/// meaningful.
struct cflight_descriptor {
    enum cflight_descriptor_type type;
    struct cflight_bytes cmd;
    const struct cflight_bytes *path;
    size_t path_count;
};

/// A point in time, in nanoseconds since 1970-01-01 UTC (a protobuf Timestamp on the wire).
struct cflight_time {
    bool has_value;
    int64_t unix_ns;
};

/// Where one part of a dataset can be fetched. `locations` are URIs; none means the service that
/// gave the endpoint.
struct cflight_endpoint {
    struct cflight_bytes ticket;
    const struct cflight_bytes *locations;
    size_t location_count;
    struct cflight_time expiration_time;
    struct cflight_bytes app_metadata;
};

/// Describes a dataset. `schema` is an encapsulated IPC message (cflight/ipc.h) or empty; -1 counts
/// are unknown.
struct cflight_info {
    struct cflight_bytes schema;
    struct cflight_descriptor descriptor;
    const struct cflight_endpoint *endpoints;
    size_t endpoint_count;
    int64_t total_records;
    int64_t total_bytes;
    bool ordered;
    struct cflight_bytes app_metadata;
};

/// The state of a long query. `info` is everything known so far and may be NULL; `descriptor` is
/// what to poll next, NULL when finished.
struct cflight_poll_info {
    const struct cflight_info *info;
    const struct cflight_descriptor *descriptor;
    bool has_progress;
    double progress; ///< 0 to 1
    struct cflight_time expiration_time;
};

/// A named request with an opaque body.
struct cflight_action {
    struct cflight_bytes type;
    struct cflight_bytes body;
};

/// Describes an action that a server offers.
struct cflight_action_type {
    struct cflight_bytes type;
    struct cflight_bytes description;
};

/// The payload of a username and password handshake.
struct cflight_basic_auth {
    struct cflight_bytes username;
    struct cflight_bytes password;
};

/// The URI of a location that means "over the connection that gave this info".
#define CFLIGHT_LOCATION_REUSE_CONNECTION "arrow-flight-reuse-connection://?"

/// A parsed location URI (RFC 3986). Texts are terminated and part of the struct's block.
struct cflight_location {
    const char *uri;    ///< as given, not normalised
    const char *scheme; ///< "grpc", "grpc+tcp", "grpc+tls", "grpc+unix", or anything else
    const char *host;   ///< percent-decoded, IPv6 without brackets; "" when there is none
    int32_t port;       ///< -1 when there is none; clients then take 443, as gRPC does
    const char *path; ///< percent-decoded; the socket of a grpc+unix location ("@name" is abstract)
};

/// Parses a URI. @return CFLIGHT_OK, or CFLIGHT_INVALID_ARGUMENT with a message that starts "Cannot
/// parse URI: '...'"
CFLIGHT_CHECKED cflight_status
cflight_location_parse(struct cflight_bytes uri, struct cflight_location **ret_location,
                       cflight_error **reterr);
/// Writes the URI of a host and port, "SCHEME://HOST:PORT". An IPv6 address may stand in brackets
/// or not. The result can be parsed. Free the text with cflight_text_free().
/// @return CFLIGHT_OK, or CFLIGHT_INVALID_ARGUMENT when the host is empty or holds what a host
/// cannot, or the port is outside of 0 to 65535
CFLIGHT_CHECKED cflight_status
cflight_location_of_host(const char *scheme, struct cflight_bytes host, int32_t port,
                         char **ret_uri, cflight_error **reterr);
/// Writes the URI of a Unix socket; `path` "@name" is an abstract one. Bytes that a URI cannot
/// hold, such as blanks, '#' and '%', are escaped. Free the text with cflight_text_free().
/// @return CFLIGHT_OK, or CFLIGHT_INVALID_ARGUMENT when the path is empty or holds a zero byte
CFLIGHT_CHECKED cflight_status
cflight_location_of_socket(struct cflight_bytes path, char **ret_uri, cflight_error **reterr);
/// Frees one that the library returned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_location_free(struct cflight_location *location);

/// Serialises a FlightDescriptor message. Unref the buffer.
CFLIGHT_CHECKED cflight_status
cflight_descriptor_serialize(const struct cflight_descriptor *descriptor,
                             cflight_buffer **ret_buffer, cflight_error **reterr);
/// Parses a FlightDescriptor message. Free the result with cflight_descriptor_free().
CFLIGHT_CHECKED cflight_status
cflight_descriptor_parse(struct cflight_bytes bytes, struct cflight_descriptor **ret_descriptor,
                         cflight_error **reterr);
/// Copies deeply into one block.
CFLIGHT_CHECKED cflight_status
cflight_descriptor_copy(const struct cflight_descriptor *descriptor,
                        struct cflight_descriptor **ret_copy, cflight_error **reterr);
/// Same type and same content; two UNKNOWN descriptors are never equal.
CFLIGHT_EXPORT bool
cflight_descriptor_equal(const struct cflight_descriptor *a, const struct cflight_descriptor *b);
/// Describes it in one line for people. Free the text with cflight_text_free().
CFLIGHT_CHECKED cflight_status
cflight_descriptor_text(const struct cflight_descriptor *descriptor, char **ret_text,
                        cflight_error **reterr);
/// Frees one that the library returned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_descriptor_free(struct cflight_descriptor *descriptor);

/// Serialises a Ticket message. Unref the buffer.
CFLIGHT_CHECKED cflight_status
cflight_ticket_serialize(struct cflight_bytes ticket, cflight_buffer **ret_buffer,
                         cflight_error **reterr);
/// Parses a Ticket; the buffer holds its bytes.
CFLIGHT_CHECKED cflight_status
cflight_ticket_parse(struct cflight_bytes bytes, cflight_buffer **ret_ticket,
                     cflight_error **reterr);

/// Serialises a FlightEndpoint message. Unref the buffer.
CFLIGHT_CHECKED cflight_status
cflight_endpoint_serialize(const struct cflight_endpoint *endpoint, cflight_buffer **ret_buffer,
                           cflight_error **reterr);
/// Parses a FlightEndpoint message. Free the result with cflight_endpoint_free().
CFLIGHT_CHECKED cflight_status
cflight_endpoint_parse(struct cflight_bytes bytes, struct cflight_endpoint **ret_endpoint,
                       cflight_error **reterr);
/// Tells whether two hold the same content.
CFLIGHT_EXPORT bool
cflight_endpoint_equal(const struct cflight_endpoint *a, const struct cflight_endpoint *b);
/// Describes it in one line for people. Free the text with cflight_text_free().
CFLIGHT_CHECKED cflight_status
cflight_endpoint_text(const struct cflight_endpoint *endpoint, char **ret_text,
                      cflight_error **reterr);
/// Frees one that the library returned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_endpoint_free(struct cflight_endpoint *endpoint);

/// Serialises a FlightInfo message. Unref the buffer.
CFLIGHT_CHECKED cflight_status
cflight_info_serialize(const struct cflight_info *info, cflight_buffer **ret_buffer,
                       cflight_error **reterr);
/// Parses a FlightInfo message. Free the result with cflight_info_free().
CFLIGHT_CHECKED cflight_status
cflight_info_parse(struct cflight_bytes bytes, struct cflight_info **ret_info,
                   cflight_error **reterr);
/// Tells whether two hold the same content.
CFLIGHT_EXPORT bool
cflight_info_equal(const struct cflight_info *a, const struct cflight_info *b);
/// Describes it in one line for people. Free the text with cflight_text_free().
CFLIGHT_CHECKED cflight_status
cflight_info_text(const struct cflight_info *info, char **ret_text, cflight_error **reterr);
/// Frees one that the library returned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_info_free(struct cflight_info *info);

/// Serialises a PollInfo message. Unref the buffer.
CFLIGHT_CHECKED cflight_status
cflight_poll_info_serialize(const struct cflight_poll_info *poll_info, cflight_buffer **ret_buffer,
                            cflight_error **reterr);
/// Parses a PollInfo message. Free the result with cflight_poll_info_free().
CFLIGHT_CHECKED cflight_status
cflight_poll_info_parse(struct cflight_bytes bytes, struct cflight_poll_info **ret_poll_info,
                        cflight_error **reterr);
/// Tells whether two hold the same content.
CFLIGHT_EXPORT bool
cflight_poll_info_equal(const struct cflight_poll_info *a, const struct cflight_poll_info *b);
/// Describes it in one line for people. Free the text with cflight_text_free().
CFLIGHT_CHECKED cflight_status
cflight_poll_info_text(const struct cflight_poll_info *poll_info, char **ret_text,
                       cflight_error **reterr);
/// Frees one that the library returned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_poll_info_free(struct cflight_poll_info *poll_info);

/// Serialises an Action message. Unref the buffer.
CFLIGHT_CHECKED cflight_status
cflight_action_serialize(const struct cflight_action *action, cflight_buffer **ret_buffer,
                         cflight_error **reterr);
/// Parses an Action message. Free the result with cflight_action_free().
CFLIGHT_CHECKED cflight_status
cflight_action_parse(struct cflight_bytes bytes, struct cflight_action **ret_action,
                     cflight_error **reterr);
/// Tells whether two hold the same content.
CFLIGHT_EXPORT bool
cflight_action_equal(const struct cflight_action *a, const struct cflight_action *b);
/// Frees one that the library returned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_action_free(struct cflight_action *action);

/// Serialises an ActionType message. Unref the buffer.
CFLIGHT_CHECKED cflight_status
cflight_action_type_serialize(const struct cflight_action_type *action_type,
                              cflight_buffer **ret_buffer, cflight_error **reterr);
/// Parses an ActionType message. Free the result with cflight_action_type_free().
CFLIGHT_CHECKED cflight_status
cflight_action_type_parse(struct cflight_bytes bytes, struct cflight_action_type **ret_action_type,
                          cflight_error **reterr);
/// Frees one that the library returned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_action_type_free(struct cflight_action_type *action_type);

/// An action's result is one opaque body.
CFLIGHT_CHECKED cflight_status
cflight_result_serialize(struct cflight_bytes body, cflight_buffer **ret_buffer,
                         cflight_error **reterr);
/// Parses a Result; the buffer holds its body.
CFLIGHT_CHECKED cflight_status
cflight_result_parse(struct cflight_bytes bytes, cflight_buffer **ret_body, cflight_error **reterr);

/// A schema result carries an encapsulated IPC schema message.
CFLIGHT_CHECKED cflight_status
cflight_schema_result_serialize(struct cflight_bytes schema, cflight_buffer **ret_buffer,
                                cflight_error **reterr);
/// Parses a SchemaResult; the buffer holds the encapsulated schema message.
CFLIGHT_CHECKED cflight_status
cflight_schema_result_parse(struct cflight_bytes bytes, cflight_buffer **ret_schema,
                            cflight_error **reterr);

/// Serialises a BasicAuth message. Unref the buffer.
CFLIGHT_CHECKED cflight_status
cflight_basic_auth_serialize(const struct cflight_basic_auth *basic_auth,
                             cflight_buffer **ret_buffer, cflight_error **reterr);
/// Parses a BasicAuth. Free it with cflight_basic_auth_free().
CFLIGHT_CHECKED cflight_status
cflight_basic_auth_parse(struct cflight_bytes bytes, struct cflight_basic_auth **ret_basic_auth,
                         cflight_error **reterr);
/// Wipes the password, then frees.
CFLIGHT_EXPORT void
cflight_basic_auth_free(struct cflight_basic_auth *basic_auth);

/// The outcome of CancelFlightInfo.
enum cflight_cancel_status {
    CFLIGHT_CANCEL_STATUS_UNSPECIFIED = 0,
    CFLIGHT_CANCEL_STATUS_CANCELLED = 1,
    CFLIGHT_CANCEL_STATUS_CANCELLING = 2,
    CFLIGHT_CANCEL_STATUS_NOT_CANCELLABLE = 3,
};

enum cflight_session_value_type {
    CFLIGHT_SESSION_VALUE_NONE = 0, ///< unset: in a request it removes the option
    CFLIGHT_SESSION_VALUE_STRING = 1,
    CFLIGHT_SESSION_VALUE_BOOL = 2,
    CFLIGHT_SESSION_VALUE_INT64 = 3,
    CFLIGHT_SESSION_VALUE_DOUBLE = 4,
    CFLIGHT_SESSION_VALUE_STRING_LIST = 5,
};

/// One session option. Only the member that `type` names is meaningful.
struct cflight_session_option {
    struct cflight_bytes name;
    enum cflight_session_value_type type;
    struct cflight_bytes string_value;
    bool bool_value;
    int64_t int64_value;
    double double_value;
    const struct cflight_bytes *list_values;
    size_t list_count;
};

struct cflight_session_options {
    const struct cflight_session_option *options;
    size_t count;
};

enum cflight_session_error_code {
    CFLIGHT_SESSION_ERROR_UNSPECIFIED = 0,
    CFLIGHT_SESSION_ERROR_INVALID_NAME = 1,
    CFLIGHT_SESSION_ERROR_INVALID_VALUE = 2,
    CFLIGHT_SESSION_ERROR_ERROR = 3,
};

struct cflight_session_error {
    struct cflight_bytes name;
    enum cflight_session_error_code code;
};

/// The options that SetSessionOptions did not set; empty when all went well.
struct cflight_session_errors {
    const struct cflight_session_error *errors;
    size_t count;
};

enum cflight_close_session_status {
    CFLIGHT_CLOSE_SESSION_UNSPECIFIED = 0,
    CFLIGHT_CLOSE_SESSION_CLOSED = 1,
    CFLIGHT_CLOSE_SESSION_CLOSING = 2,
    CFLIGHT_CLOSE_SESSION_NOT_CLOSEABLE = 3,
};

/// Frees one that the library returned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_session_options_free(struct cflight_session_options *options);
/// Frees one that the library returned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_session_errors_free(struct cflight_session_errors *errors);

/// Names of the standard actions. Their bodies are bare messages, not packed in an Any; the
/// functions below make and take them, for servers that answer them and clients that send them by
/// hand.
#define CFLIGHT_ACTION_CANCEL_FLIGHT_INFO "CancelFlightInfo"
#define CFLIGHT_ACTION_RENEW_FLIGHT_ENDPOINT "RenewFlightEndpoint"
#define CFLIGHT_ACTION_SET_SESSION_OPTIONS "SetSessionOptions"
#define CFLIGHT_ACTION_GET_SESSION_OPTIONS "GetSessionOptions"
#define CFLIGHT_ACTION_CLOSE_SESSION "CloseSession"

/// CancelFlightInfoRequest holds one FlightInfo.
CFLIGHT_CHECKED cflight_status
cflight_cancel_request_serialize(const struct cflight_info *info, cflight_buffer **ret_buffer,
                                 cflight_error **reterr);
/// Parses a CancelFlightInfoRequest. Free the info with cflight_info_free().
CFLIGHT_CHECKED cflight_status
cflight_cancel_request_parse(struct cflight_bytes bytes, struct cflight_info **ret_info,
                             cflight_error **reterr);
/// Serialises a CancelFlightInfoResult.
CFLIGHT_CHECKED cflight_status
cflight_cancel_result_serialize(enum cflight_cancel_status cancel_status,
                                cflight_buffer **ret_buffer, cflight_error **reterr);
/// Parses a CancelFlightInfoResult.
CFLIGHT_CHECKED cflight_status
cflight_cancel_result_parse(struct cflight_bytes bytes,
                            enum cflight_cancel_status *ret_cancel_status, cflight_error **reterr);
/// RenewFlightEndpointRequest holds one FlightEndpoint; its result is a bare FlightEndpoint.
CFLIGHT_CHECKED cflight_status
cflight_renew_request_serialize(const struct cflight_endpoint *endpoint,
                                cflight_buffer **ret_buffer, cflight_error **reterr);
/// Parses a RenewFlightEndpointRequest. Free the endpoint with cflight_endpoint_free().
CFLIGHT_CHECKED cflight_status
cflight_renew_request_parse(struct cflight_bytes bytes, struct cflight_endpoint **ret_endpoint,
                            cflight_error **reterr);
/// SetSessionOptionsRequest and GetSessionOptionsResult have the same shape.
CFLIGHT_CHECKED cflight_status
cflight_session_options_serialize(const struct cflight_session_options *options,
                                  cflight_buffer **ret_buffer, cflight_error **reterr);
/// Parses what cflight_session_options_serialize() makes.
CFLIGHT_CHECKED cflight_status
cflight_session_options_parse(struct cflight_bytes bytes,
                              struct cflight_session_options **ret_options, cflight_error **reterr);
/// Serialises a SetSessionOptionsResult.
CFLIGHT_CHECKED cflight_status
cflight_session_errors_serialize(const struct cflight_session_errors *errors,
                                 cflight_buffer **ret_buffer, cflight_error **reterr);
/// Parses a SetSessionOptionsResult.
CFLIGHT_CHECKED cflight_status
cflight_session_errors_parse(struct cflight_bytes bytes, struct cflight_session_errors **ret_errors,
                             cflight_error **reterr);
/// Serialises a CloseSessionResult.
CFLIGHT_CHECKED cflight_status
cflight_close_result_serialize(enum cflight_close_session_status close_status,
                               cflight_buffer **ret_buffer, cflight_error **reterr);
/// Parses a CloseSessionResult.
CFLIGHT_CHECKED cflight_status
cflight_close_result_parse(struct cflight_bytes bytes,
                           enum cflight_close_session_status *ret_close_status,
                           cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_TYPES_H */
