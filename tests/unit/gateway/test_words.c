/* SPDX-License-Identifier: Apache-2.0 */
/* What the words of a statement tell. */
#include "adbc/gateway/words.h"

#include "test.h"

struct sample {
    const char *text;
    enum gateway_kind kind;
    bool leaves_state;
};

static void check(const struct sample *sample)
{
    struct gateway_words words = gateway_words_read(cflight_bytes_from_text(sample->text));
    if (words.kind != sample->kind || words.leaves_state != sample->leaves_state) {
        fail_msg("'%s' is of kind %d and leaves %d", sample->text, (int)words.kind,
                 words.leaves_state);
    }
}

/* Goal: queries are told from what changes something, in doubt as what may.
 * Method: a statement of each kind, with comments, quotes and case in the way. */
TEST(gateway_words, statements_are_told_apart)
{
    static const struct sample samples[] = {
        {"SELECT 1", GATEWAY_KIND_QUERY, false},
        {"  -- insert\n /* a /* nested */ one */ (select 'insert into' from t);",
         GATEWAY_KIND_QUERY, false},
        {"select \"into\", `delete` from t -- into", GATEWAY_KIND_QUERY, false},
        {"SELECT $$ into $$, $a$ delete $a$, $1", GATEWAY_KIND_QUERY, false},
        {"SELECT 'it''s into'", GATEWAY_KIND_QUERY, false},
        {"SELECT * INTO copy FROM t", GATEWAY_KIND_OTHER, false},
        {"WITH a AS (SELECT 1) SELECT * FROM a", GATEWAY_KIND_QUERY, false},
        {"WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a", GATEWAY_KIND_OTHER, false},
        {"EXPLAIN SELECT 1", GATEWAY_KIND_QUERY, false},
        {"EXPLAIN ANALYZE DELETE FROM t", GATEWAY_KIND_OTHER, false},
        {"VALUES (1), (2)", GATEWAY_KIND_QUERY, false},
        {"insert into t values (1)", GATEWAY_KIND_UPDATE, false},
        {"INSERT INTO t VALUES (1) RETURNING a", GATEWAY_KIND_OTHER, false},
        {"CREATE TABLE t (a INT)", GATEWAY_KIND_UPDATE, false},
        {"CREATE TEMP TABLE t (a INT)", GATEWAY_KIND_UPDATE, true},
        {"create local temporary view v as select 1", GATEWAY_KIND_UPDATE, true},
        {"CREATE TABLE t (a INT, b INT, temp INT)", GATEWAY_KIND_UPDATE, false},
        {"PRAGMA query_only = OFF", GATEWAY_KIND_OTHER, true},
        {"ATTACH 'x' AS y", GATEWAY_KIND_OTHER, true},
        {"SET search_path = x", GATEWAY_KIND_OTHER, true},
        {"BEGIN", GATEWAY_KIND_OTHER, true},
        {"SELECT 1; DELETE FROM t", GATEWAY_KIND_OTHER, true},
        {"SELECT 1;;; ", GATEWAY_KIND_QUERY, false},
        {"SELECT 'no end", GATEWAY_KIND_OTHER, true},
        {"SELECT 1 /* no end", GATEWAY_KIND_OTHER, true},
        {"SELECT $a$ no end", GATEWAY_KIND_OTHER, true},
        {"", GATEWAY_KIND_OTHER, true},
        {"/", GATEWAY_KIND_OTHER, true},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        check(&samples[i]);
    }
}

/* Goal: only what begins or ends a transaction needs a session, and what may is noted.
 * Method: look at both flags. */
TEST(gateway_words, transactions_need_a_session)
{
    struct gateway_words words = gateway_words_read(cflight_bytes_from_text("start transaction"));
    assert_true(words.needs_session && words.is_transaction);
    words = gateway_words_read(cflight_bytes_from_text("SELECT 1; BEGIN"));
    assert_true(words.is_transaction && words.is_several && !words.needs_session);
    words = gateway_words_read(cflight_bytes_from_text("SET x = 1"));
    assert_false(words.needs_session || words.is_transaction);
}

/* Goal: a file of statements is cut where they end, and nowhere else.
 * Method: walk a text with semicolons in quotes and comments. */
TEST(gateway_words, statements_end_at_semicolons)
{
    static const char text[] = "SET a = ';'; -- x;\nSELECT 1";
    size_t first = gateway_words_statement_end(text);
    assert_int_equal(first, strlen("SET a = ';'"));
    assert_int_equal(gateway_words_statement_end(text + first + 1), strlen(text) - first - 1);
    assert_true(gateway_words_is_empty(cflight_bytes_from_text(" -- all;\n /* of it */ ")));
    assert_false(gateway_words_is_empty(cflight_bytes_from_text(" x")));
}
