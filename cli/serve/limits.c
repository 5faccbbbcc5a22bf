/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of `cflight serve` may have at most, and for how long. */
#include "cli/serve/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

#include "cli/system/message.h"
#include "cli/system/os_error.h"

struct size_option {
    enum cli_option_id option;
    uint32_t *ret_size;
    uint32_t max;
};

/* Sizes of which the library takes 32 bits, or HTTP/2 fewer. */
static cflight_status take_sizes(const struct cli_arguments *arguments,
                                 struct cflight_server_options *options, cflight_error **reterr)
{
    const struct size_option sizes[] = {
        {CLI_OPTION_STREAM_WINDOW, &options->stream_window_bytes, INT32_MAX},
        {CLI_OPTION_METADATA_MAX, &options->metadata_bytes_max, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t size_bytes = cli_size(arguments, sizes[i].option);
        if (size_bytes > sizes[i].max) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "--%s takes at most %" PRIu32 " bytes, not %" PRIu64,
                                     cli_options[sizes[i].option].name, sizes[i].max, size_bytes);
        }
        *sizes[i].ret_size = (uint32_t)size_bytes;
    }
    return CFLIGHT_OK;
}

/* On the command line 0 is no limit; to the library 0 is its default and less than 0 no limit. */
static int64_t time_limit_ms(const struct cli_arguments *arguments, enum cli_option_id option)
{
    int64_t limit_ms = cli_milliseconds(arguments, option, 0);
    return limit_ms == 0 && cli_has(arguments, option) ? -1 : limit_ms;
}

cflight_status cli_serve_limits(const struct cli_arguments *arguments,
                                struct cflight_server_options *options, cflight_error **reterr)
{
    options->handlers_max = cli_count(arguments, CLI_OPTION_HANDLERS_MAX);
    options->waiting_max = cli_count(arguments, CLI_OPTION_WAITING_MAX);
    options->queue_max = cli_count(arguments, CLI_OPTION_QUEUE_MAX);
    options->connections_max = cli_count(arguments, CLI_OPTION_CONNECTIONS_MAX);
    options->calls_per_connection_max = cli_count(arguments, CLI_OPTION_CONNECTION_CALLS_MAX);
    options->message_bytes_max = cli_size(arguments, CLI_OPTION_MESSAGE_MAX);
    options->unread_bytes_max = cli_size(arguments, CLI_OPTION_UNREAD_MAX);
    options->message_timeout_ms = time_limit_ms(arguments, CLI_OPTION_MESSAGE_TIMEOUT);
    options->idle_timeout_ms = time_limit_ms(arguments, CLI_OPTION_SERVER_IDLE_TIMEOUT);
    options->contended_timeout_ms = time_limit_ms(arguments, CLI_OPTION_CONTENDED_TIMEOUT);
    options->connection_idle_ms = time_limit_ms(arguments, CLI_OPTION_CONNECTION_IDLE_TIMEOUT);
    return take_sizes(arguments, options, reterr);
}

void cli_serve_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        cflight_error *error = NULL;
        (void)cli_error_from_errno(&error, errno, "raise", "the limit of open files");
        cli_message_error("fewer clients can be served than the system allows", error);
        cflight_error_free(error);
    }
}
