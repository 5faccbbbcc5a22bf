/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_OUTPUT_H
#define CFLIGHT_CLI_SYSTEM_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "cflight/bytes.h"
#include "cflight/error.h"

/* Where data goes: standard output, or a file that appears when all of it is written. Small writes
 * are collected, large ones go out as they are. Thread class: one at a time. */
struct cli_output;

/* Opens "-" (standard output) or a path. Devices and pipes are written to directly; anything else
 * appears under its name with cli_output_close(), and replaces what is there. Once a signal came
 * (cli_interrupt_signal()), an interrupted wait ends with EINTR instead of going on. */
cflight_status cli_output_open(struct cli_output **ret_output, const char *path,
                               cflight_error **reterr);

/* Writes all views. @return 0, or an errno that stays: later writes fail the same way. Fits
 * cflight_write_fn. */
int cli_output_write(void *output, const struct cflight_bytes *views, size_t count);
int cli_output_write_text(struct cli_output *output, struct cflight_bytes text);

/* Writes what was collected. @return 0 or an errno */
int cli_output_flush(struct cli_output *output);

/* Writes what was collected, syncs, and makes the file appear. */
cflight_status cli_output_close(struct cli_output *output, cflight_error **reterr);

/* When nothing may be written any more, on the clock of cli_now_ns(); 0 for never. */
void cli_output_set_deadline(struct cli_output *output, int64_t deadline_ns);
/* Tells whether to go on with work whose result is to be written: 0, or EINTR or ETIMEDOUT, which
 * stays as the errno of a write does. For loops that run long without a write. */
int cli_output_check(struct cli_output *output);

/* The error of a failed write. @return its status */
cflight_status cli_output_error(const struct cli_output *output, cflight_error **reterr);
/* 0, or the errno of the write that failed. EPIPE: the reader of standard output has gone. */
int cli_output_os_code(const struct cli_output *output);
bool cli_output_is_terminal(const struct cli_output *output);

/* Drops what was not closed. NULL is ignored. */
void cli_output_free(struct cli_output *output);

#endif /* CFLIGHT_CLI_SYSTEM_OUTPUT_H */
