/* SPDX-License-Identifier: Apache-2.0 */
/* What Prometheus' client libraries tell of their process, by the same names. Read when somebody
 * looks; what cannot be read is 0. Thread class: free. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cli/serve/metrics.h"

static double seconds_of(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Reads the beginning of a file; empty when there is none. */
static void read_text(const char *path, char *text, size_t size_bytes)
{
    FILE *file = fopen(path, "re");
    size_t len_bytes = file == NULL ? 0 : fread(text, 1, size_bytes - 1, file);
    text[len_bytes] = '\0';
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* The number of /proc/self/statm at a place, in bytes. */
static double memory_bytes(bool is_resident)
{
    char text[256];
    unsigned long long size_pages = 0;
    unsigned long long resident_pages = 0;
    read_text("/proc/self/statm", text, sizeof text);
    (void)sscanf(text, "%llu %llu", &size_pages, &resident_pages);
    return (double)(is_resident ? resident_pages : size_pages) * (double)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void *unused)
{
    (void)unused;
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

static double resident_bytes(void *unused)
{
    (void)unused;
    return memory_bytes(true);
}

static double virtual_bytes(void *unused)
{
    (void)unused;
    return memory_bytes(false);
}

static double open_fds(void *unused)
{
    DIR *directory = opendir("/proc/self/fd");
    double count = -1; /* the directory itself */
    (void)unused;
    if (directory == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        count += entry->d_name[0] == '.' ? 0 : 1;
    }
    (void)closedir(directory);
    return count;
}

static double max_fds(void *unused)
{
    struct rlimit limit = {0};
    (void)unused;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return (double)limit.rlim_cur;
}

/* In ticks since the machine began; the fields come after the name of the program, which is in
 * parentheses and may hold anything. */
static double start_time_seconds(void *unused)
{
    enum { FIELDS_BEFORE = 20 };
    char text[1024];
    unsigned long long start_ticks = 0;
    (void)unused;
    read_text("/proc/self/stat", text, sizeof text);
    const char *place = strrchr(text, ')');
    for (int i = 0; place != NULL && i < FIELDS_BEFORE; i++) {
        place = strchr(place + 1, ' ');
    }
    if (place == NULL || sscanf(place, "%llu", &start_ticks) != 1) {
        return 0;
    }
    double age_seconds =
        seconds_of(CLOCK_BOOTTIME) - (double)start_ticks / (double)sysconf(_SC_CLK_TCK);
    return seconds_of(CLOCK_REALTIME) - age_seconds;
}

cflight_status cli_process_metrics_add(cflight_metrics *metrics, cflight_error **reterr)
{
    static const struct {
        const char *name;
        const char *help;
        double (*read)(void *user_data);
    } SERIES[] = {
        {"process_cpu_seconds_total", "Processor time, of user and system, in seconds.",
         cpu_seconds},
        {"process_resident_memory_bytes", "Memory that is in RAM.", resident_bytes},
        {"process_virtual_memory_bytes", "Memory that is mapped.", virtual_bytes},
        {"process_open_fds", "Open file descriptors.", open_fds},
        {"process_max_fds", "Most open file descriptors.", max_fds},
        {"process_start_time_seconds", "When the process began, in seconds since 1970.",
         start_time_seconds},
    };
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; status == CFLIGHT_OK && i < sizeof SERIES / sizeof *SERIES; i++) {
        struct cflight_metric_params params = CFLIGHT_METRIC_PARAMS_INIT;
        cflight_metric *metric = NULL; /* which stays to the end of the registry */
        params.name = SERIES[i].name;
        params.help = SERIES[i].help;
        params.kind = SERIES[i].read == cpu_seconds ? CFLIGHT_METRIC_COUNTER : CFLIGHT_METRIC_GAUGE;
        params.read = SERIES[i].read;
        status = cflight_metrics_add(metrics, &params, &metric, reterr);
    }
    return status;
}
