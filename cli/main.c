/* SPDX-License-Identifier: Apache-2.0 */
/* The command `cflight`: finds the command, runs it, reports its failure and chooses the exit code.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cflight/version.h"
#include "cli/commands/commands.h"
#include "cli/commands/help.h"
#include "cli/system/editor.h"
#include "cli/system/interrupt.h"
#include "cli/system/mapped_file.h"
#include "cli/system/message.h"

typedef cflight_status (*run_fn)(struct cli_run *run, cflight_error **reterr);

static const run_fn run_functions[CLI_COMMAND_COUNT] = {
    [CLI_COMMAND_SERVE] = cli_run_serve,
    [CLI_COMMAND_LIST] = cli_run_list,
    [CLI_COMMAND_INFO] = cli_run_info,
    [CLI_COMMAND_SCHEMA] = cli_run_schema,
    [CLI_COMMAND_GET] = cli_run_get,
    [CLI_COMMAND_PUT] = cli_run_put,
    [CLI_COMMAND_SQL] = cli_run_sql,
    [CLI_COMMAND_TABLES] = cli_run_tables,
    [CLI_COMMAND_INGEST] = cli_run_ingest,
    [CLI_COMMAND_ACTIONS] = cli_run_actions,
    [CLI_COMMAND_ACTION] = cli_run_action,
    [CLI_COMMAND_PING] = cli_run_ping, /* and `version`, which only prints */
};

static enum cli_exit_code print_text(struct cli_text *text)
{
    struct cli_run run = {0};
    cflight_error *error = NULL;
    cflight_status status = cli_run_print(&run, text, &error);
    cli_text_done(text);
    if (status != CFLIGHT_OK && run.exit_code != CLI_EXIT_CLOSED_PIPE) {
        cli_message_error("help", error);
    }
    cflight_error_free(error);
    return run.exit_code != CLI_EXIT_OK ? run.exit_code : cli_exit_code_from_status(status);
}

static enum cli_exit_code print_version(bool has_libraries)
{
    struct cli_text text = CLI_TEXT_INIT;
    cli_text_append_format(&text, "cflight %s\n", cflight_version());
    for (size_t i = 0; has_libraries && cflight_library_name(i) != NULL; i++) {
        cli_text_append_format(&text, "%s %s\n", cflight_library_name(i),
                               cflight_library_version(i));
    }
    if (has_libraries && cli_editor_library_version() != NULL) {
        cli_text_append_format(&text, "libedit %s\n", cli_editor_library_version());
    }
    return print_text(&text);
}

/* "get 'flights'" or "list grpc://..." */
static void report(const struct cli_run *run, const cflight_error *error)
{
    char what[512];
    const char *name = cli_commands[run->arguments->command].name;
    (void)snprintf(what, sizeof what, "%s %s", name, run->subject);
    cli_message_error(what, error);
}

static enum cli_exit_code choose_exit_code(const struct cli_run *run, cflight_status status)
{
    int number = cli_interrupt_signal();
    if (number != 0 && status != CFLIGHT_OK) {
        return number == SIGINT ? CLI_EXIT_INTERRUPTED : CLI_EXIT_TERMINATED;
    }
    return run->exit_code != CLI_EXIT_OK ? run->exit_code : cli_exit_code_from_status(status);
}

/* A user who interrupts knows what happened, and a reader that has gone wants nothing more. */
static bool is_worth_telling(enum cli_exit_code code)
{
    return code != CLI_EXIT_OK && code != CLI_EXIT_INTERRUPTED && code != CLI_EXIT_TERMINATED &&
           code != CLI_EXIT_CLOSED_PIPE;
}

static enum cli_exit_code run_command(const struct cli_arguments *arguments)
{
    bool is_client = arguments->command != CLI_COMMAND_SERVE;
    struct cli_run run = {.arguments = arguments,
                          .subject = is_client ? arguments->client.uri : arguments->serve.source};
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;

    if (arguments->is_quiet) {
        cli_be_quiet();
    }
    cli_signals_block();
    cli_mapped_files_guard();
    if (is_client) {
        status = cflight_cancel_new(&run.cancel, &error);
        if (status == CFLIGHT_OK) {
            status = cli_interrupt_start(run.cancel, &error);
        }
    }
    if (status == CFLIGHT_OK) {
        status = run_functions[arguments->command](&run, &error);
    }
    cli_interrupt_stop();
    enum cli_exit_code code = choose_exit_code(&run, status);
    if (is_worth_telling(code)) {
        report(&run, error);
    }
    cflight_error_free(error);
    cli_connection_done(&run.connection);
    cflight_cancel_unref(run.cancel);
    return code;
}

static enum cli_exit_code refuse(const char *command, const cflight_error *error)
{
    cli_message("%s; see 'cflight %s--help'", cflight_error_message(error), command);
    return CLI_EXIT_USAGE;
}

static enum cli_exit_code run_arguments(int argc, char **argv)
{
    struct cli_arguments arguments = {0};
    struct cli_text text = CLI_TEXT_INIT;
    cflight_error *error = NULL;
    enum cli_exit_code code = CLI_EXIT_OK;
    enum cli_command_id command = CLI_COMMAND_COUNT;
    char prefix[64] = "";

    if (cli_command_find(argv[0], &command)) {
        (void)snprintf(prefix, sizeof prefix, "%s ", argv[0]);
    }
    if (cli_arguments_parse(&arguments, argc, argv, &error) != CFLIGHT_OK) {
        code = refuse(prefix, error);
    } else if (arguments.wants_help) {
        cli_append_command_help(&text, arguments.command);
        code = print_text(&text);
    } else if (arguments.wants_version || arguments.command == CLI_COMMAND_VERSION) {
        code = print_version(arguments.version_all);
    } else {
        code = run_command(&arguments);
    }
    cflight_error_free(error);
    cli_arguments_done(&arguments);
    return code;
}

/* `topic` is the name of a command, or NULL for the program. */
static enum cli_exit_code print_help(const char *topic)
{
    struct cli_text text = CLI_TEXT_INIT;
    enum cli_command_id command = CLI_COMMAND_COUNT;
    if (topic == NULL) {
        cli_append_program_help(&text);
    } else if (cli_command_find(topic, &command)) {
        cli_append_command_help(&text, command);
    } else {
        cli_message("unknown command '%s'; see 'cflight --help'", topic);
        return CLI_EXIT_USAGE;
    }
    return print_text(&text);
}

int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "--version") == 0) {
        return (int)print_version(false);
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        return (int)print_help(NULL);
    }
    if (strcmp(first, "help") == 0) {
        return (int)print_help(argc > 2 ? argv[2] : NULL);
    }
    if (argc < 2) {
        cli_message("a command is missing; see 'cflight --help'");
        return CLI_EXIT_USAGE;
    }
    if (first[0] == '-') {
        cli_message("the first argument is a command, not '%s'; see 'cflight --help'", first);
        return CLI_EXIT_USAGE;
    }
    return (int)run_arguments(argc - 1, argv + 1);
}
