/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page docs/man/cflight.1, from the tables. Output is in man(7) macros; text is escaped
 * so that groff takes it as it is. */
#include <string.h>

#include "cflight/version.h"
#include "cli/commands/exit_code.h"
#include "cli/commands/help.h"

/* Appends text with what groff would interpret made literal. "\n\n" starts a paragraph. */
static void append_escaped(struct cli_text *text, const char *words)
{
    for (; *words != '\0'; words++) {
        if (strncmp(words, "\n\n", 2) == 0) {
            cli_text_append_string(text, "\n.PP\n");
            words++;
        } else if (*words == '\\') {
            cli_text_append_string(text, "\\e");
        } else if (*words == '-') {
            cli_text_append_string(text, "\\-");
        } else if (*words == '\'') {
            cli_text_append_string(text, "\\(aq");
        } else if (*words == '"') {
            cli_text_append_string(text, "\\(dq");
        } else {
            cli_text_append_char(text, *words);
        }
    }
    cli_text_append_char(text, '\n');
}

static void append_commands(struct cli_text *text)
{
    cli_text_append_string(text, ".SH COMMANDS\n");
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        cli_text_append_format(text, ".SS \"cflight %s%s%s\"\n", cli_commands[i].name,
                               cli_commands[i].arguments[0] == '\0' ? "" : " ",
                               cli_commands[i].arguments);
        append_escaped(text, cli_commands[i].details);
    }
}

static void append_option(struct cli_text *text, const struct cli_option *option)
{
    cli_text_append_string(text, ".TP\n");
    if (option->letter != '\0') {
        cli_text_append_format(text, "\\fB\\-%c\\fR, ", option->letter);
    }
    cli_text_append_string(text, "\\fB");
    struct cli_text name = CLI_TEXT_INIT;
    append_escaped(&name, option->name);
    cli_text_append_string(text, "\\-\\-");
    cli_text_append(text, name.data, name.len_bytes == 0 ? 0 : name.len_bytes - 1);
    cli_text_append_string(text, "\\fR");
    cli_text_done(&name);
    if (option->argument != NULL) {
        cli_text_append_string(text, " ");
        append_escaped(text, option->argument);
    } else {
        cli_text_append_char(text, '\n');
    }
    append_escaped(text, option->help);
}

static void append_options(struct cli_text *text)
{
    cli_text_append_string(text, ".SH OPTIONS\n");
    for (size_t i = 0; i < cli_option_count; i++) {
        append_option(text, &cli_options[i]);
        if (cli_options[i].commands == (1u << CLI_COMMAND_COUNT) - 1u) {
            continue;
        }
        cli_text_append_string(text, "(");
        const char *separator = "";
        for (int command = 0; command < CLI_COMMAND_COUNT; command++) {
            if (cli_option_fits(&cli_options[i], (enum cli_command_id)command)) {
                cli_text_append_format(text, "%s%s", separator, cli_commands[command].name);
                separator = ", ";
            }
        }
        cli_text_append_string(text, ")\n");
    }
}

static void append_exit_codes(struct cli_text *text)
{
    cli_text_append_string(text, ".SH \"EXIT STATUS\"\n");
    for (size_t i = 0; i < cli_exit_text_count; i++) {
        cli_text_append_format(text, ".TP\n.B %d\n", (int)cli_exit_texts[i].code);
        append_escaped(text, cli_exit_texts[i].meaning);
    }
}

void cli_append_manual(struct cli_text *text)
{
    cli_text_append_string(
        text, ".\\\" SPDX-License-Identifier: Apache-2.0\n"
              ".\\\" Made by the program cflight_manual from cli/commands/command_table.c.\n");
    cli_text_append_format(text, ".TH CFLIGHT 1 \"\" \"cflight %s\" \"User Commands\"\n",
                           CFLIGHT_VERSION_TEXT);
    cli_text_append_string(
        text, ".SH NAME\ncflight \\- move Arrow data over Arrow Flight\n"
              ".SH SYNOPSIS\n.B cflight\n.I COMMAND\n[\\fIOPTION\\fR]... "
              "[\\fIARGUMENT\\fR]...\n"
              ".SH DESCRIPTION\n"
              "Data goes to standard output, everything else to standard error. URI is "
              "grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///PATH; HOST:PORT "
              "alone means grpc://HOST:PORT.\n");
    append_commands(text);
    append_options(text);
    append_exit_codes(text);
    cli_text_append_string(
        text, ".SH ENVIRONMENT\n"
              ".TP\n.B CFLIGHT_PASSWORD\nThe password for \\-\\-user.\n"
              ".TP\n.B CFLIGHT_TOKEN\nA bearer token, if neither \\-\\-token\\-file nor "
              "\\-\\-user is given.\n"
              ".TP\n.B NO_COLOR\nIf set and not empty, tables use no colour.\n"
              ".TP\n.B XDG_STATE_HOME\nWhere the history of the prompt is kept.\n"
              ".SH FILES\n"
              ".TP\n.I ~/.local/state/cflight/sql_history\nWhat was typed at the prompt of cflight "
              "sql; below XDG_STATE_HOME if that is set.\n"
              ".TP\n.I ~/.editrc\nKeys of the prompt; see editrc(5).\n");
}
