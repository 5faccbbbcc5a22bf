/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_INTERRUPT_H
#define CFLIGHT_CLI_SYSTEM_INTERRUPT_H

#include <stdint.h>

#include "cflight/call.h"

/* SIGINT, SIGTERM and SIGHUP. They are blocked in all threads and taken by one that waits for them,
 * so no code runs in a signal handler. */

/* Blocks the signals and makes a closed pipe an error instead of a signal; call it first, in the
 * main thread. */
void cli_signals_block(void);
/* Waits for one of the signals; less than 0 is no limit. @return its number, 0 when the time passed
 */
int cli_signal_wait(int64_t timeout_ms);

/* Starts the thread of a client. The first signal triggers `cancel`, is told by
 * cli_interrupt_signal() and ends waits of the calling thread with EINTR, again and again until the
 * program has noticed; the second ends the process at once. */
cflight_status cli_interrupt_start(cflight_cancel *cancel, cflight_error **reterr);
/* For a program that goes on after an interrupt: a SIGINT that came is over, and `cancel` is what
 * the next signal triggers. From then on no SIGINT ends the process, however many come; SIGTERM and
 * SIGHUP stay. */
void cli_interrupt_renew(cflight_cancel *cancel);
void cli_interrupt_stop(void);

/* The signal that came, 0 for none. */
int cli_interrupt_signal(void);

#endif /* CFLIGHT_CLI_SYSTEM_INTERRUPT_H */
