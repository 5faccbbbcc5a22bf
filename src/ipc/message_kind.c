/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as users hold them. Owner: the caller. Thread class: free. */
#include "ipc/message_kind.h"

#include <string.h>

enum cflight_message_kind cfl_message_kind_public(enum cfl_message_kind kind)
{
    switch (kind) {
    case CFL_MESSAGE_SCHEMA:
        return CFLIGHT_MESSAGE_SCHEMA;
    case CFL_MESSAGE_DICTIONARY:
        return CFLIGHT_MESSAGE_DICTIONARY;
    case CFL_MESSAGE_BATCH:
        break;
    }
    return CFLIGHT_MESSAGE_BATCH;
}

enum cfl_message_kind cfl_message_kind_of(enum cflight_message_kind kind)
{
    switch (kind) {
    case CFLIGHT_MESSAGE_METADATA:
    case CFLIGHT_MESSAGE_SCHEMA:
        return CFL_MESSAGE_SCHEMA;
    case CFLIGHT_MESSAGE_DICTIONARY:
        return CFL_MESSAGE_DICTIONARY;
    case CFLIGHT_MESSAGE_BATCH:
        break;
    }
    return CFL_MESSAGE_BATCH;
}

void cflight_message_release(struct cflight_message *message)
{
    if (message == NULL) {
        return;
    }
    cflight_buffer_unref(message->header);
    cflight_buffer_unref(message->body);
    cflight_buffer_unref(message->app_metadata);
    memset(message, 0, sizeof *message);
}
