/* SPDX-License-Identifier: Apache-2.0 */
/* Files that several threads read at once. */
#include <pthread.h>

#include "ipc_data.h"
#include "test.h"

static void *read_in_thread(void *user_data)
{
    struct ArrowArrayStream stream;
    cflight_ipc_file *file = user_data;
    int64_t row_count = 0;
    if (cflight_ipc_file_stream(file, &stream, NULL) != CFLIGHT_OK) {
        return NULL;
    }
    for (;;) {
        struct ArrowArray batch = {0};
        if (stream.get_next(&stream, &batch) != 0 || batch.release == NULL) {
            break;
        }
        row_count += batch.children[0]->dictionary->length * 10 + batch.length;
        batch.release(&batch);
    }
    stream.release(&stream);
    return (void *)(intptr_t)row_count;
}

/* Goal: several threads may read one file, and its dictionaries are loaded once.
 * Method: threads that begin at the same time, each with a stream of its own; the thread sanitizer
 * looks on. */
TEST(ipc_file, several_threads_share_a_file)
{
    enum { THREAD_COUNT = 4, ROUNDS = 50 };
    struct t_bytes bytes = t_load("ipc_file/deltas");
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREAD_COUNT];
        cflight_buffer *buffer = NULL;
        cflight_ipc_file *file = NULL;
        CHECK_OK(
            cflight_buffer_new_copy(cflight_bytes_make(bytes.data, bytes.len_bytes), &buffer, NULL),
            NULL);
        CHECK_OK(cflight_ipc_file_open_buffer(buffer, NULL, &file, NULL), NULL);
        cflight_buffer_unref(buffer);
        for (int i = 0; i < THREAD_COUNT; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, read_in_thread, file), 0);
        }
        for (int i = 0; i < THREAD_COUNT; i++) {
            void *row_count = NULL;
            assert_int_equal(pthread_join(threads[i], &row_count), 0);
            /* Two batches of three rows; both see the dictionary with its delta. */
            assert_int_equal((intptr_t)row_count, 2 * (3 * 10 + 3));
        }
        cflight_ipc_file_free(file);
    }
    t_bytes_done(&bytes);
}
