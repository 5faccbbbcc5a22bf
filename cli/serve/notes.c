/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers complaints about files, sorted by path and complaint, each with the state that the file
 * was in. A file that was changed is told by inode, size and times; what is remembered of files
 * that are gone goes when there are NOTES_MAX of them. Thread class: free, by a lock. */
#include "cli/serve/notes.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/files.h"
#include "cli/system/memory.h"
#include "cli/system/os_error.h"

enum { NOTES_MAX = 10000 };

struct note {
    char *path;
    uint64_t complaint_hash;
    struct stat state; /* zeros when there was none */
};

struct cli_notes {
    pthread_mutex_t mutex;
    struct note *items; /* sorted */
    size_t count;
    size_t capacity;
};

cflight_status cli_notes_new(struct cli_notes **ret_notes, cflight_error **reterr)
{
    struct cli_notes *notes = calloc(1, sizeof *notes);
    if (notes == NULL || pthread_mutex_init(&notes->mutex, NULL) != 0) {
        free(notes);
        return cli_error_no_memory(reterr, "starting");
    }
    *ret_notes = notes;
    return CFLIGHT_OK;
}

static void forget_all(struct cli_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        free(notes->items[i].path);
    }
    notes->count = 0;
}

void cli_notes_free(struct cli_notes *notes)
{
    if (notes == NULL) {
        return;
    }
    forget_all(notes);
    free(notes->items);
    (void)pthread_mutex_destroy(&notes->mutex);
    free(notes);
}

/* FNV-1a. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return hash;
}

static int compare(const struct note *a, const struct note *b)
{
    int order = strcmp(a->path, b->path);
    if (order != 0) {
        return order;
    }
    return (a->complaint_hash > b->complaint_hash) - (a->complaint_hash < b->complaint_hash);
}

/* Where the note is, or belongs. */
static size_t find(const struct cli_notes *notes, const struct note *wanted)
{
    size_t low = 0;
    size_t high = notes->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&notes->items[middle], wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void remember(struct cli_notes *notes, size_t at, const struct note *fresh)
{
    void *items = notes->items;
    char *path = strdup(fresh->path);
    if (path == NULL ||
        !cli_grow_array(&items, &notes->capacity, notes->count + 1, sizeof *notes->items)) {
        free(path);
        return;
    }
    notes->items = items;
    memmove(&notes->items[at + 1], &notes->items[at], (notes->count - at) * sizeof *notes->items);
    notes->items[at] = *fresh;
    notes->items[at].path = path;
    notes->count++;
}

static bool is_new_locked(struct cli_notes *notes, const struct note *note)
{
    size_t at = find(notes, note);
    if (at < notes->count && compare(&notes->items[at], note) == 0) {
        /* Rights count, too: what was complained about may be that they are missing. */
        bool is_known = cli_is_same_state(&notes->items[at].state, &note->state);
        notes->items[at].state = note->state;
        return !is_known;
    }
    if (notes->count == NOTES_MAX) {
        forget_all(notes);
        at = 0;
    }
    remember(notes, at, note);
    return true;
}

bool cli_notes_is_new(struct cli_notes *notes, const char *path, const struct stat *state,
                      const char *complaint)
{
    struct note note = {
        .path = (char *)(uintptr_t)path, .complaint_hash = hash_text(complaint), .state = *state};
    (void)pthread_mutex_lock(&notes->mutex);
    bool is_new = is_new_locked(notes, &note);
    (void)pthread_mutex_unlock(&notes->mutex);
    return is_new;
}
