/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_SERVICE_MANAGER_H
#define CFLIGHT_CLI_SYSTEM_SERVICE_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cflight/error.h"

/* What systemd passes to a service, and is told by it: sockets by LISTEN_FDS (sd_listen_fds(3)),
 * states by NOTIFY_SOCKET (sd_notify(3)). Where there is no service manager nothing is passed, and
 * nobody told. Thread class: the main thread. */

enum { CLI_PASSED_SOCKETS_MAX = 64, CLI_PASSED_NAME_BYTES = 256, CLI_PASSED_HOST_BYTES = 64 };

struct cli_passed_socket {
    int fd;
    char name[CLI_PASSED_NAME_BYTES]; /* "" for none */
    bool is_unix;
    char host[CLI_PASSED_HOST_BYTES]; /* in digits; "" for Unix sockets */
};

struct cli_passed_sockets {
    struct cli_passed_socket items[CLI_PASSED_SOCKETS_MAX];
    size_t count;
};

/* Takes what was passed to this process; the variables are gone then, so that no child takes it for
 * its own. @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (what is passed makes no sense) */
cflight_status cli_passed_sockets_take(struct cli_passed_sockets *ret_sockets,
                                       cflight_error **reterr);
void cli_passed_sockets_close(struct cli_passed_sockets *sockets);

/* Remembers where the manager listens, and how often it wants to hear of this process. */
void cli_manager_find(void);
/* How often it does, in milliseconds; 0 is not at all. */
int64_t cli_manager_watchdog_ms(void);
/* Tells a state, in the words of sd_notify(3). */
void cli_manager_tell(const char *format, ...) CFLIGHT_PRINTF(1, 2);

#endif /* CFLIGHT_CLI_SYSTEM_SERVICE_MANAGER_H */
