/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_CUT_FILE_H
#define CFLIGHT_TESTS_CUT_FILE_H

#include <signal.h>
#include <stddef.h>

/* A mapped file whose pages are gone: what the kernel reads there is refused (EFAULT), what the
 * process reads raises SIGBUS, whose handler puts zeros there. */
struct t_cut_file {
    void *address;
    size_t len_bytes;
    struct sigaction before;
};
struct t_cut_file t_cut_file_new(size_t len_bytes);
void t_cut_file_done(struct t_cut_file *file);

#endif /* CFLIGHT_TESTS_CUT_FILE_H */
