/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: what is taken, what is refused. */
#include "cli/commands/arguments.h"

#include <stdio.h>

#include "cli/commands/exit_code.h"
#include "test.h"

enum { ARGUMENTS_MAX = 16 };

/* Parses a line that is split at blanks; `storage` keeps the words. */
static cflight_status parse(const char *line, char *storage, struct cli_arguments *arguments,
                            cflight_error **error)
{
    char *words[ARGUMENTS_MAX];
    int count = 0;
    memcpy(storage, line, strlen(line) + 1);
    for (char *word = storage; *word != '\0'; count++) {
        words[count] = word;
        word += strcspn(word, " ");
        if (*word == ' ') {
            *word++ = '\0';
        }
    }
    return cli_arguments_parse(arguments, count, words, error);
}

static void check_refused(const char *line, const char *reason)
{
    char storage[256];
    struct cli_arguments arguments = {0};
    cflight_error *error = NULL;
    CHECK_STATUS(parse(line, storage, &arguments, &error), CFLIGHT_INVALID_ARGUMENT);
    if (strstr(cflight_error_message(error), reason) == NULL) {
        fail_msg("'%s' gave '%s', expected '%s'", line, cflight_error_message(error), reason);
    }
    cflight_error_free(error);
}

/* Goal: options are found in every form and between positional arguments.
 * Method: one line with all forms. */
TEST(cli_arguments, options_may_stand_anywhere)
{
    char storage[256];
    struct cli_arguments arguments;
    cflight_error *error = NULL;
    CHECK_OK(parse("get --timeout 1.5 host:1 -ox.csv --rows=all -q name -H a:b --header c:d",
                   storage, &arguments, &error),
             error);
    assert_int_equal(arguments.command, CLI_COMMAND_GET);
    assert_string_equal(arguments.client.uri, "host:1");
    assert_string_equal(arguments.flight.name, "name");
    assert_null(arguments.source_path);
    assert_int_equal(arguments.client.timeout_ms, 1500);
    assert_int_equal(arguments.client.idle_timeout_ms, 0);
    assert_string_equal(arguments.result.path, "x.csv");
    assert_int_equal(arguments.result.row_count, CLI_ROWS_ALL);
    assert_true(arguments.is_quiet);
    assert_int_equal(arguments.client.headers.count, 2);
    assert_string_equal(arguments.client.headers.items[0], "a:b");
    assert_string_equal(arguments.client.headers.items[1], "c:d");
    cli_arguments_done(&arguments);
}

/* Goal: sizes are bytes, or powers of 1024 by a letter.
 * Method: each letter; then what is none, and what does not fit into 64 bits. */
