/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of public structs, pinned for 64-bit Linux. A struct of options or handlers that starts
 * with struct_size may grow at its end, and the number here grows with it; any other change of a
 * number is a break of the binary interface (VERSIONING.md). */
#include "cflight/cflight.h"

#include "test.h"

struct pinned_size {
    const char *name;
    size_t actual_bytes;
    size_t pinned_bytes;
};

static const struct pinned_size SIZES[] = {
    {"cflight_allocator", sizeof(struct cflight_allocator), 32},
    {"cflight_client_auth", sizeof(struct cflight_client_auth), 40},
    {"cflight_token_provider", sizeof(struct cflight_token_provider), 32},
    {"cflight_token_source", sizeof(struct cflight_token_source), 48},
    {"cflight_oauth_options", sizeof(struct cflight_oauth_options), 152},
    {"cflight_server_auth", sizeof(struct cflight_server_auth), 32},
    {"cflight_bytes", sizeof(struct cflight_bytes), 16},
    {"cflight_header", sizeof(struct cflight_header), 32},
    {"cflight_call_options", sizeof(struct cflight_call_options), 112},
    {"cflight_client_tls", sizeof(struct cflight_client_tls), 104},
    {"cflight_client_options", sizeof(struct cflight_client_options), 264},
    {"cflight_ipc_write_options", sizeof(struct cflight_ipc_write_options), 32},
    {"cflight_ipc_read_options", sizeof(struct cflight_ipc_read_options), 64},
    {"cflight_ipc_stats", sizeof(struct cflight_ipc_stats), 40},
    {"cflight_call_summary", sizeof(struct cflight_call_summary), 56},
    {"cflight_client_middleware", sizeof(struct cflight_client_middleware), 56},
    {"cflight_server_middleware", sizeof(struct cflight_server_middleware), 48},
    {"cflight_server_handlers", sizeof(struct cflight_server_handlers), 88},
    {"cflight_tls_key_pair", sizeof(struct cflight_tls_key_pair), 32},
    {"cflight_server_tls", sizeof(struct cflight_server_tls), 80},
    {"cflight_server_socket", sizeof(struct cflight_server_socket), 8},
    {"cflight_server_options", sizeof(struct cflight_server_options), 328},
    {"cflight_trace", sizeof(struct cflight_trace), 48},
    {"cflight_trace_span", sizeof(struct cflight_trace_span), 136},
    {"cflight_trace_attribute", sizeof(struct cflight_trace_attribute), 24},
    {"cflight_tracer", sizeof(struct cflight_tracer), 32},
    {"cflight_request_log", sizeof(struct cflight_request_log), 32},
    {"cflight_service_method", sizeof(struct cflight_service_method), 56},
    {"cflight_health_options", sizeof(struct cflight_health_options), 24},
    {"cflight_reflection_options", sizeof(struct cflight_reflection_options), 56},
    {"cflight_metrics_options", sizeof(struct cflight_metrics_options), 24},
    {"cflight_metrics_http_options", sizeof(struct cflight_metrics_http_options), 32},
    {"cflight_metric_label", sizeof(struct cflight_metric_label), 16},
    {"cflight_metric_params", sizeof(struct cflight_metric_params), 80},
    {"cflight_metric_sample", sizeof(struct cflight_metric_sample), 80},
    {"cflight_tls_policy", sizeof(struct cflight_tls_policy), 40},
    {"cflight_source", sizeof(struct cflight_source), 40},
    {"cflight_field", sizeof(struct cflight_field), 40},
    {"cflight_metadata", sizeof(struct cflight_metadata), 32},
    {"cflight_builder_options", sizeof(struct cflight_builder_options), 24},
    {"cflight_sql_info_value", sizeof(struct cflight_sql_info_value), 72},
    {"cflight_sql_answer", sizeof(struct cflight_sql_answer), 96},
    {"cflight_sql_options", sizeof(struct cflight_sql_options), 48},
    {"cflight_sql_message", sizeof(struct cflight_sql_message), 104},
    {"cflight_sql_column", sizeof(struct cflight_sql_column), 112},
    {"cflight_sql_error_state", sizeof(struct cflight_sql_error_state), 32},
    {"cflight_sql_query", sizeof(struct cflight_sql_query), 56},
    {"cflight_sql_plan", sizeof(struct cflight_sql_plan), 168},
    {"cflight_sql_value", sizeof(struct cflight_sql_value), 72},
    {"cflight_sql_foreign_key", sizeof(struct cflight_sql_foreign_key), 176},
    {"cflight_sql_type_row", sizeof(struct cflight_sql_type_row), 160},
    {"cflight_sql_handlers", sizeof(struct cflight_sql_handlers), 208},
    {"cflight_sql_server_options", sizeof(struct cflight_sql_server_options), 224},
    {"cflight_sql_server_counts", sizeof(struct cflight_sql_server_counts), 64},
    {"cflight_chunk", sizeof(struct cflight_chunk), 104},
    {"cflight_ipc_messages_options", sizeof(struct cflight_ipc_messages_options), 40},
    {"cflight_message", sizeof(struct cflight_message), 40},
    {"cflight_type", sizeof(struct cflight_type), 168},
    {"cflight_descriptor", sizeof(struct cflight_descriptor), 40},
    {"cflight_time", sizeof(struct cflight_time), 16},
    {"cflight_endpoint", sizeof(struct cflight_endpoint), 64},
    {"cflight_info", sizeof(struct cflight_info), 112},
    {"cflight_poll_info", sizeof(struct cflight_poll_info), 48},
    {"cflight_action", sizeof(struct cflight_action), 32},
    {"cflight_action_type", sizeof(struct cflight_action_type), 32},
    {"cflight_basic_auth", sizeof(struct cflight_basic_auth), 32},
    {"cflight_location", sizeof(struct cflight_location), 40},
    {"cflight_session_option", sizeof(struct cflight_session_option), 80},
    {"cflight_session_options", sizeof(struct cflight_session_options), 16},
    {"cflight_session_error", sizeof(struct cflight_session_error), 24},
    {"cflight_session_errors", sizeof(struct cflight_session_errors), 16},
};

/* Goal: no public struct changes its size unseen. Method: compare every one with the pinned number
 * and name all that differ. */
TEST(struct_sizes, public_structs_keep_their_size)
{
    size_t changed_count = 0;
    if (sizeof(void *) != 8) {
        return;
    }
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        if (SIZES[i].actual_bytes != SIZES[i].pinned_bytes) {
            print_error("struct %s is %zu bytes, pinned at %zu\n", SIZES[i].name,
                        SIZES[i].actual_bytes, SIZES[i].pinned_bytes);
            changed_count++;
        }
    }
    assert_int_equal(changed_count, 0);
}

/* Goal: a status is as wide as an int on every compiler and its numbers are those of gRPC.
 * Method: the size and three of the numbers. */
TEST(struct_sizes, a_status_is_as_wide_as_an_int)
{
    assert_int_equal(sizeof(cflight_status), 4);
    assert_int_equal(CFLIGHT_OK, 0);
    assert_int_equal(CFLIGHT_UNIMPLEMENTED, 12);
    assert_int_equal(CFLIGHT_UNAUTHENTICATED, 16);
}
