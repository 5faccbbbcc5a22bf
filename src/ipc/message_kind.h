/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_MESSAGE_KIND_H
#define CFL_IPC_MESSAGE_KIND_H

#include "cflight/message.h"
#include "ipc/encoder.h"

/* The kinds of messages as users see them, and back; METADATA, which holds no Arrow data, has no
 * counterpart and must not be asked for. */
enum cflight_message_kind cfl_message_kind_public(enum cfl_message_kind kind);
enum cfl_message_kind cfl_message_kind_of(enum cflight_message_kind kind);

#endif /* CFL_IPC_MESSAGE_KIND_H */
