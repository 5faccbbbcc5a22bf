/* SPDX-License-Identifier: Apache-2.0 */
/* What the process has used, and the end of a program that cannot go on, for both ends. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "growth.h"

struct usage usage_now(void)
{
    struct usage usage = {0};
    struct timespec used;
    long long total_pages = 0;
    long long resident_pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%lld %lld", &total_pages, &resident_pages) != 2) {
            resident_pages = 0;
        }
        (void)fclose(file);
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    usage.processor_ns = (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
    usage.resident_bytes = resident_pages * sysconf(_SC_PAGESIZE);
    return usage;
}

void must(cflight_status status, cflight_error *error)
{
    if (status != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s: %s\n", cflight_status_name(status),
                      cflight_error_message(error));
        exit(1);
    }
}

void must_have(const void *memory)
{
    if (memory == NULL) {
        (void)fprintf(stderr, "out of memory\n");
        exit(1);
    }
}