TEST(cli_arguments, sizes_may_have_a_unit)
{
    static const struct {
        const char *line;
        uint64_t size_bytes;
    } cases[] = {
        {"get h:1 n --unpack-max 1000", 1000},
        {"get h:1 n --unpack-max 3k", 3072},
        {"get h:1 n --unpack-max 3K", 3072},
        {"put h:1 n f --unpack-max 256M", UINT64_C(256) << 20},
        {"serve d --unpack-max=4G", UINT64_C(4) << 30},
        {"get h:1 n --unpack-max 1T", UINT64_C(1) << 40},
        {"get h:1 n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char storage[256];
        struct cli_arguments arguments;
        cflight_error *error = NULL;
        CHECK_OK(parse(cases[i].line, storage, &arguments, &error), error);
        assert_int_equal(arguments.read_options.unpacked_bytes_max, cases[i].size_bytes);
        cli_arguments_done(&arguments);
    }
    check_refused("get h:1 n --unpack-max 0", "takes a number of bytes such as 100000 or 2G");
    check_refused("get h:1 n --unpack-max -1", "takes a number of bytes");
    check_refused("get h:1 n --unpack-max 5GB", "takes a number of bytes");
    check_refused("get h:1 n --unpack-max 5x", "takes a number of bytes");
    check_refused("get h:1 n --unpack-max 18014398509481984k", "takes a number of bytes");
    check_refused("get h:1 n --unpack-max 99999999999999999999", "takes a number of bytes");
}

/* Goal: counts are whole numbers that the library's limits can hold, and 0 is none of them.
 * Method: the least and the largest, and what lies beside them. */
TEST(cli_arguments, counts_are_of_32_bits)
{
    char storage[256];
    struct cli_arguments arguments;
    cflight_error *error = NULL;
    CHECK_OK(parse("serve d --handlers-max 1 --queue-max=4294967295", storage, &arguments, &error),
             error);
    assert_int_equal(arguments.serve.options.handlers_max, 1);
    assert_int_equal(arguments.serve.options.queue_max, UINT32_MAX);
    assert_int_equal(arguments.serve.options.waiting_max, 0);
    cli_arguments_done(&arguments);
    static const char *const wrong[] = {"0", "-1", "4294967296", "1k", "1.5", "x", "+1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "serve d --handlers-max %s", wrong[i]);
        check_refused(line, "--handlers-max takes a whole number from 1 to 4294967295");
    }
}

/* Goal: letters can be written together, and the last may have a value.
 * Method: the value attached, and as the next argument; what follows the letter of a value is one,
 * even if it is a letter. */
TEST(cli_arguments, letters_may_stand_together)
{
    static const char *const lines[] = {"get host:1 name -qn5 -o q", "get host:1 name -qn 5 -oq"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char storage[256];
        struct cli_arguments arguments;
        cflight_error *error = NULL;
        CHECK_OK(parse(lines[i], storage, &arguments, &error), error);
        assert_true(arguments.is_quiet);
        assert_int_equal(arguments.result.row_count, 5);
        assert_string_equal(arguments.result.path, "q");
        cli_arguments_done(&arguments);
    }
}

/* Goal: names that look like options can be given, and "-" is a name.
 * Method: after "--", and alone. */
TEST(cli_arguments, two_dashes_end_the_options)
{
    char storage[256];
    struct cli_arguments arguments;
    cflight_error *error = NULL;
    CHECK_OK(parse("put host:1 -- -name -", storage, &arguments, &error), error);
    assert_string_equal(arguments.flight.name, "-name");
    assert_string_equal(arguments.source_path, "-");
    cli_arguments_done(&arguments);
}

/* Goal: whatever makes no sense is refused with a reason.
 * Method: one line for each kind of mistake. */
TEST(cli_arguments, mistakes_are_refused_with_a_reason)
{
    check_refused("fly", "unknown command 'fly'");
    check_refused("get", "arguments are missing");
    check_refused("list a b c", "too many arguments: 'c'");
    check_refused("list a --rows 3", "unknown option '--rows'");
    check_refused("list a --nonsense", "unknown option '--nonsense'");
    check_refused("list a -Z", "unknown option '-Z'");
    check_refused("list a -qZ5", "unknown option '-Z' in '-qZ5'");
    check_refused("list a -q=1", "unknown option '-=' in '-q=1'");
    check_refused("get a b -qn", "--rows needs a value (N)");
    check_refused("list a --timeout", "--timeout needs a value (SECONDS)");
    check_refused("list a --timeout soon", "--timeout takes a number of seconds");
    check_refused("list a --timeout -1", "--timeout takes a number of seconds");
    check_refused("list a --timeout nan", "--timeout takes a number of seconds");
    check_refused("list a --quiet=1", "--quiet takes no value");
    check_refused("get a b --rows 1.5", "--rows takes a number of rows");
    check_refused("get a b --rows 99999999999999999999", "--rows takes a number of rows");
    check_refused("get a b --compression gzip", "--compression takes none, lz4 or zstd");
    check_refused("get a b --format parquet", "--format takes arrow");
    check_refused("get a b --tls-min-version 1.1", "--tls-min-version is 1.2 or 1.3, not '1.1'");
    check_refused("serve a --metadata-max 2G", "--metadata-max takes 1 to 2147483647 bytes");
    check_refused("get a b --password secret", "unknown option '--password'");
}

/* Goal: help is given whatever is missing.
 * Method: no positional arguments. */
TEST(cli_arguments, help_needs_nothing_else)
{
    char storage[256];
    struct cli_arguments arguments;
    cflight_error *error = NULL;
    CHECK_OK(parse("get --help", storage, &arguments, &error), error);
    assert_true(arguments.wants_help);
    cli_arguments_done(&arguments);
}

/* Goal: a very short time limit does not turn into none, and 0 is what each option says.
 * Method: less than a millisecond; 0 as a limit, as no limit, and where there has to be one; what
 * is not given. */
TEST(cli_arguments, a_short_time_stays_a_limit)
{
    char storage[256];
    struct cli_arguments arguments;
    cflight_error *error = NULL;
    CHECK_OK(parse("list a --timeout 0.0001 --connect-timeout 0", storage, &arguments, &error),
             error);
    assert_int_equal(arguments.client.timeout_ms, 1);
    assert_int_equal(arguments.client.options.connect_timeout_ms, 1);
    cli_arguments_done(&arguments);
    CHECK_OK(parse("list a --timeout 0", storage, &arguments, &error), error);
    assert_int_equal(arguments.client.timeout_ms, 0);
    assert_int_equal(arguments.client.options.connect_timeout_ms, 0);
    cli_arguments_done(&arguments);
    CHECK_OK(parse("serve d --message-timeout 0 --idle-timeout 2", storage, &arguments, &error),
             error);
    assert_int_equal(arguments.client.timeout_ms, -1);
    assert_int_equal(arguments.serve.options.message_timeout_ms, -1);
    assert_int_equal(arguments.serve.options.idle_timeout_ms, 2000);
    assert_int_equal(arguments.serve.options.contended_timeout_ms, 0);
    assert_int_equal(arguments.serve.grace_ms, 30000);
    cli_arguments_done(&arguments);
}

/* Goal: the tables do not contradict themselves.
 * Method: every option has a help text, fits a command, and no command has two options of one name
 * or letter. */
TEST(cli_command_table, options_are_unique_within_a_command)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct cli_option *a = &cli_options[i];
        assert_non_null(a->name);
        assert_non_null(a->help);
        assert_int_not_equal(a->commands, 0);
        assert_int_equal(a->type == CLI_VALUE_FLAG, a->argument == NULL);
        for (size_t j = 0; j < i; j++) {
            const struct cli_option *b = &cli_options[j];
            if ((a->commands & b->commands) != 0) {
                assert_string_not_equal(a->name, b->name);
                assert_true(a->letter == '\0' || a->letter != b->letter);
            }
        }
    }
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        assert_true(cli_commands[i].positional_min <= cli_commands[i].positional_max);
        assert_true(cli_commands[i].positional_max <= CLI_POSITIONALS_MAX);
    }
}

/* Goal: exit codes say what scripts rely on.
 * Method: the statuses that have a code of their own, and one that has none. */
TEST(cli_exit_code, statuses_have_their_codes)
{
    assert_int_equal(cli_exit_code_from_status(CFLIGHT_OK), 0);
    assert_int_equal(cli_exit_code_from_status(CFLIGHT_INTERNAL), 1);
    assert_int_equal(cli_exit_code_from_status(CFLIGHT_UNAVAILABLE), 3);
    assert_int_equal(cli_exit_code_from_status(CFLIGHT_NOT_FOUND), 4);
    assert_int_equal(cli_exit_code_from_status(CFLIGHT_DEADLINE_EXCEEDED), 5);
    assert_int_equal(cli_exit_code_from_status(CFLIGHT_UNAUTHENTICATED), 6);
    assert_int_equal(cli_exit_code_from_status(CFLIGHT_PERMISSION_DENIED), 6);
}
