/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator was told about files. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/serve/notes.h"
#include "test.h"

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool is_new(struct cli_notes *notes, const char *path, const char *complaint)
{
    struct stat state;
    if (stat(path, &state) != 0) {
        memset(&state, 0, sizeof state);
    }
    return cli_notes_is_new(notes, path, &state, complaint);
}

/* Goal: a complaint is new once for each file, reason and state of the file.
 * Method: repeat it; another reason; other content, no file, and a file again. */
TEST(cli_serve_notes, a_complaint_is_new_until_the_file_changes)
{
    char directory[] = "/tmp/cflight-test-XXXXXX";
    char path[64];
    struct cli_notes *notes = NULL;
    cflight_error *error = NULL;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/a", directory);
    write_text(path, "one");
    CHECK_OK(cli_notes_new(&notes, &error), error);
    assert_true(is_new(notes, path, "damaged"));
    assert_false(is_new(notes, path, "damaged"));
    assert_true(is_new(notes, path, "unreadable"));
    assert_true(is_new(notes, directory, "damaged"));
    assert_false(is_new(notes, path, "damaged"));
    write_text(path, "longer than before");
    assert_true(is_new(notes, path, "damaged"));
    assert_false(is_new(notes, path, "damaged"));
    assert_int_equal(unlink(path), 0);
    assert_true(is_new(notes, path, "damaged"));
    assert_false(is_new(notes, path, "damaged"));
    cli_notes_free(notes);
    cli_notes_free(NULL);
    assert_int_equal(rmdir(directory), 0);
}

/* Goal: however many files there are, memory is bounded and answers stay right.
 * Method: far more names than are remembered; the last ones are known, the first is new again. */
TEST(cli_serve_notes, old_complaints_are_forgotten)
{
    enum { NAME_COUNT = 25000 };
    char path[32];
    struct cli_notes *notes = NULL;
    CHECK_OK(cli_notes_new(&notes, NULL), NULL);
    for (int i = 0; i < NAME_COUNT; i++) {
        (void)snprintf(path, sizeof path, "no/such/%d", i * 7919 % NAME_COUNT);
        assert_true(is_new(notes, path, "damaged"));
        assert_false(is_new(notes, path, "damaged"));
    }
    assert_true(is_new(notes, "no/such/0", "damaged"));
    cli_notes_free(notes);
}

enum { THREAD_COUNT = 4, SHARED_COUNT = 500 };

static void *complain(void *user_data)
{
    intptr_t new_count = 0;
    for (int i = 0; i < SHARED_COUNT; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "no/such/%d", i);
        new_count += is_new(user_data, path, "damaged");
    }
    return (void *)new_count;
}

/* Goal: of several lists at once, one complains.
 * Method: threads with the same names; together they saw each of them as new once. */
TEST(cli_serve_notes, lists_at_once_complain_once)
{
    pthread_t threads[THREAD_COUNT];
    struct cli_notes *notes = NULL;
    intptr_t new_count = 0;
    CHECK_OK(cli_notes_new(&notes, NULL), NULL);
    for (int i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, complain, notes), 0);
    }
    for (int i = 0; i < THREAD_COUNT; i++) {
        void *count = NULL;
        assert_int_equal(pthread_join(threads[i], &count), 0);
        new_count += (intptr_t)count;
    }
    assert_int_equal(new_count, SHARED_COUNT);
    cli_notes_free(notes);
}
