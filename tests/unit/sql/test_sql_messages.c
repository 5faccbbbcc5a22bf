/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of Flight SQL: their bytes, what is refused, and what hostile bytes can do. */
#include <stdio.h>
#include <stdlib.h>

#include "sql/value/layouts.h"
#include "sql/value/messages.h"
#include "sql_support.h"

/* A message of each shape, with its bytes: packed in an Any, or bare for answers to uploads. */
struct sample {
    struct cflight_sql_message message;
    const char *words;
};

static const struct cflight_bytes TABLE_TYPES[] = {
    {(const uint8_t *)"table", 5},
    {(const uint8_t *)"view", 4},
};
static const uint32_t CODES[] = {0, 3};
static const struct cflight_sql_option OPTIONS[] = {
    {{(const uint8_t *)"key1", 4}, {(const uint8_t *)"val1", 4}},
    {{(const uint8_t *)"key2", 4}, {(const uint8_t *)"val2", 4}},
};

static size_t make_samples(struct sample samples[40])
{
    size_t count = 0;
#define SAMPLE(type_, words_, ...) \
    samples[count++] = (struct sample){{.type = CFLIGHT_SQL_##type_, __VA_ARGS__}, words_}
    SAMPLE(GET_CATALOGS, "", .record_count = 0);
    SAMPLE(GET_TABLE_TYPES, "", .record_count = 0);
    SAMPLE(GET_DB_SCHEMAS, "0a 01 'c' 12 00", .db_schemas = {t_text("c"), t_text("")});
    SAMPLE(GET_TABLES,
           "0a 07 'catalog' 12 18 'db_schema_filter_pattern' 1a 14 'table_filter_pattern' 22 05 "
           "'table' 22 04 'view' 28 01",
           .tables = {t_text("catalog"), t_text("db_schema_filter_pattern"),
                      t_text("table_filter_pattern"), TABLE_TYPES, 2, true});
    SAMPLE(GET_TABLES, "", .tables = {.include_schema = false});
    SAMPLE(GET_TABLES, "0a 00 12 00 1a 00",
           .tables = {
               .catalog = t_text(""), .schema_pattern = t_text(""), .table_pattern = t_text("")});
    SAMPLE(GET_PRIMARY_KEYS, "12 01 's' 1a 01 't'", .table = {{NULL, 0}, t_text("s"), t_text("t")});
    SAMPLE(GET_EXPORTED_KEYS, "0a 01 'c' 1a 01 't'",
           .table = {t_text("c"), {NULL, 0}, t_text("t")});
    SAMPLE(GET_IMPORTED_KEYS, "0a 01 'c' 12 01 's' 1a 01 't'",
           .table = {t_text("c"), t_text("s"), t_text("t")});
    SAMPLE(GET_CROSS_REFERENCE, "0a 01 'a' 12 01 'b' 1a 01 'c' 22 01 'd' 2a 01 'e' 32 01 'f'",
           .cross_reference = {{t_text("a"), t_text("b"), t_text("c")},
                               {t_text("d"), t_text("e"), t_text("f")}});
    SAMPLE(GET_SQL_INFO, "0a 02 00 03", .sql_info = {CODES, 2});
    SAMPLE(GET_SQL_INFO, "", .sql_info = {NULL, 0});
    SAMPLE(GET_XDBC_TYPE_INFO, "08 fb ff ff ff ff ff ff ff ff 01", .type_info = {true, -5});
    SAMPLE(GET_XDBC_TYPE_INFO, "08 00", .type_info = {true, 0});
    SAMPLE(GET_XDBC_TYPE_INFO, "", .type_info = {false, 0});
    SAMPLE(STATEMENT_QUERY, "0a 08 'SELECT 1'", .statement = {.query = t_text("SELECT 1")});
    SAMPLE(STATEMENT_QUERY, "0a 08 'SELECT 1' 12 02 't1'",
           .statement = {t_text("SELECT 1"), t_text("t1")});
    SAMPLE(STATEMENT_UPDATE, "0a 01 'u' 12 02 't1'", .statement = {t_text("u"), t_text("t1")});
    SAMPLE(STATEMENT_SUBSTRAIT_PLAN, "0a 0f 0a 04 'plan' 12 07 'version'",
           .substrait = {.plan = t_text("plan"), .version = t_text("version")});
    SAMPLE(STATEMENT_SUBSTRAIT_PLAN, "12 01 't'", .substrait = {.transaction_id = t_text("t")});
    SAMPLE(PREPARED_STATEMENT_QUERY, "0a 01 'h'", .handle = t_text("h"));
    SAMPLE(PREPARED_STATEMENT_UPDATE, "0a 01 'h'", .handle = t_text("h"));
    SAMPLE(STATEMENT_INGEST,
           "0a 04 08 01 10 03 12 0a 'test_table' 1a 0b 'test_schema' 22 0c 'test_catalog' 28 01 32 "
           "03 '123' c2 3e 0c 0a 04 'key1' 12 04 'val1' c2 3e 0c 0a 04 'key2' 12 04 'val2'",
           .ingest = {CFLIGHT_SQL_IF_MISSING_CREATE,
                      CFLIGHT_SQL_IF_EXISTS_REPLACE,
                      {t_text("test_catalog"), t_text("test_schema"), t_text("test_table")},
                      true,
                      t_text("123"),
                      OPTIONS,
                      2});
    SAMPLE(STATEMENT_INGEST, "12 01 't'", .ingest = {.name = {.table = t_text("t")}});
    SAMPLE(TICKET_STATEMENT_QUERY, "0a 0b 'PLAN HANDLE'", .handle = t_text("PLAN HANDLE"));
    SAMPLE(UPDATE_RESULT, "08 90 4e", .record_count = 10000);
    SAMPLE(UPDATE_RESULT, "08 ff ff ff ff ff ff ff ff ff 01", .record_count = -1);
    SAMPLE(UPDATE_RESULT, "", .record_count = 0);
    SAMPLE(PREPARED_PUT_RESULT, "0a 02 'h1'", .handle = t_text("h1"));
    SAMPLE(PREPARED_PUT_RESULT, "0a 00", .handle = t_text(""));
    SAMPLE(PREPARED_PUT_RESULT, "", .handle = {NULL, 0});
    SAMPLE(CREATE_PREPARED_STATEMENT, "0a 01 'q'", .statement = {.query = t_text("q")});
    SAMPLE(CREATE_PREPARED_SUBSTRAIT_PLAN, "0a 03 0a 01 'p' 12 01 't'",
           .substrait = {.plan = t_text("p"), .transaction_id = t_text("t")});
    SAMPLE(CREATE_PREPARED_RESULT, "0a 01 'h' 12 01 'd' 1a 01 'p' 20 01",
           .prepared = {t_text("h"), t_text("d"), t_text("p"), CFLIGHT_SQL_UPDATE_YES});
    SAMPLE(CREATE_PREPARED_RESULT, "0a 01 'h' 20 00",
           .prepared = {.handle = t_text("h"), .is_update = CFLIGHT_SQL_UPDATE_NO});
    SAMPLE(CREATE_PREPARED_RESULT, "0a 01 'h'", .prepared = {.handle = t_text("h")});
#undef SAMPLE
    return count;
}

static size_t make_action_samples(struct sample samples[10])
{
    size_t count = 0;
#define SAMPLE(type_, words_, ...) \
    samples[count++] = (struct sample){{.type = CFLIGHT_SQL_##type_, __VA_ARGS__}, words_}
    SAMPLE(CLOSE_PREPARED_STATEMENT, "0a 01 'h'", .handle = t_text("h"));
    SAMPLE(BEGIN_TRANSACTION, "", .record_count = 0);
    SAMPLE(BEGIN_TRANSACTION_RESULT, "0a 0e 'transaction_id'", .handle = t_text("transaction_id"));
    SAMPLE(END_TRANSACTION, "0a 0e 'transaction_id' 10 01",
           .end = {t_text("transaction_id"), CFLIGHT_SQL_END_COMMIT});
    SAMPLE(BEGIN_SAVEPOINT, "0a 01 't' 12 01 'n'", .savepoint = {t_text("t"), t_text("n")});
    SAMPLE(BEGIN_SAVEPOINT_RESULT, "0a 01 's'", .handle = t_text("s"));
    SAMPLE(END_SAVEPOINT, "0a 01 's' 10 02", .end = {t_text("s"), CFLIGHT_SQL_END_ROLLBACK});
    SAMPLE(CANCEL_QUERY, "0a 04 'info'", .info = t_text("info"));
    SAMPLE(CANCEL_QUERY_RESULT, "08 01", .cancel_status = CFLIGHT_CANCEL_STATUS_CANCELLED);
    SAMPLE(CANCEL_QUERY_RESULT, "08 63", .cancel_status = (enum cflight_cancel_status)99);
#undef SAMPLE
    return count;
}

enum { SAMPLES_MAX = 50 };

static size_t all_samples(struct sample samples[SAMPLES_MAX])
{
    size_t count = make_samples(samples);
    return count + make_action_samples(samples + count);
}

static void check_serialized(const struct cflight_sql_message *message, const char *words)
{
    cflight_error *error = NULL;
    cflight_buffer *buffer = NULL;
    CHECK_OK(cflight_sql_message_serialize(message, &buffer, &error), error);
    t_check_golden_bytes(cflight_buffer_bytes(buffer), words);
    cflight_buffer_unref(buffer);
}

/* Goal: every message has the bytes of the specification, and comes back the same from them.
 * Method: serialise each sample, parse, copy, and serialise what came of it. */
TEST(sql_messages, have_the_bytes_of_the_specification)
{
    struct sample samples[SAMPLES_MAX];
    size_t count = all_samples(samples);
    bool has_sample[CFLIGHT_SQL_CANCEL_QUERY_RESULT + 1] = {false};
    for (size_t i = 0; i < count; i++) {
        cflight_error *error = NULL;
        struct cflight_sql_message *parsed = NULL;
        struct cflight_sql_message *copy = NULL;
        struct t_golden bytes = t_golden(samples[i].words);
        enum cflight_sql_type type = samples[i].message.type;
        has_sample[type] = true;
        check_serialized(&samples[i].message, samples[i].words);
        CHECK_OK(cflight_sql_message_parse(type, GOLDEN(bytes), &parsed, &error), error);
        check_serialized(parsed, samples[i].words);
        CHECK_OK(cflight_sql_message_copy(parsed, &copy, &error), error);
        cflight_sql_message_free(parsed); /* the copy must not point into it */
        check_serialized(copy, samples[i].words);
        cflight_sql_message_free(copy);
    }
    for (int type = CFLIGHT_SQL_GET_CATALOGS; type <= CFLIGHT_SQL_CANCEL_QUERY_RESULT; type++) {
        assert_true(has_sample[type]);
    }
}

/* Goal: what goes into an Any has the usual prefix, and no value when the message is empty.
 * Method: the golden bytes of the specification. */
TEST(sql_messages, are_packed_in_an_any)
{
    static const char *const WORDS[][2] = {
        {"0a 40 P 'CommandGetCatalogs'", ""},
        {"0a 43 P 'CommandStatementQuery' 12 0a 0a 08 'SELECT 1'", "0a 08 'SELECT 1'"},
        {"0a 42 P 'TicketStatementQuery' 12 0d 0a 0b 'PLAN HANDLE'", "0a 0b 'PLAN HANDLE'"},
        {"0a 4c P 'CommandPreparedStatementUpdate' 12 03 0a 01 'h'", "0a 01 'h'"},
        {"0a 45 P 'ActionCancelQueryResult' 12 02 08 01", "08 01"},
    };
    static const enum cflight_sql_type TYPES[] = {
        CFLIGHT_SQL_GET_CATALOGS, CFLIGHT_SQL_STATEMENT_QUERY, CFLIGHT_SQL_TICKET_STATEMENT_QUERY,
        CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE, CFLIGHT_SQL_CANCEL_QUERY_RESULT};
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        cflight_error *error = NULL;
        struct cflight_sql_message *message = NULL;
        cflight_buffer *buffer = NULL;
        struct t_golden any = t_golden(WORDS[i][0]);
        assert_int_equal(cflight_sql_type_of(GOLDEN(any)), TYPES[i]);
        CHECK_OK(cflight_sql_message_unpack(GOLDEN(any), &message, &error), error);
        assert_int_equal(message->type, TYPES[i]);
        check_serialized(message, WORDS[i][1]);
        CHECK_OK(cflight_sql_message_pack(message, &buffer, &error), error);
        t_check_golden_bytes(cflight_buffer_bytes(buffer), WORDS[i][0]);
        cflight_buffer_unref(buffer);
        cflight_sql_message_free(message);
    }
}

static void check_any(const char *words, enum cflight_sql_type type, cflight_status expected,
                      const char *message_part)
{
    cflight_error *error = NULL;
    struct cflight_sql_message *message = NULL;
    struct t_golden any = t_golden(words);
    assert_int_equal(cflight_sql_type_of(GOLDEN(any)), type);
    cflight_status status = cflight_sql_message_unpack(GOLDEN(any), &message, &error);
    CHECK_STATUS(status, expected);
    if (expected != CFLIGHT_OK) {
        assert_null(message);
        assert_non_null(strstr(cflight_error_message(error), message_part));
    }
    cflight_error_free(error);
    cflight_sql_message_free(message);
}

/* Goal: any prefix before the last '/' is taken, as peers send several; what is not Flight SQL is
 * told from what is not known, and both from damage. */
TEST(sql_messages, are_told_apart_by_the_end_of_their_type_url)
{
    check_any("0a 30 'x/arrow.flight.protocol.sql.CommandGetCatalogs 0'", CFLIGHT_SQL_UNKNOWN,
              CFLIGHT_UNIMPLEMENTED, "CommandGetCatalogs?0");
    check_any("0a 30 'x/y/arrow.flight.protocol.sql.CommandGetCatalogs'", CFLIGHT_SQL_GET_CATALOGS,
              CFLIGHT_OK, "");
    check_any("0a 2b '/arrow.flight.protocol.sql.CommandGetCatalogs' 12 00", CFLIGHT_SQL_NONE,
              CFLIGHT_INVALID_ARGUMENT, "Not a valid Any");
    check_any("0a 2d '/arrow.flight.protocol.sql.CommandGetCatalogs' 12 00",
              CFLIGHT_SQL_GET_CATALOGS, CFLIGHT_OK, "");
    check_any("0a 2c 'arrow.flight.protocol.sql.CommandGetCatalogs'", CFLIGHT_SQL_NONE,
              CFLIGHT_INVALID_ARGUMENT, "has no '/'");
    check_any("0a 38 P 'NewThing..'", CFLIGHT_SQL_UNKNOWN, CFLIGHT_UNIMPLEMENTED,
              "arrow.flight.protocol.sql.NewThing..");
    check_any("0a 1a 'type.googleapis.com/a.Thing'", CFLIGHT_SQL_NONE, CFLIGHT_INVALID_ARGUMENT,
              "Not a valid Any");
    check_any("0a 1b 'type.googleapis.com/a.Thing'", CFLIGHT_SQL_NONE, CFLIGHT_INVALID_ARGUMENT,
              "Not a message of Flight SQL: a.Thing");
    check_any("", CFLIGHT_SQL_NONE, CFLIGHT_INVALID_ARGUMENT, "Not a valid Any");
    check_any("'any old command'", CFLIGHT_SQL_NONE, CFLIGHT_INVALID_ARGUMENT, "Not a valid Any");
    /* Unknown fields, and the last of several URLs. */
    check_any("18 05 0a 01 'x' 22 01 'z' 0a 40 P 'CommandGetCatalogs'", CFLIGHT_SQL_GET_CATALOGS,
              CFLIGHT_OK, "");
}

/* Goal: what the bytes may not say is refused, with the field in the error. */
TEST(sql_messages, refuse_what_makes_no_sense)
{
    static const struct {
        enum cflight_sql_type type;
        const char *words;
        const char *part;
    } CASES[] = {
        {CFLIGHT_SQL_STATEMENT_QUERY, "0a 01 ff", "CommandStatementQuery: query is not UTF-8"},
        {CFLIGHT_SQL_GET_TABLES, "0a 01 c3", "CommandGetTables: catalog is not UTF-8"},
        {CFLIGHT_SQL_GET_TABLES, "22 01 c3", "CommandGetTables: table_types is not UTF-8"},
        {CFLIGHT_SQL_STATEMENT_INGEST, "c2 3e 06 0a 01 c3 12 01 'v'", "options is not UTF-8"},
        {CFLIGHT_SQL_STATEMENT_INGEST, "0a 02 08 03", "if_not_exist is 3; the highest known is 2"},
        {CFLIGHT_SQL_STATEMENT_INGEST, "0a 02 10 04", "if_exists is 4"},
        {CFLIGHT_SQL_END_TRANSACTION, "10 03", "action is 3"},
        {CFLIGHT_SQL_END_TRANSACTION, "10 ff ff ff ff ff ff ff ff ff 01", "action is -1"},
        {CFLIGHT_SQL_STATEMENT_QUERY, "0a 05 'SEL'", "Not a valid CommandStatementQuery"},
        {CFLIGHT_SQL_STATEMENT_QUERY, "0a", "Not a valid CommandStatementQuery"},
        {CFLIGHT_SQL_NONE, "", "0 is no type"},
        {CFLIGHT_SQL_UNKNOWN, "", "1 is no type"},
        {(enum cflight_sql_type)1000, "", "1000 is no type"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        cflight_error *error = NULL;
        struct cflight_sql_message *message = NULL;
        struct t_golden bytes = t_golden(CASES[i].words);
        cflight_status status =
            cflight_sql_message_parse(CASES[i].type, GOLDEN(bytes), &message, &error);
        CHECK_STATUS(status, CFLIGHT_INVALID_ARGUMENT);
        if (strstr(cflight_error_message(error), CASES[i].part) == NULL) {
            fail_msg("'%s' has no '%s'", cflight_error_message(error), CASES[i].part);
        }
        cflight_error_free(error);
    }
}

/* Goal: nothing is sent that a peer would have to refuse. */
TEST(sql_messages, refuse_to_send_what_makes_no_sense)
{
    static const struct cflight_sql_option ONE_OPTION[] = {
        {{(const uint8_t *)"k", 1}, {(const uint8_t *)"\xff", 1}}};
    const struct cflight_sql_message messages[] = {
        {.type = CFLIGHT_SQL_NONE},
        {.type = CFLIGHT_SQL_STATEMENT_QUERY, .statement = {.query = t_text("\xff")}},
        {.type = CFLIGHT_SQL_STATEMENT_QUERY, .statement = {.query = {NULL, 3}}},
        {.type = CFLIGHT_SQL_GET_TABLES, .tables = {.table_type_count = 1}},
        {.type = CFLIGHT_SQL_GET_SQL_INFO, .sql_info = {.code_count = 1}},
        {.type = CFLIGHT_SQL_END_SAVEPOINT, .end = {.action = (enum cflight_sql_end_action)3}},
        {.type = CFLIGHT_SQL_CREATE_PREPARED_RESULT,
         .prepared = {.is_update = (enum cflight_sql_update)3}},
        {.type = CFLIGHT_SQL_STATEMENT_INGEST,
         .ingest = {.options = ONE_OPTION, .option_count = 1}},
    };
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        cflight_error *error = NULL;
        cflight_buffer *buffer = NULL;
        CHECK_STATUS(cflight_sql_message_pack(&messages[i], &buffer, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        assert_null(buffer);
        cflight_error_free(error);
    }
}

/* Goal: absent and empty stay apart where they differ, and an empty transaction is none. */
TEST(sql_messages, keep_absent_and_empty_apart)
{
    cflight_error *error = NULL;
    struct cflight_sql_message *message = NULL;
    struct t_golden bytes = t_golden("12 00");
    CHECK_OK(cflight_sql_message_parse(CFLIGHT_SQL_GET_DB_SCHEMAS, GOLDEN(bytes), &message, &error),
             error);
    assert_null(message->db_schemas.catalog.data);
    assert_non_null(message->db_schemas.schema_pattern.data);
    assert_int_equal(message->db_schemas.schema_pattern.len_bytes, 0);
    cflight_sql_message_free(message);

    struct cflight_sql_message statement = {.type = CFLIGHT_SQL_STATEMENT_QUERY};
    statement.statement.transaction_id = t_text("");
    check_serialized(&statement, "");
}

/* Goal: of several values the last counts, lists are joined, messages in messages are merged, and
 * numbers may come packed or not (Protocol Buffers: Encoding). */
TEST(sql_messages, follow_the_rules_for_fields_that_come_twice)
{
    static const struct {
        enum cflight_sql_type type;
        const char *words;
        const char *expected;
    } CASES[] = {
        {CFLIGHT_SQL_STATEMENT_QUERY, "0a 01 'a' 0a 01 'b'", "0a 01 'b'"},
        {CFLIGHT_SQL_GET_DB_SCHEMAS, "0a 01 'a' 0a 00", "0a 00"},
        {CFLIGHT_SQL_GET_TABLES, "22 01 'a' 28 01 22 01 'b'", "22 01 'a' 22 01 'b' 28 01"},
        {CFLIGHT_SQL_GET_SQL_INFO, "08 07 0a 02 01 02 08 09", "0a 04 07 01 02 09"},
        {CFLIGHT_SQL_STATEMENT_INGEST, "0a 02 08 01 0a 02 10 02", "0a 04 08 01 10 02"},
        {CFLIGHT_SQL_STATEMENT_INGEST,
         "c2 3e 06 0a 01 'b' 12 01 '1' c2 3e 06 0a 01 'a' 12 01 '2' c2 3e 06 0a 01 'b' 12 01 '3'",
         "c2 3e 06 0a 01 'a' 12 01 '2' c2 3e 06 0a 01 'b' 12 01 '3'"},
        {CFLIGHT_SQL_STATEMENT_QUERY, "ba 3e 01 'x' 0a 01 'q' f8 3e 05", "0a 01 'q'"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        cflight_error *error = NULL;
        struct cflight_sql_message *message = NULL;
        struct t_golden bytes = t_golden(CASES[i].words);
        CHECK_OK(cflight_sql_message_parse(CASES[i].type, GOLDEN(bytes), &message, &error), error);
        check_serialized(message, CASES[i].expected);
        cflight_sql_message_free(message);
    }
}

static void parse_hostile(enum cflight_sql_type type, const uint8_t *data, size_t len_bytes)
{
    cflight_error *error = NULL;
    cflight_buffer *buffer = NULL;
    struct cflight_sql_message *message = NULL;
    /* An allocation of exactly this size lets AddressSanitizer see a read past the end. */
    uint8_t *exact = malloc(len_bytes == 0 ? 1 : len_bytes);
    assert_non_null(exact);
    if (len_bytes > 0) {
        memcpy(exact, data, len_bytes);
    }
    cflight_status status =
        cflight_sql_message_parse(type, cflight_bytes_make(exact, len_bytes), &message, &error);
    free(exact);
    if (status == CFLIGHT_OK) {
        CHECK_OK(cflight_sql_message_serialize(message, &buffer, &error), error);
    } else {
        CHECK_STATUS(status, CFLIGHT_INVALID_ARGUMENT);
        assert_memory_equal(cflight_error_message(error), "Not a valid ", strlen("Not a valid "));
    }
    cflight_error_free(error);
    cflight_buffer_unref(buffer);
    cflight_sql_message_free(message);
}

/* Goal: no bytes do more than be refused. Method: each sample cut at each byte, and with each bit
 * turned over. */
TEST(sql_messages, survive_damage)
{
    struct sample samples[SAMPLES_MAX];
    size_t count = all_samples(samples);
    for (size_t i = 0; i < count; i++) {
        struct t_golden bytes = t_golden(samples[i].words);
        for (size_t len_bytes = 0; len_bytes <= bytes.len_bytes; len_bytes++) {
            parse_hostile(samples[i].message.type, bytes.data, len_bytes);
        }
        for (size_t bit = 0; bit < 8 * bytes.len_bytes; bit++) {
            uint8_t mask = (uint8_t)(1u << bit % 8);
            bytes.data[bit / 8] ^= mask;
            parse_hostile(samples[i].message.type, bytes.data, bytes.len_bytes);
            bytes.data[bit / 8] ^= mask;
        }
    }
}

/* Goal: no allocation that fails does more than give RESOURCE_EXHAUSTED. */
TEST(sql_messages, survive_each_allocation_failure)
{
    struct sample samples[SAMPLES_MAX];
    size_t count = all_samples(samples);
    for (size_t i = 0; i < count; i++) {
        struct t_golden bytes = t_golden(samples[i].words);
        T_EACH_ALLOC_FAILURE(alloc) {
            cflight_error *error = NULL;
            cflight_buffer *buffer = NULL;
            struct cflight_sql_message *message = NULL;
            cflight_status status = cfl_sql_message_parse(
                &alloc->allocator, samples[i].message.type, GOLDEN(bytes), &message, &error);
            if (status == CFLIGHT_OK) {
                status =
                    cfl_sql_message_serialize(&alloc->allocator, message, true, &buffer, &error);
            }
            CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
            cflight_buffer_unref(buffer);
            cflight_sql_message_free(message);
            cflight_error_free(error);
        }
    }
}

/* Goal: a message that would take far more memory than its bytes is refused. Method: options
 * without content, of two bytes each. */
TEST(sql_messages, take_memory_in_measure_to_their_bytes)
{
    enum { OPTION_COUNT = 2000000 };
    cflight_error *error = NULL;
    struct cflight_sql_message *message = NULL;
    uint8_t *bytes = malloc(3 * (size_t)OPTION_COUNT);
    assert_non_null(bytes);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        memcpy(bytes + 3 * i, "\xc2\x3e", 3);
    }
    CHECK_STATUS(cflight_sql_message_parse(CFLIGHT_SQL_STATEMENT_INGEST,
                                           cflight_bytes_make(bytes, 3 * (size_t)OPTION_COUNT),
                                           &message, &error),
                 CFLIGHT_RESOURCE_EXHAUSTED);
    cflight_error_free(error);
    free(bytes);
}

/* Goal: the table has the fields of protobuf-c's descriptors, one for one. */
TEST(sql_messages, have_a_row_for_each_field)
{
    for (int type = CFLIGHT_SQL_GET_CATALOGS; type <= CFLIGHT_SQL_CANCEL_QUERY_RESULT; type++) {
        const struct cfl_sql_layout *layout = cfl_sql_layout_of((enum cflight_sql_type)type);
        const char *name = cflight_sql_type_name((enum cflight_sql_type)type);
        assert_non_null(layout);
        assert_int_equal(layout->field_count, layout->descriptor->n_fields);
        assert_int_equal(cfl_sql_type_by_name(t_text(name)), type);
        for (size_t i = 0; i < layout->field_count; i++) {
            bool has_message = layout->descriptor->fields[i].type == PROTOBUF_C_TYPE_MESSAGE;
            bool is_list = layout->descriptor->fields[i].label == PROTOBUF_C_LABEL_REPEATED;
            assert_int_equal(layout->fields[i].kind == CFL_SQL_FIELD_MESSAGE,
                             has_message && !is_list);
        }
    }
    assert_null(cflight_sql_type_name(CFLIGHT_SQL_NONE));
    assert_null(cflight_sql_type_name(CFLIGHT_SQL_UNKNOWN));
    assert_null(cflight_sql_type_name((enum cflight_sql_type) - 1));
}
