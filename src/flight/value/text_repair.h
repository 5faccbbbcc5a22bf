/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_VALUE_TEXT_REPAIR_H
#define CFL_FLIGHT_VALUE_TEXT_REPAIR_H

#include "base/buf.h"

/* Appends a peer's `text` with U+FFFD for every byte that is not part of valid UTF-8, and for NUL,
 * so that the result can be a C string. False when memory ran out. Thread class: one at a time. */
bool cfl_text_repair(struct cfl_buf *target, struct cflight_bytes text);

#endif /* CFL_FLIGHT_VALUE_TEXT_REPAIR_H */
