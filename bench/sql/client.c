/* SPDX-License-Identifier: Apache-2.0 */
/* The client of the Flight SQL benchmarks; bench/run_sql and bench/run_adbc start it. Prints what
 * it measured, "name value" each, times in seconds.
 *
 *   sql_bench CLIENT LOCATION OPERATION COUNT ...   CLIENT: "cflight", or a driver's file
 *
 *   load 1                          load the driver, connect, SELECT 1
 *   connect COUNT                   connect, SELECT 1, close
 *   small | prepared | prepare COUNT   SELECT 1: as text, prepared once, each time
 *   select | insert COUNT THREADS   SELECT 1, or one row each, THREADS at a time
 *   insert-prepared COUNT           one row each by a prepared statement
 *   fetch ROWS                      of the table `numbers`, which has so many
 *   ingest ROWS                     into a new table
 *   bound ROWS                      as parameters of an INSERT, in a transaction
 *   columns | plain-columns COUNT   what tables there are, with keys or without
 *   sessions COUNT                  that stay open until standard input ends */
#include <cflight/builder.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

static const char INSERT[] = "INSERT INTO sink VALUES (1, 42, 0.5, 'one of the words')";
static const char INSERT_BOUND[] = "INSERT INTO sink VALUES (?, ?, ?, ?)";
static const char SELECT_ONE[] = "SELECT 1";

static const struct client *client = &client_adbc;
static const char *location;

void give_up(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    _exit(1);
}

int64_t drain(struct ArrowArrayStream *rows)
{
    int64_t row_count = 0;
    for (;;) {
        struct ArrowArray batch = {.release = NULL};
        if (rows->get_next(rows, &batch) != 0) {
            give_up("fetch", rows->get_last_error(rows));
        }
        if (batch.release == NULL) {
            rows->release(rows);
            return row_count;
        }
        row_count += batch.length;
        batch.release(&batch);
    }
}

static void expect(const char *what, int64_t found, int64_t expected)
{
    if (found != expected) {
        (void)fprintf(stderr, "%s: %lld instead of %lld\n", what, (long long)found,
                      (long long)expected);
        _exit(1);
    }
}

/* ---- time, memory ---- */

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare_times(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Sorts them. */
static void print_times(double *times_s, int64_t count)
{
    qsort(times_s, (size_t)count, sizeof *times_s, compare_times);
    (void)printf("p50 %.9f\np99 %.9f\n", times_s[count / 2], times_s[count * 99 / 100]);
}

static double *make_times(int64_t count)
{
    double *times_s = calloc((size_t)count, sizeof *times_s);
    if (times_s == NULL) {
        give_up("times", "no memory");
    }
    return times_s;
}

static double resident_mib(void)
{
    char line[128];
    double resident_kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        (void)sscanf(line, "VmRSS: %lf", &resident_kib);
    }
    if (status != NULL) {
        (void)fclose(status);
    }
    return resident_kib / 1024;
}

/* ---- rows to send: one batch again and again ---- */

enum { BATCH_ROWS = 8192, COLUMN_COUNT = 4 };

struct source {
    struct ArrowSchema schema;
    struct ArrowArray batch;
    int64_t row_count; /* that are still to come */
};

struct sent {
    struct ArrowArray columns[COLUMN_COUNT];
    struct ArrowArray *children[COLUMN_COUNT];
};

static void column_release(struct ArrowArray *column)
{
    column->release = NULL;
}

static void sent_release(struct ArrowArray *batch)
{
    free(batch->private_data);
    batch->release = NULL;
}

static int source_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct source *source = stream->private_data;
    return cflight_schema_set_metadata(&source->schema, NULL, 0, ret_schema, NULL) == CFLIGHT_OK
               ? 0
               : ENOMEM;
}

static int source_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    struct source *source = stream->private_data;
    int64_t row_count = source->row_count < BATCH_ROWS ? source->row_count : BATCH_ROWS;
    ret_batch->release = NULL;
    if (row_count == 0) {
        return 0;
    }
    struct sent *sent = calloc(1, sizeof *sent);
    if (sent == NULL) {
        return ENOMEM;
    }
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        sent->columns[i] = *source->batch.children[i];
        sent->columns[i].length = row_count;
        sent->columns[i].release = column_release;
        sent->children[i] = &sent->columns[i];
    }
    *ret_batch = source->batch;
    ret_batch->length = row_count;
    ret_batch->children = sent->children;
    ret_batch->release = sent_release;
    ret_batch->private_data = sent;
    source->row_count -= row_count;
    return 0;
}

static const char *source_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "no memory";
}

