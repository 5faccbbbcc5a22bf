/* SPDX-License-Identifier: Apache-2.0 */
/* Body compression with LZ4 frames and Zstandard.
 *
 * Targets as large as the codec's bound are taken from scratch before any work starts, so workers
 * share nothing but the index of the next buffer. The codecs allocate their own state with the C
 * library's allocator. Spec: Arrow columnar "Compression", Message.fbs: BodyCompression. Thread
 * class: one at a time for the scratch. */
#include "ipc/compress.h"

#include <inttypes.h>
#include <lz4frame.h>
#include <lz4hc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/le.h"
#include "base/thread.h"

enum {
    PREFIX_BYTES = 8,
    WORKERS_MAX = 64,
    ZSTD_LEVEL_DEFAULT =
        1, /* as other Arrow implementations: speed counts more than the last percent */
    BYTES_PER_THREAD_MIN = 64 << 10, /* less is not worth starting a thread */
};

static const uint8_t raw_prefix[PREFIX_BYTES] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};

/* One call's work, shared by its threads. */
struct job {
    const struct cfl_compression *compression;
    const struct cfl_part_buffer *buffers;
    struct cfl_body_buffer *results; /* data: the target's start; len_bytes: its capacity */
    size_t count;
    atomic_size_t next;
    atomic_bool has_failed;
};

void cfl_compression_done(struct cfl_compression *compression)
{
    (void)ZSTD_freeCCtx(compression->zstd);
    compression->zstd = NULL;
}

cflight_status cfl_compression_check(const struct cfl_compression *compression,
                                     cflight_error **reterr)
{
    int level_min = 0;
    int level_max = 0;

    switch (compression->codec) {
    case CFLIGHT_COMPRESSION_NONE:
        return CFLIGHT_OK;
    case CFLIGHT_COMPRESSION_LZ4_FRAME:
        level_min = -65536;
        level_max = LZ4F_compressionLevel_max();
        break;
    case CFLIGHT_COMPRESSION_ZSTD:
        level_min = ZSTD_minCLevel();
        level_max = ZSTD_maxCLevel();
        break;
    default:
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "unknown compression %d",
                                 (int)compression->codec);
    }
    if (compression->level < level_min || compression->level > level_max) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "compression level %" PRId32 " is outside %d to %d",
                                 compression->level, level_min, level_max);
    }
    return CFLIGHT_OK;
}

static LZ4F_preferences_t lz4_preferences(const struct cfl_compression *compression)
{
    LZ4F_preferences_t preferences;
    memset(&preferences, 0, sizeof preferences);
    preferences.compressionLevel = compression->level;
    return preferences;
}

static size_t bound_bytes(const struct cfl_compression *compression, size_t len_bytes)
{
    LZ4F_preferences_t preferences = lz4_preferences(compression);

    return compression->codec == CFLIGHT_COMPRESSION_ZSTD
               ? ZSTD_compressBound(len_bytes)
               : LZ4F_compressFrameBound(len_bytes, &preferences);
}

/* Returns the compressed length, or SIZE_MAX when the codec failed. */
static size_t run_codec(const struct cfl_compression *compression, ZSTD_CCtx *zstd, uint8_t *target,
                        size_t capacity_bytes, const struct cfl_part_buffer *buffer)
{
    size_t len_bytes = (size_t)buffer->len_bytes;

    if (compression->codec == CFLIGHT_COMPRESSION_ZSTD) {
        int level = compression->level == 0 ? ZSTD_LEVEL_DEFAULT : compression->level;
        size_t result =
            ZSTD_compressCCtx(zstd, target, capacity_bytes, buffer->data, len_bytes, level);
        return ZSTD_isError(result) ? SIZE_MAX : result;
    }
    LZ4F_preferences_t preferences = lz4_preferences(compression);
    size_t result =
        LZ4F_compressFrame(target, capacity_bytes, buffer->data, len_bytes, &preferences);
    return LZ4F_isError(result) ? SIZE_MAX : result;
}

