/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes with errors in them: never a crash, never much memory. */
#include "ipc_data.h"
#include "meter.h"
#include "test.h"

/* Limits of t_decode: one body, decompressed buffers of one batch, and what they may be copied
 * into. */
enum { PEAK_BYTES_MAX = 4 << 20 };

/* Goal: one wrong bit gives valid data or an error that says so; memory stays within the limits and
 * is given back. Method: every bit of every stream. */
TEST(ipc_hostile, every_single_bit_may_be_wrong)
{
    size_t error_count = 0;
    for (size_t i = 0; t_stream_names[i] != NULL; i++) {
        struct t_bytes bytes = t_load(t_stream_names[i]);
        for (size_t bit = 0; bit < bytes.len_bytes * 8; bit++) {
            struct t_meter meter;
            t_meter_init(&meter);
            bytes.data[bit / 8] = (uint8_t)(bytes.data[bit / 8] ^ (1U << (bit % 8)));
            cflight_status status = t_decode(&meter.allocator, bytes, 4096, NULL, NULL, NULL, NULL);
            bytes.data[bit / 8] = (uint8_t)(bytes.data[bit / 8] ^ (1U << (bit % 8)));
            if (!t_is_of_data(status) || meter.live_bytes != 0 ||
                meter.peak_bytes > PEAK_BYTES_MAX) {
                fail_msg("%s, bit %zu: %s, %zu bytes live, %zu at most", t_stream_names[i], bit,
                         cflight_status_name(status), meter.live_bytes, meter.peak_bytes);
            }
            error_count += status == CFLIGHT_OK ? 0 : 1;
        }
        t_bytes_done(&bytes);
    }
    assert_true(error_count > 1000);
}

/* Goal: numbers at the edges of their types are met with the same calm.
 * Method: every aligned 32-bit word of every stream becomes each of several extreme values; at both
 * levels. */
TEST(ipc_hostile, every_word_may_be_extreme)
{
    static const uint32_t EXTREMES[] = {0,          1,          0x7FFFFFFF, 0x80000000,
                                        0xFFFFFFFF, 0xFFFFFFF8, 0x00FFFFFF};
    for (size_t i = 0; t_stream_names[i] != NULL; i++) {
        struct t_bytes bytes = t_load(t_stream_names[i]);
        for (size_t at = 0; at + 4 <= bytes.len_bytes; at += 4) {
            uint8_t before[4];
            memcpy(before, bytes.data + at, sizeof before);
            for (size_t j = 0; j < sizeof EXTREMES / sizeof EXTREMES[0]; j++) {
                struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
                struct t_meter meter;
                t_meter_init(&meter);
                options.validation =
                    j % 2 == 0 ? CFLIGHT_VALIDATION_FULL : CFLIGHT_VALIDATION_BOUNDS;
                memcpy(bytes.data + at, &EXTREMES[j], sizeof before);
                cflight_status status =
                    t_decode(&meter.allocator, bytes, 4096, &options, NULL, NULL, NULL);
                if (!t_is_of_data(status) || meter.live_bytes != 0 ||
                    meter.peak_bytes > PEAK_BYTES_MAX) {
                    fail_msg("%s, byte %zu: %s, %zu bytes live, %zu at most", t_stream_names[i], at,
                             cflight_status_name(status), meter.live_bytes, meter.peak_bytes);
                }
            }
            memcpy(bytes.data + at, before, sizeof before);
        }
        t_bytes_done(&bytes);
    }
}

/* Goal: no allocation failure crashes, leaks, or is reported as anything else.
 * Method: fail allocation 0, then 1, and so on, until a run needs no more; for every stream. */
TEST(ipc_hostile, every_allocation_failure_is_reported)
{
    for (size_t i = 0; t_stream_names[i] != NULL; i++) {
        struct t_bytes bytes = t_load(t_stream_names[i]);
        T_EACH_ALLOC_FAILURE(alloc) {
            cflight_error *error = NULL;
            cflight_status status =
                t_decode(&alloc->allocator, bytes, 4096, NULL, NULL, NULL, &error);
            cflight_error_free(error);
            CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
            assert_int_equal(alloc->live_count, 0);
        }
        t_bytes_done(&bytes);
    }
}
