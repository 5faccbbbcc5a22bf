/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting scripts of SQL into statements. */
#include "cli/client/statements.h"

#include <stdio.h>

#include "test.h"

/* The texts of all statements, each with its line and a '|' behind it; the error's text after a
 * failure. */
static void check_split(const char *script_text, bool is_single, const char *expected)
{
    struct cli_script script = {.text = cflight_bytes_from_text(script_text),
                                .is_single = is_single};
    struct cli_statement statement = {.line = 0};
    cflight_error *error = NULL;
    char found[512] = "";
    for (;;) {
        size_t used = strlen(found);
        if (cli_script_next(&script, &statement, &error) != CFLIGHT_OK) {
            (void)snprintf(found + used, sizeof found - used, "%s", cflight_error_message(error));
            cflight_error_free(error);
            break;
        }
        if (statement.text.len_bytes == 0) {
            break;
        }
        (void)snprintf(found + used, sizeof found - used, "%zu:%.*s|", statement.line,
                       (int)statement.text.len_bytes, (const char *)statement.text.data);
    }
    assert_string_equal(found, expected);
}

/* Goal: statements end at ';' and nothing else, and each knows its line.
 * Method: scripts with blanks, empty statements, and without a ';' at the end. */
TEST(cli_statements, end_at_semicolons)
{
    check_split("", false, "");
    check_split(" ;;\n; ", false, "");
    check_split("select 1", false, "1:select 1|");
    check_split("select 1;select 2;", false, "1:select 1|1:select 2|");
    check_split("\n a ;\n\n b\n c ; d", false, "2:a|4:b\n c|5:d|");
}

/* Goal: a ';' in quotes or comments ends nothing.
 * Method: every kind of quotes and comments, also inside each other. */
TEST(cli_statements, quotes_and_comments_hide_semicolons)
{
    check_split("a 'b;''c;' d;e", false, "1:a 'b;''c;' d|1:e|");
    check_split("a \"b;\"\"\" ; `c;`", false, "1:a \"b;\"\"\"|1:`c;`|");
    check_split("a '\\'; b", false, "1:a '\\'|1:b|");
    check_split("a E'\\';' ; ne'\\' ; b", false, "1:a E'\\';'|1:ne'\\'|1:b|");
    check_split("a -- b; 'c\n; d", false, "1:a -- b; 'c|2:d|");
    check_split("a /* b; /* ' */ ; */ c; d", false, "1:a /* b; /* ' */ ; */ c|1:d|");
    check_split("a $$b;$$; c $x$ ; $y$ ; $x$; d", false, "1:a $$b;$$|1:c $x$ ; $y$ ; $x$|1:d|");
    check_split("a $1; b $2; c$d;e$d", false, "1:a $1|1:b $2|1:c$d|1:e$d|");
}

/* Goal: what has only comments is no statement; comments before one go with it.
 * Method: a script of comments, and one with comments everywhere. */
TEST(cli_statements, comments_alone_are_none)
{
    check_split("-- a\n; /* b */ ;", false, "");
    check_split("-- a\nb; -- c", false, "1:-- a\nb|");
}

/* Goal: a quote or comment without an end is told, with the line where it begins.
 * Method: each kind; a line end before it. */
TEST(cli_statements, what_has_no_end_is_refused)
{
    check_split("a;\nb 'c;", false, "1:a|the text in quotes in line 2 has no end");
    check_split("\"", false, "the text in quotes in line 1 has no end");
    check_split("E'\\'", false, "the text in quotes in line 1 has no end");
    check_split("$$;$", false, "the text in quotes in line 1 has no end");
    check_split("\n/* /* */", false, "the comment in line 2 has no end");
    check_split("/*/", false, "the comment in line 1 has no end");
}

/* Goal: a single statement keeps the ';' within.
 * Method: the body of a trigger, with several at its end. */
TEST(cli_statements, a_single_one_is_not_cut)
{
    check_split("begin a; b; end ; ;\n", true, "1:begin a; b; end|");
}

static void check_kind(const char *text, enum cli_statement_kind kind)
{
    struct cli_script script = {.text = cflight_bytes_from_text(text)};
    struct cli_statement statement = {.line = 0};
    cflight_error *error = NULL;
    CHECK_OK(cli_script_next(&script, &statement, &error), error);
    assert_int_equal(cli_statement_kind(&statement), kind);
}