/* The source lasts as long as the program. */
static void source_release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static void make_source(struct source *source)
{
    static const struct cflight_field FIELDS[COLUMN_COUNT] = {{.name = "id", .format = "l"},
                                                              {.name = "number", .format = "l"},
                                                              {.name = "price", .format = "g"},
                                                              {.name = "word", .format = "u"}};
    cflight_builder *builder = NULL;
    char word[32];
    if (cflight_schema_new(FIELDS, COLUMN_COUNT, &source->schema, NULL) != CFLIGHT_OK ||
        cflight_builder_new(&source->schema, NULL, &builder, NULL) != CFLIGHT_OK) {
        give_up("rows", "no memory");
    }
    for (int i = 0; i < BATCH_ROWS; i++) {
        (void)snprintf(word, sizeof word, "word %d", i % 1000);
        cflight_append_int(cflight_builder_column(builder, 0), i);
        cflight_append_int(cflight_builder_column(builder, 1), i * 7919LL % 1000003);
        cflight_append_double(cflight_builder_column(builder, 2), i * 0.25);
        cflight_append_text(cflight_builder_column(builder, 3), word);
        cflight_builder_end_row(builder);
    }
    if (cflight_builder_finish(builder, &source->batch, NULL) != CFLIGHT_OK) {
        give_up("rows", "no memory");
    }
    cflight_builder_free(builder);
}

static struct ArrowArrayStream rows_of(struct source *source, int64_t row_count)
{
    source->row_count = row_count;
    return (struct ArrowArrayStream){source_schema, source_next, source_error, source_release,
                                     source};
}

/* ---- operations ---- */

static void select_one(void *connection)
{
    expect(SELECT_ONE, client->query(connection, SELECT_ONE), 1);
}

/* The driver is not loaded yet. */
static void load(const char *library)
{
    double before_mib = resident_mib();
    double started_s = now_s();
    client->load(library);
    select_one(client->connect(location));
    (void)printf("load %.6f\n", now_s() - started_s);
    (void)printf("mib %.3f\n", resident_mib() - before_mib);
}

static void connect_often(int64_t count)
{
    double *times_s = make_times(count);
    for (int64_t i = 0; i < count; i++) {
        double started_s = now_s();
        void *connection = client->connect(location);
        select_one(connection);
        client->close(connection);
        times_s[i] = now_s() - started_s;
    }
    print_times(times_s, count);
    free(times_s);
}

/* `operation`: as in the card. A tenth more, to begin with, is not counted. */
static void ask_often(const char *operation, int64_t count)
{
    double *times_s = make_times(count);
    void *connection = client->connect(location);
    void *statement =
        strcmp(operation, "prepared") == 0 ? client->prepare(connection, SELECT_ONE) : NULL;
    for (int64_t i = -count / 10; i < count; i++) {
        double started_s = now_s();
        if (strcmp(operation, "small") == 0) {
            select_one(connection);
        } else if (statement != NULL) {
            expect(SELECT_ONE, client->execute(statement), 1);
        } else {
            void *other = client->prepare(connection, SELECT_ONE);
            expect(SELECT_ONE, client->execute(other), 1);
            client->close_statement(other);
        }
        if (i >= 0) {
            times_s[i] = now_s() - started_s;
        }
    }
    if (statement != NULL) {
        client->close_statement(statement);
    }
    client->close(connection);
    print_times(times_s, count);
    free(times_s);
}

static void insert_one(void *connection)
{
    client->update(connection, INSERT);
}

struct worker {
    pthread_t thread;
    pthread_barrier_t *start;
    int64_t count;
    void (*run_one)(void *connection);
};

static void *work(void *used)
{
    struct worker *worker = used;
    void *connection = client->connect(location);
    worker->run_one(connection);
    (void)pthread_barrier_wait(worker->start);
    for (int64_t i = 0; i < worker->count; i++) {
        worker->run_one(connection);
    }
    (void)pthread_barrier_wait(worker->start);
    client->close(connection);
    return NULL;
}

static void run_in_threads(void (*run_one)(void *connection), int64_t count, int64_t thread_count)
{
    struct worker *workers = calloc((size_t)thread_count, sizeof *workers);
    pthread_barrier_t start;
    if (workers == NULL || pthread_barrier_init(&start, NULL, (unsigned)thread_count + 1) != 0) {
        give_up("threads", "no memory");
    }
    for (int64_t i = 0; i < thread_count; i++) {
        workers[i].start = &start;
        workers[i].count = count / thread_count;
        workers[i].run_one = run_one;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            give_up("threads", "none could be started");
        }
    }
    (void)pthread_barrier_wait(&start);
    double started_s = now_s();
    (void)pthread_barrier_wait(&start);
    (void)printf("seconds %.6f\n", now_s() - started_s);
    for (int64_t i = 0; i < thread_count; i++) {
        (void)pthread_join(workers[i].thread, NULL);
    }
    (void)pthread_barrier_destroy(&start);
    free(workers);
}

