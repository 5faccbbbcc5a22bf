/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_INTERRUPT_H
#define CFLIGHT_CLI_SYSTEM_INTERRUPT_H

#include <stdatomic.h>

#include "cflight/call.h"

/* SIGINT and SIGTERM. They are blocked in all threads and taken by one that waits for them, so no
 * code runs in a signal handler. */

/* Blocks the signals and makes a closed pipe an error instead of a signal; call it first, in the
 * main thread. */
void cli_signals_block(void);

/* Starts the thread. The first signal triggers `cancel`, sets the flag below and ends waits of the
 * calling thread with EINTR, again and again until the program has noticed; the second ends the
 * process at once. */
cflight_status cli_interrupt_start(cflight_cancel *cancel, cflight_error **reterr);
void cli_interrupt_stop(void);

/* Set once a signal came. */
const atomic_bool *cli_interrupt_flag(void);
/* The signal that came, 0 for none. */
int cli_interrupt_signal(void);

#endif /* CFLIGHT_CLI_SYSTEM_INTERRUPT_H */
