/* SPDX-License-Identifier: Apache-2.0 */
/* Watches mapped files: by a signal handler for pages that are gone, by size and time of change for
 * the rest.
 *
 * The handler puts a page of zeros where the missing one was, counts that, and lets the reader go
 * on; whoever uses what was read must check afterwards. The page stays until the file is unmapped.
 * The kernel, reading such a page for a socket, raises no signal but refuses (EFAULT), and the
 * connection breaks. Process-wide state: the count. */
#include "cli/system/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/system/files.h"
#include "cli/system/os_error.h"

static atomic_uint_fast64_t fault_count;
static uintptr_t page_bytes;

/* Runs inside the access that failed. What is not a missing page of a file ends the process, as it
 * would without this handler, when the access is made again. */
static void replace_page(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    uintptr_t page = (uintptr_t)info->si_addr & ~(page_bytes - 1);
    (void)context;
    if (info->si_code != BUS_ADRERR ||
        mmap((void *)page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
            MAP_FAILED) {
        struct sigaction fatal = {.sa_handler = SIG_DFL};
        (void)sigaction(number, &fatal, NULL);
    }
    (void)atomic_fetch_add(&fault_count, 1);
    errno = saved_errno;
}

void cli_mapped_files_guard(void)
{
    struct sigaction action = {.sa_sigaction = replace_page, .sa_flags = SA_SIGINFO};
    page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)sigaction(SIGBUS, &action, NULL);
}

cflight_status cli_mapped_file_open_fd(struct cli_mapped_file *ret_file, int fd, const char *path,
                                       const struct cflight_ipc_read_options *options,
                                       cflight_error **reterr)
{
    struct cli_mapped_file file = CLI_MAPPED_FILE_INIT;
    cflight_error *error = NULL;
    file.fd = fd;
    if (fstat(fd, &file.opened) != 0) {
        cflight_status status = cli_error_from_errno(reterr, errno, "open", path);
        cli_mapped_file_done(&file);
        return status;
    }
    file.fault_count = atomic_load(&fault_count);
    cflight_status status = cflight_ipc_file_open_fd(fd, options, &file.file, &error);
    if (status == CFLIGHT_OK) {
        *ret_file = file;
        return CFLIGHT_OK;
    }
    status = cflight_error_set(reterr, status, "'%s': %s", path, cflight_error_message(error));
    cflight_error_free(error);
    cli_mapped_file_done(&file);
    return status;
}

cflight_status cli_mapped_file_open(struct cli_mapped_file *ret_file, const char *path,
                                    const struct cflight_ipc_read_options *options,
                                    cflight_error **reterr)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd < 0 ? cli_error_from_errno(reterr, errno, "open", path)
                  : cli_mapped_file_open_fd(ret_file, fd, path, options, reterr);
}

cflight_status cli_mapped_file_check(const struct cli_mapped_file *file, cflight_error **reterr)
{
    struct stat now;
    if (fstat(file->fd, &now) != 0 || !cli_is_unchanged(&file->opened, &now)) {
        return cflight_error_set_message(
            reterr, CFLIGHT_DATA_LOSS,
            "the file was written into or cut while it was read; replace files by renaming");
    }
    if (atomic_load(&fault_count) != file->fault_count) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE,
                                         "a part of a file could not be read from its disk, "
                                         "perhaps of this one; try again");
    }
    return CFLIGHT_OK;
}

void cli_mapped_file_done(struct cli_mapped_file *file)
{
    cflight_ipc_file_free(file->file);
    cli_close(file->fd);
    *file = (struct cli_mapped_file)CLI_MAPPED_FILE_INIT;
}