static void insert_prepared(int64_t count)
{
    struct source source;
    void *connection = client->connect(location);
    void *statement = client->prepare(connection, INSERT_BOUND);
    make_source(&source);
    double started_s = now_s();
    for (int64_t i = 0; i < count; i++) {
        struct ArrowArrayStream rows = rows_of(&source, 1);
        client->execute_update(statement, &rows);
    }
    (void)printf("seconds %.6f\n", now_s() - started_s);
    client->close_statement(statement);
    client->close(connection);
}

static void fetch(int64_t row_count)
{
    void *connection = client->connect(location);
    select_one(connection);
    double started_s = now_s();
    expect("rows", client->query(connection, "SELECT id, number, price, word FROM numbers"),
           row_count);
    (void)printf("seconds %.6f\n", now_s() - started_s);
    client->close(connection);
}

static void ingest(int64_t row_count)
{
    struct source source;
    void *connection = client->connect(location);
    select_one(connection);
    make_source(&source);
    struct ArrowArrayStream rows = rows_of(&source, row_count);
    double started_s = now_s();
    client->ingest(connection, "ingested", &rows);
    (void)printf("seconds %.6f\n", now_s() - started_s);
    client->close(connection);
}

static void insert_bound(int64_t row_count)
{
    struct source source;
    void *connection = client->connect(location);
    select_one(connection);
    make_source(&source);
    struct ArrowArrayStream rows = rows_of(&source, row_count);
    double started_s = now_s();
    client->begin(connection);
    void *statement = client->prepare(connection, INSERT_BOUND);
    client->execute_update(statement, &rows);
    client->close_statement(statement);
    client->commit(connection);
    (void)printf("seconds %.6f\n", now_s() - started_s);
    client->close(connection);
}

static void read_columns(int64_t column_count, bool has_keys)
{
    void *connection = client->connect(location);
    select_one(connection);
    if (!has_keys) {
        client->leave_out_keys(connection);
    }
    double started_s = now_s();
    expect("columns", client->count_columns(connection), column_count);
    (void)printf("seconds %.6f\n", now_s() - started_s);
    client->close(connection);
}

static void keep_sessions(int64_t count)
{
    char byte = 0;
    void *first = client->connect(location); /* what all share */
    select_one(first);
    double before_mib = resident_mib();
    for (int64_t i = 0; i < count; i++) {
        select_one(client->connect(location));
    }
    (void)printf("mib %.3f\n", resident_mib() - before_mib);
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

int main(int argc, char **argv)
{
    const char *operation = argc > 4 ? argv[3] : "";
    int64_t count = argc > 4 ? strtoll(argv[4], NULL, 10) : 0;
    int64_t thread_count = argc > 5 ? strtoll(argv[5], NULL, 10) : 1;
    if (count <= 0 || thread_count <= 0) {
        give_up("usage", "sql_bench CLIENT LOCATION OPERATION COUNT ...");
    }
    if (strcmp(argv[1], "cflight") == 0) {
        client = &client_cflight;
    }
    location = argv[2];
    if (strcmp(operation, "load") == 0) {
        load(argv[1]);
        (void)fflush(stdout);
        _exit(0);
    }
    client->load(argv[1]);
    if (strcmp(operation, "connect") == 0) {
        connect_often(count);
    } else if (strcmp(operation, "insert") == 0) {
        run_in_threads(insert_one, count, thread_count);
    } else if (strcmp(operation, "select") == 0) {
        run_in_threads(select_one, count, thread_count);
    } else if (strcmp(operation, "insert-prepared") == 0) {
        insert_prepared(count);
    } else if (strcmp(operation, "fetch") == 0) {
        fetch(count);
    } else if (strcmp(operation, "ingest") == 0) {
        ingest(count);
    } else if (strcmp(operation, "bound") == 0) {
        insert_bound(count);
    } else if (strcmp(operation, "columns") == 0) {
        read_columns(count, true);
    } else if (strcmp(operation, "plain-columns") == 0) {
        read_columns(count, false);
    } else if (strcmp(operation, "sessions") == 0) {
        keep_sessions(count);
    } else {
        ask_often(operation, count);
    }
    (void)fflush(stdout);
    _exit(0); /* what a driver does at its end is no part of this */
}
