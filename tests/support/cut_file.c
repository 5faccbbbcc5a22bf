/* SPDX-License-Identifier: Apache-2.0 */
/* A file whose pages are gone, and the handler that tests install for it. Thread class: one at a
 * time; the handler runs wherever the fault is. */
#include "cut_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

static void put_zeros(int number, siginfo_t *info, void *context)
{
    const uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *page = (void *)((uintptr_t)info->si_addr & ~(page_bytes - 1));
    (void)number;
    (void)context;
    if (mmap(page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page) {
        abort();
    }
}

struct t_cut_file t_cut_file_new(size_t len_bytes)
{
    struct t_cut_file file = {.len_bytes = len_bytes};
    struct sigaction action = {.sa_sigaction = put_zeros, .sa_flags = SA_SIGINFO};
    FILE *stream = tmpfile();
    assert_non_null(stream);
    file.address = mmap(NULL, len_bytes, PROT_READ, MAP_PRIVATE, fileno(stream), 0);
    assert_true(file.address != MAP_FAILED);
    (void)fclose(stream); /* it was never made longer: no page is there */
    assert_int_equal(sigaction(SIGBUS, &action, &file.before), 0);
    return file;
}

void t_cut_file_done(struct t_cut_file *file)
{
    (void)munmap(file->address, file->len_bytes);
    (void)sigaction(SIGBUS, &file->before, NULL);
}