static bool compress_one(const struct job *job, ZSTD_CCtx *zstd, size_t index)
{
    const struct cfl_part_buffer *buffer = &job->buffers[index];
    struct cfl_body_buffer *result = &job->results[index];
    uint8_t *target = (uint8_t *)(uintptr_t)result->data;

    if (buffer->len_bytes == 0) {
        return true;
    }
    size_t len_bytes = run_codec(job->compression, zstd, target + PREFIX_BYTES,
                                 (size_t)result->len_bytes - PREFIX_BYTES, buffer);
    if (len_bytes == SIZE_MAX) {
        return false;
    }
    if (len_bytes >= buffer->len_bytes) {
        struct cfl_body_buffer raw = {raw_prefix, buffer->data, buffer->len_bytes};
        *result = raw;
        return true;
    }
    cfl_store_u64le(target, buffer->len_bytes);
    result->len_bytes = PREFIX_BYTES + len_bytes;
    return true;
}

/* Compresses what is left, with the state in `*zstd`, which is made when it is needed. */
static void work_with(struct job *job, void **zstd)
{
    if (job->compression->codec == CFLIGHT_COMPRESSION_ZSTD && *zstd == NULL) {
        *zstd = ZSTD_createCCtx();
        if (*zstd == NULL) {
            atomic_store(&job->has_failed, true);
            return;
        }
    }
    while (!atomic_load(&job->has_failed)) {
        size_t index = atomic_fetch_add(&job->next, 1);
        if (index >= job->count) {
            break;
        }
        if (!compress_one(job, *zstd, index)) {
            atomic_store(&job->has_failed, true);
        }
    }
}

/* A helper's thread. */
static void *work(void *user_data)
{
    void *zstd = NULL;
    work_with(user_data, &zstd);
    (void)ZSTD_freeCCtx(zstd);
    return NULL;
}

static size_t choose_helper_count(const struct cfl_compression *compression,
                                  const struct cfl_part_buffer *buffers, size_t count)
{
    uint64_t total_bytes = 0;
    size_t worker_max = compression->thread_max < 1 ? 1 : (size_t)compression->thread_max;

    for (size_t i = 0; i < count; i++) {
        total_bytes += buffers[i].len_bytes;
    }
    worker_max = worker_max > count ? count : worker_max;
    worker_max = worker_max > WORKERS_MAX ? WORKERS_MAX : worker_max;
    if (worker_max > total_bytes / BYTES_PER_THREAD_MIN) {
        worker_max = (size_t)(total_bytes / BYTES_PER_THREAD_MIN);
    }
    return worker_max <= 1 ? 0 : worker_max - 1;
}

/* A thread that cannot be started is done without. */
static void run_job(struct job *job, size_t helper_count, void **zstd)
{
    pthread_t helpers[WORKERS_MAX];
    size_t started = 0;

    while (started < helper_count &&
           cfl_thread_start(&helpers[started], NULL, NULL, work, job) == 0) {
        started++;
    }
    work_with(job, zstd);
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(helpers[i], NULL);
    }
}

cflight_status cfl_compress(struct cfl_compression *compression,
                            const struct cfl_part_buffer *buffers, size_t count,
                            struct cfl_scratch *scratch, struct cfl_body_buffer *ret_buffers,
                            cflight_error **reterr)
{
    struct job job = {
        .compression = compression, .buffers = buffers, .results = ret_buffers, .count = count};

    for (size_t i = 0; i < count; i++) {
        struct cfl_body_buffer target = {NULL, NULL, 0};
        if (buffers[i].len_bytes > SIZE_MAX / 4) {
            return cfl_error_no_memory(reterr);
        }
        if (buffers[i].len_bytes > 0) {
            target.len_bytes =
                PREFIX_BYTES + bound_bytes(compression, (size_t)buffers[i].len_bytes);
            target.data = cfl_scratch_take(scratch, target.len_bytes);
            if (target.data == NULL) {
                return cfl_error_no_memory(reterr);
            }
        }
        ret_buffers[i] = target;
    }
    atomic_init(&job.next, 0);
    atomic_init(&job.has_failed, false);
    run_job(&job, choose_helper_count(compression, buffers, count), &compression->zstd);
    if (atomic_load(&job.has_failed)) {
        return cflight_error_set_message(
            reterr, CFLIGHT_RESOURCE_EXHAUSTED,
            "the codec failed to compress a buffer: no memory for its state");
    }
    return CFLIGHT_OK;
}

const char *cfl_lz4_version(void)
{
    return LZ4_versionString();
}

const char *cfl_zstd_version(void)
{
    return ZSTD_versionString();
}
