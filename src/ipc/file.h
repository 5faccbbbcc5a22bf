/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_FILE_H
#define CFL_IPC_FILE_H

#include <pthread.h>

#include "base/refcount.h"
#include "ipc/decoder_options.h"
#include "ipc/footer.h"

/* A file that is read, as arrays (file.c) or as messages (file_messages.c). */
struct cflight_ipc_file {
    struct cfl_refcount refs;
    const struct cflight_allocator *alloc;
    cflight_buffer *buffer;
    struct cflight_bytes bytes;
    struct cfl_read_setup setup;
    struct cfl_read_schemas schemas;
    bool has_footer;
    struct cfl_footer footer;
    pthread_mutex_t mutex;
    bool has_mutex;
    bool has_dictionaries; /* locked; the set itself does not change any more once this is true */
};

void cfl_ipc_file_unref(struct cflight_ipc_file *file);
/* A decoder that reads with the options that the file was opened with. */
cflight_status cfl_ipc_file_decoder(const struct cflight_ipc_file *file,
                                    struct cfl_decoder **ret_decoder, cflight_error **reterr);
/* A stream ends with its marker, at `offset`; DATA_LOSS for what follows it. */
cflight_status cfl_ipc_file_check_tail(struct cflight_bytes bytes, size_t offset,
                                       cflight_error **reterr);

/* DATA_LOSS. */
cflight_status cfl_ipc_file_no_replacement(cflight_error **reterr);

#endif /* CFL_IPC_FILE_H */
