/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting is announced here, wherever in the library it happens: a handler may wait for its own
 * client or for any server that it calls, a login for a password to be verified. Thread class:
 * free. */
#include "base/blocking.h"

#include <stddef.h>

static _Thread_local const struct cfl_blocking *current;
static _Thread_local unsigned int depth;

void cfl_blocking_set(const struct cfl_blocking *blocking)
{
    current = blocking;
    depth = 0;
}

void cfl_blocking_begin(void)
{
    if (current != NULL && depth++ == 0) {
        current->begin(current->user_data);
    }
}

void cfl_blocking_end(void)
{
    if (current != NULL && --depth == 0) {
        current->end(current->user_data);
    }
}