/* Goal: the first word tells what a statement gives, whatever stands before it.
 * Method: words in any case, behind comments and '('; beginnings of words, other words, none. */
TEST(cli_statements, the_first_word_tells_the_kind)
{
    check_kind("select 1", CLI_STATEMENT_ROWS);
    check_kind("-- insert\n /* x */ ((SELECT 1))", CLI_STATEMENT_ROWS);
    check_kind("Insert into t values (1)", CLI_STATEMENT_UPDATE);
    check_kind("DROP/**/TABLE t", CLI_STATEMENT_UPDATE);
    check_kind("selec", CLI_STATEMENT_UNKNOWN);
    check_kind("selects", CLI_STATEMENT_UNKNOWN);
    check_kind("with a as (select 1) delete from b", CLI_STATEMENT_UNKNOWN);
    check_kind("'select'", CLI_STATEMENT_UNKNOWN);
}

/* What is typed: the statements that are complete, and what is open then. */
static void check_typed(const char *text, const char *expected)
{
    struct cli_script script = {.text = cflight_bytes_from_text(text)};
    struct cli_statement statement = {.line = 0};
    char found[512] = "";
    bool is_open = false;
    char mark = '?';
    do {
        size_t used = strlen(found);
        cli_script_next_typed(&script, &statement, &is_open, &mark);
        (void)snprintf(found + used, sizeof found - used, "%.*s|", (int)statement.text.len_bytes,
                       (const char *)statement.text.data);
    } while (statement.text.len_bytes > 0);
    size_t used = strlen(found);
    (void)snprintf(found + used, sizeof found - used, "%c%s", is_open ? mark : ' ',
                   text + script.offset);
    assert_string_equal(found, expected);
}

/* Goal: what is typed is run once its ';' is there, and the rest waits for more, with a word of
 * what is open in it.
 * Method: texts that end in everything that can be open, and some that end well. */
TEST(cli_statements, typed_ones_wait_for_their_end)
{
    check_typed("", "| ");
    check_typed("select 1\n", "|-select 1\n");
    check_typed("select 1;\n", "select 1|| ");
    check_typed("a; b; c\n", "a|b||-c\n");
    check_typed("a; 'b; c\n", "a||''b; c\n");
    check_typed("a \"b; c\n", "|\"a \"b; c\n");
    check_typed("a `b;\n", "|`a `b;\n");
    check_typed("a $x$ b;\n", "|$a $x$ b;\n");
    check_typed("a E'b\\';\n", "|'a E'b\\';\n");
    check_typed("a /* b;\n", "|*a /* b;\n");
    check_typed("/* b;\n", "|*/* b;\n");
    check_typed("-- b;\n", "| ");
    check_typed("a -- b;\n", "|-a -- b;\n");
    check_typed("a -- b;\n;\n", "a -- b|| ");
}

static enum cli_statement_control control_of(const char *text)
{
    struct cli_script script = {.text = cflight_bytes_from_text(text)};
    struct cli_statement statement = {.line = 0};
    assert_int_equal(cli_script_next(&script, &statement, NULL), CFLIGHT_OK);
    return cli_statement_control(&statement);
}

/* Goal: the begin and the end of a transaction are known, and nothing that says more is.
 * Method: every word, in both cases, with comments, and with what may follow it elsewhere. */
TEST(cli_statements, transactions_are_known_by_their_words)
{
    const struct {
        const char *text;
        enum cli_statement_control control;
    } cases[] = {
        {"BEGIN", CLI_CONTROL_BEGIN},
        {"begin work;", CLI_CONTROL_BEGIN},
        {"/* x */ Start -- y\n transaction", CLI_CONTROL_BEGIN},
        {"commit", CLI_CONTROL_COMMIT},
        {"END TRANSACTION", CLI_CONTROL_COMMIT},
        {"rollback", CLI_CONTROL_ROLLBACK},
        {"ABORT WORK", CLI_CONTROL_ROLLBACK},
        {"START", CLI_CONTROL_NONE},
        {"BEGIN IMMEDIATE", CLI_CONTROL_NONE},
        {"BEGIN TRANSACTION READ ONLY", CLI_CONTROL_NONE},
        {"ROLLBACK TO x", CLI_CONTROL_NONE},
        {"'BEGIN'", CLI_CONTROL_NONE},
        {"TRANSACTION BEGIN", CLI_CONTROL_NONE},
        {"SELECT 1", CLI_CONTROL_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(control_of(cases[i].text), cases[i].control);
    }
}
