/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers what was read of files.
 *
 * Files are told apart by device and inode, which no client chooses, and never by name: which file
 * a name leads to, and who may know of it, is asked of the file system and of the rights each time.
 * What is known holds while size, times of change and rights are the same. The times are those of
 * a clock that ticks, on some file systems every two seconds, so a file that was changed less than
 * SETTLED_S before it was opened could be changed again and look the same: of such a one nothing is
 * kept.
 *
 * A hash table with lists. When it is full, one new file in ADMITTED_OF is taken in, so that a list
 * of more than fits does not push out everything before it comes round again; a hand that goes
 * round the table makes room, and spares what was asked for since it was there last. Thread class:
 * free, by a lock. */
#include "cli/serve/facts.h"

#include <pthread.h>
#include <stdlib.h>

#include "cli/system/files.h"
#include "cli/system/os_error.h"

enum {
    SETTLED_S = 3,
    ADMITTED_OF = 16,
    BUCKETS_MIN = 64,
    OVERHEAD_BYTES = 64, /* of two allocations, and a bucket */
};

struct entry {
    struct entry *next;
    struct stat state;
    struct cli_facts facts;
    bool was_found; /* since the hand was here last */
};

struct cli_facts_table {
    pthread_mutex_t mutex;
    size_t bytes_max;
    struct {
        struct entry **buckets;
        size_t bucket_count; /* a power of two */
        size_t count;
        size_t bytes;
        size_t hand;          /* the bucket that gives up entries next */
        size_t refused_count; /* while the table was full */
    } locked;
};

cflight_status cli_facts_table_new(size_t bytes_max, struct cli_facts_table **ret_table,
                                   cflight_error **reterr)
{
    struct cli_facts_table *table = calloc(1, sizeof *table);
    struct entry **buckets = calloc(BUCKETS_MIN, sizeof *buckets);
    if (table == NULL || buckets == NULL || pthread_mutex_init(&table->mutex, NULL) != 0) {
        free(buckets);
        free(table);
        return cli_error_no_memory(reterr, "starting");
    }
    table->bytes_max = bytes_max;
    table->locked.buckets = buckets;
    table->locked.bucket_count = BUCKETS_MIN;
    *ret_table = table;
    return CFLIGHT_OK;
}

void cli_facts_drop(struct cli_facts *facts)
{
    cflight_buffer_unref(facts->schema);
    facts->schema = NULL;
}

static size_t entry_bytes(const struct cli_facts *facts)
{
    return sizeof(struct entry) + OVERHEAD_BYTES + cflight_buffer_bytes(facts->schema).len_bytes;
}

static void remove_locked(struct cli_facts_table *table, struct entry **place)
{
    struct entry *entry = *place;
    *place = entry->next;
    table->locked.count--;
    table->locked.bytes -= entry_bytes(&entry->facts);
    cli_facts_drop(&entry->facts);
    free(entry);
}

void cli_facts_table_free(struct cli_facts_table *table)
{
    if (table == NULL) {
        return;
    }
    for (size_t i = 0; i < table->locked.bucket_count; i++) {
        while (table->locked.buckets[i] != NULL) {
            remove_locked(table, &table->locked.buckets[i]);
        }
    }
    free(table->locked.buckets);
    (void)pthread_mutex_destroy(&table->mutex);
    free(table);
}

/* Inodes come in rows: the product spreads them (Knuth, The Art of Computer Programming, 6.4). */
static size_t bucket_of(const struct stat *state, size_t bucket_count)
{
    uint64_t key = (uint64_t)state->st_ino ^ ((uint64_t)state->st_dev << 32);
    return (size_t)((key * 0x9E3779B97F4A7C15u) >> 32) & (bucket_count - 1);
}

/* Where the entry of the file is, whatever its state, or the end of its list. */
static struct entry **find_locked(const struct cli_facts_table *table, const struct stat *state)
{
    struct entry **place = &table->locked.buckets[bucket_of(state, table->locked.bucket_count)];
    while (*place != NULL && !cli_is_same_file(&(*place)->state, state)) {
        place = &(*place)->next;
    }
    return place;
}

