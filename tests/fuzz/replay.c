/* SPDX-License-Identifier: Apache-2.0 */
/* Replays a corpus through a fuzz target without libFuzzer: every file whole, cut short, and with
 * bytes changed. The changes come from a fixed seed, so that a failure repeats; the file and the
 * number of the change are printed before a crash can end the process.
 *   fuzz_x FOLDER_OR_FILE... */
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

enum { CUTS_MAX = 200, CHANGES = 300, FILE_BYTES_MAX = 1 << 20 };

static char running[PATH_MAX + 64];
static size_t run_count;

static void on_crash(int signal_number)
{
    if (write(STDERR_FILENO, "while replaying ", 16) < 0 ||
        write(STDERR_FILENO, running, strlen(running)) < 0 || write(STDERR_FILENO, "\n", 1) < 0) {
        _exit(4);
    }
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

/* xorshift64*: small, and the same everywhere. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* Runs a copy of exact size, so that a sanitizer sees a read past the end. */
static void run_once(const uint8_t *data, size_t len_bytes)
{
    uint8_t *copy = malloc(len_bytes == 0 ? 1 : len_bytes);
    if (copy == NULL) {
        perror("malloc");
        exit(2);
    }
    if (len_bytes > 0) {
        memcpy(copy, data, len_bytes);
    }
    (void)LLVMFuzzerTestOneInput(copy, len_bytes);
    run_count++;
    free(copy);
}

static void run_changed(const char *path, uint8_t *data, size_t len_bytes)
{
    static const uint8_t EDGES[] = {0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF};
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15) ^ len_bytes;
    for (int i = 0; i < CHANGES && len_bytes > 0; i++) {
        uint8_t before[8];
        size_t places[8];
        size_t count = 1 + next_random(&random) % 8;
        for (size_t j = 0; j < count; j++) {
            places[j] = next_random(&random) % len_bytes;
            before[j] = data[places[j]];
            uint64_t value = next_random(&random);
            data[places[j]] = value % 2 == 0 ? (uint8_t)(value >> 8) : EDGES[(value >> 8) % 6];
        }
        (void)snprintf(running, sizeof running, "%s, change %d", path, i);
        run_once(data, len_bytes);
        while (count > 0) {
            count--;
            data[places[count]] = before[count];
        }
    }
}

static void run_file(const char *path)
{
    static uint8_t data[FILE_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    size_t len_bytes = fread(data, 1, sizeof data, file);
    (void)fclose(file);

    (void)snprintf(running, sizeof running, "%s", path);
    run_once(data, len_bytes);
    size_t step_bytes = len_bytes / CUTS_MAX + 1;
    for (size_t cut_bytes = 0; cut_bytes < len_bytes; cut_bytes += step_bytes) {
        (void)snprintf(running, sizeof running, "%s, first %zu bytes", path, cut_bytes);
        run_once(data, cut_bytes);
    }
    run_changed(path, data, len_bytes);
}

static void run_folder(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        run_file(path);
        return;
    }
    for (int i = 0; i < count; i++) {
        char name[PATH_MAX];
        int len_bytes = snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        struct stat info;
        if (len_bytes < (int)sizeof name && stat(name, &info) == 0 && S_ISREG(info.st_mode)) {
            run_file(name);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    (void)signal(SIGABRT, on_crash);
    (void)signal(SIGSEGV, on_crash);
    for (int i = 1; i < argc; i++) {
        run_folder(argv[i]);
    }
    printf("%zu runs\n", run_count);
    return run_count > 0 ? 0 : 1;
}
