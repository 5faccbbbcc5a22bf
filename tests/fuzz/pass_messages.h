/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_PASS_MESSAGES_H
#define CFLIGHT_TESTS_PASS_MESSAGES_H

#include "cflight/ipc.h"

/* Passes the messages of a file on into a stream, at each level of checking, and reads that. A
 * stream whose values were checked must be read whole, unless it has compressed ones. */
void t_pass_messages(cflight_ipc_file *file);

#endif /* CFLIGHT_TESTS_PASS_MESSAGES_H */
