/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of files that were read. */
#include <stdlib.h>

#include "cli/serve/facts.h"
#include "test.h"

enum { TABLE_BYTES = 1 << 20, NOW_S = 1000000 };

static const struct timespec now = {.tv_sec = NOW_S};

/* A file that has not been changed for long. */
static struct stat file(uint64_t inode)
{
    struct stat about;
    memset(&about, 0, sizeof about);
    about.st_dev = 7;
    about.st_ino = inode;
    about.st_size = 4096;
    about.st_mtim.tv_sec = NOW_S - 100;
    about.st_ctim.tv_sec = NOW_S - 100;
    return about;
}

static void keep(struct cli_facts_table *table, const struct stat *about, int64_t row_count,
                 size_t schema_bytes)
{
    struct cli_facts facts = {.row_count = row_count, .batch_count = 1};
    cflight_error *error = NULL;
    uint8_t *bytes = calloc(1, schema_bytes);
    assert_non_null(bytes);
    CHECK_OK(
        cflight_buffer_new_copy(cflight_bytes_make(bytes, schema_bytes), &facts.schema, &error),
        error);
    free(bytes);
    cli_facts_keep(table, about, &now, &facts);
    cli_facts_drop(&facts);
}

/* -1 when nothing is known. */
static int64_t find(struct cli_facts_table *table, const struct stat *about)
{
    struct cli_facts facts;
    if (!cli_facts_find(table, about, &facts)) {
        return -1;
    }
    int64_t row_count = facts.row_count;
    cli_facts_drop(&facts);
    return row_count;
}

static struct cli_facts_table *new_table(void)
{
    struct cli_facts_table *table = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cli_facts_table_new(TABLE_BYTES, &table, &error), error);
    return table;
}

/* Goal: what is known of a file is no longer when anything of it has changed.
 * Method: keep one, and look for it in states that differ in one field each; keep it anew. */
TEST(cli_serve_facts, every_change_is_noticed)
{
    struct cli_facts_table *table = new_table();
    struct stat about = file(1);
    keep(table, &about, 10, 100);
    assert_int_equal(find(table, &about), 10);
    struct stat changed[6];
    for (size_t i = 0; i < 6; i++) {
        changed[i] = about;
    }
    changed[0].st_dev++;
    changed[1].st_ino++;
    changed[2].st_size++;
    changed[3].st_mtim.tv_nsec++;
    changed[4].st_ctim.tv_nsec++;
    changed[5].st_ctim.tv_sec++;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(find(table, &changed[i]), -1);
    }
    keep(table, &changed[4], 11, 100);
    assert_int_equal(find(table, &changed[4]), 11);
    assert_int_equal(find(table, &about), -1);
    size_t bytes = 0;
    assert_int_equal(cli_facts_count(table, &bytes), 1);
    cli_facts_table_free(table);
    cli_facts_table_free(NULL);
}

/* Goal: a file that was changed just before it was read may be changed again within the same tick
 * of the file system's clock, so nothing is kept of it; nor of one from the future.
 * Method: ages around the limit of three seconds. */
TEST(cli_serve_facts, a_file_that_was_just_changed_is_read_again)
{
    static const struct {
        int64_t age_s;
        bool is_kept;
    } cases[] = {{-50, false}, {0, false}, {1, false}, {3, false}, {4, true}};
    struct cli_facts_table *table = new_table();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stat about = file(i);
        about.st_ctim.tv_sec = NOW_S - cases[i].age_s;
        keep(table, &about, 10, 100);
        assert_int_equal(find(table, &about), cases[i].is_kept ? 10 : -1);
    }
    cli_facts_table_free(table);
}

/* Goal: memory is bounded, whatever is kept, and what is found is right; a list of more than fits,
 * asked for again and again, still finds a good part.
 * Method: go through three times as many files as fit, three times. */
TEST(cli_serve_facts, memory_is_bounded)
{
    enum { SCHEMA_BYTES = 1000, FILES = 3 * TABLE_BYTES / (SCHEMA_BYTES + 200) };
    struct cli_facts_table *table = new_table();
    size_t found = 0;
    size_t bytes = 0;
    for (uint64_t i = 0; i < 3 * FILES; i++) {
        struct stat about = file(i % FILES);
        int64_t row_count = find(table, &about);
        if (row_count < 0) {
            keep(table, &about, (int64_t)(i % FILES), SCHEMA_BYTES);
        } else {
            assert_int_equal(row_count, i % FILES);
            found++;
        }
        assert_true(cli_facts_count(table, &bytes) <= TABLE_BYTES / SCHEMA_BYTES);
        assert_true(bytes <= TABLE_BYTES);
    }
    assert_true(found > FILES / 2); /* a third of the files in each of two rounds */
    assert_true(bytes > TABLE_BYTES / 2);
    struct stat large = file(FILES);
    keep(table, &large, 1, TABLE_BYTES);
    assert_int_equal(find(table, &large), -1);
    cli_facts_table_free(table);
}
