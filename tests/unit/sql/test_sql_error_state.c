/* SPDX-License-Identifier: Apache-2.0 */
/* The state of SQL errors in their binary detail. */
#include "sql_support.h"

static cflight_error *make_error(void)
{
    cflight_error *error = NULL;
    (void)cflight_error_set_message(&error, CFLIGHT_INVALID_ARGUMENT, "no such column: x");
    assert_non_null(error);
    return error;
}

/* Goal: state, position and hint travel in a google.rpc.ErrorInfo, and the text of the error in the
 * status around it, where some clients read it. Method: the bytes, by hand. */
TEST(sql_error_state, travels_in_the_binary_detail)
{
    const struct cflight_sql_error_state given = {"42703", 8, t_text("try y")};
    struct cflight_sql_error_state read;
    cflight_error *error = make_error();
    assert_false(cflight_sql_error_get_state(error, &read));
    cflight_sql_error_set_state(error, &given);
    t_check_golden_bytes(cflight_error_extra_info(error),
                         "08 03 12 11 'no such column: x' 1a 56 0a 28 "
                         "'type.googleapis.com/google.rpc.ErrorInfo' 12 2a 0a 05 '42703' 12 03 "
                         "'sql' 1a 0d 0a 08 'position' 12 01 '8' 1a 0d 0a 04 'hint' 12 05 'try y'");
    assert_true(cflight_sql_error_get_state(error, &read));
    assert_string_equal(read.sqlstate, "42703");
    assert_int_equal(read.position, 8);
    assert_true(cflight_bytes_equal(read.hint, t_text("try y")));
    cflight_error_free(error);
    cflight_sql_error_set_state(NULL, &given);
}

/* Goal: what is not known is not written, and a state that is none is left out. */
TEST(sql_error_state, leaves_out_what_is_not_known)
{
    static const char *const STATES[] = {"", "4270", "4270x", "42 03"};
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        struct cflight_sql_error_state given = {.position = -1};
        struct cflight_sql_error_state read;
        cflight_error *error = make_error();
        memcpy(given.sqlstate, STATES[i], strlen(STATES[i]) + 1);
        given.hint = t_text("\xff");
        cflight_sql_error_set_state(error, &given);
        assert_true(cflight_sql_error_get_state(error, &read));
        assert_string_equal(read.sqlstate, "");
        assert_int_equal(read.position, 0);
        assert_int_equal(read.hint.len_bytes, 0);
        cflight_error_free(error);
    }
}

/* Goal: headers stay small: a long hint is cut, not within a character. */
TEST(sql_error_state, cuts_long_hints)
{
    char hint[2002] = "x"; /* so that the bound falls within a character */
    struct cflight_sql_error_state read;
    cflight_error *error = make_error();
    for (size_t i = 1; i < sizeof hint - 1; i += 2) {
        memcpy(hint + i, "\xc3\xa9", 2);
    }
    hint[sizeof hint - 1] = '\0';
    const struct cflight_sql_error_state given = {"42000", 0, t_text(hint)};
    cflight_sql_error_set_state(error, &given);
    assert_true(cflight_sql_error_get_state(error, &read));
    assert_int_equal(read.hint.len_bytes, 1023);
    cflight_error_free(error);
}

/* Goal: details of others are passed by, and damage is no state. */
TEST(sql_error_state, is_found_among_what_others_send)
{
    static const struct {
        const char *words;
        bool is_found;
    } CASES[] = {
        {"", false},
        {"08 03 12 02 'no'", false},
        {"1a 0a 0a 06 'a/Else' 12 00", false},
        {"1a 06 0a 04 'none' 1a 23 0a 16 'x/google.rpc.ErrorInfo' 12 09 0a 02 'no' 12 03 'sql'",
         true},
        {"1a 22 0a 16 'x/google.rpc.ErrorInfo' 12 08 0a 01 'x' 12 03 'abc'", false},
        {"1a 23 0a 16 'x/google.rpc.ErrorInfo' 12 0a 0a 02 'no' 12 03 'sql'", false},
        {"1a 1d 0a 15 'google.rpc.ErrorInfo ' 12 05 12 03 'sql'", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cflight_sql_error_state read;
        struct t_golden bytes = t_golden(CASES[i].words);
        cflight_error *error = make_error();
        cflight_error_set_extra_info(error, GOLDEN(bytes));
        if (cflight_sql_error_get_state(error, &read) != CASES[i].is_found) {
            fail_msg("case %zu", i);
        }
        cflight_error_free(error);
    }
}

/* Goal: the call is what a message begins with, and nothing that looks like it. */
TEST(sql_error_state, an_error_tells_its_call)
{
    static const struct {
        const char *message;
        const char *call;
    } CASES[] = {
        {"CommandStatementQuery: no such table", "CommandStatementQuery"},
        {"CommandStatementQuery: CommandStatementUpdate: x", "CommandStatementQuery"},
        {"BeginTransaction: the server sent no result", "BeginTransaction"},
        {"CommandStatement: x", NULL},
        {"CommandStatementQuery failed", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        cflight_error *error = NULL;
        (void)cflight_error_set_message(&error, CFLIGHT_NOT_FOUND, CASES[i].message);
        const char *call = cflight_sql_error_call(error);
        assert_true((call == NULL) == (CASES[i].call == NULL));
        assert_true(call == NULL || strcmp(call, CASES[i].call) == 0);
        cflight_error_free(error);
    }
    assert_null(cflight_sql_error_call(NULL));
}
