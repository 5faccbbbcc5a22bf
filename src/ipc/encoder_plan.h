/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_ENCODER_PLAN_H
#define CFL_IPC_ENCODER_PLAN_H

#include "ipc/encoder.h"

/* Between begin and the first next: tells whether the batch would replace a dictionary that was
 * sent before, which the file format does not allow. */
bool cfl_encoder_will_replace(const struct cfl_encoder *encoder);

#endif /* CFL_IPC_ENCODER_PLAN_H */