bool cli_facts_find(struct cli_facts_table *table, const struct stat *state,
                    struct cli_facts *ret_facts)
{
    (void)pthread_mutex_lock(&table->mutex);
    struct entry *entry = *find_locked(table, state);
    bool is_known = entry != NULL && cli_is_same_state(&entry->state, state);
    if (is_known) {
        entry->was_found = true;
        *ret_facts = entry->facts;
        ret_facts->schema = cflight_buffer_ref(entry->facts.schema);
    }
    (void)pthread_mutex_unlock(&table->mutex);
    return is_known;
}

static void add_locked(struct cli_facts_table *table, struct entry *entry)
{
    struct entry **bucket =
        &table->locked.buckets[bucket_of(&entry->state, table->locked.bucket_count)];
    entry->next = *bucket;
    *bucket = entry;
    table->locked.count++;
    table->locked.bytes += entry_bytes(&entry->facts);
}

/* More buckets when there are more entries than buckets; without memory, the lists are longer. */
static void grow_locked(struct cli_facts_table *table)
{
    size_t count = table->locked.bucket_count * 2;
    struct entry **buckets =
        table->locked.count < table->locked.bucket_count ? NULL : calloc(count, sizeof *buckets);
    if (buckets == NULL) {
        return;
    }
    for (size_t i = 0; i < table->locked.bucket_count; i++) {
        struct entry *next = NULL;
        for (struct entry *entry = table->locked.buckets[i]; entry != NULL; entry = next) {
            struct entry **bucket = &buckets[bucket_of(&entry->state, count)];
            next = entry->next;
            entry->next = *bucket;
            *bucket = entry;
        }
    }
    free(table->locked.buckets);
    table->locked.buckets = buckets;
    table->locked.bucket_count = count;
}

/* Whether there is room, or it is made. */
static bool make_room_locked(struct cli_facts_table *table, size_t needed_bytes)
{
    size_t limit_bytes = table->bytes_max - needed_bytes;
    if (table->locked.bytes > limit_bytes && ++table->locked.refused_count % ADMITTED_OF != 0) {
        return false;
    }
    while (table->locked.bytes > limit_bytes) {
        struct entry **place = &table->locked.buckets[table->locked.hand];
        while (*place != NULL && (*place)->was_found) {
            (*place)->was_found = false;
            place = &(*place)->next;
        }
        if (*place != NULL) {
            remove_locked(table, place);
        } else {
            table->locked.hand = (table->locked.hand + 1) & (table->locked.bucket_count - 1);
        }
    }
    return true;
}

static bool is_settled(const struct stat *state, const struct timespec *opened)
{
    return state->st_ctim.tv_sec < opened->tv_sec - SETTLED_S;
}

void cli_facts_keep(struct cli_facts_table *table, const struct stat *state,
                    const struct timespec *opened, const struct cli_facts *facts)
{
    size_t needed_bytes = entry_bytes(facts);
    struct entry *entry = !is_settled(state, opened) || needed_bytes > table->bytes_max
                              ? NULL
                              : malloc(sizeof *entry);
    if (entry == NULL) {
        return;
    }
    entry->state = *state;
    entry->facts = *facts;
    entry->facts.schema = cflight_buffer_ref(facts->schema);
    entry->was_found = false;
    (void)pthread_mutex_lock(&table->mutex);
    struct entry **place = find_locked(table, state);
    if (*place != NULL) {
        remove_locked(table, place);
    }
    bool has_room = make_room_locked(table, needed_bytes);
    if (has_room) {
        grow_locked(table);
        add_locked(table, entry);
    }
    (void)pthread_mutex_unlock(&table->mutex);
    if (!has_room) {
        cli_facts_drop(&entry->facts);
        free(entry);
    }
}

size_t cli_facts_count(struct cli_facts_table *table, size_t *ret_bytes)
{
    (void)pthread_mutex_lock(&table->mutex);
    size_t count = table->locked.count;
    *ret_bytes = table->locked.bytes;
    (void)pthread_mutex_unlock(&table->mutex);
    return count;
}
