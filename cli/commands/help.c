/* SPDX-License-Identifier: Apache-2.0 */
/* What --help prints, from the tables. Lines are 80 columns at most. */
#include "cli/commands/help.h"

#include <string.h>

#include "cli/commands/exit_code.h"

enum { WIDTH = 80, TERM_COLUMN = 2, TEXT_COLUMN = 8, COMMAND_COLUMN = 12 };

/* Appends a text word by word, broken into lines that start at `indent`. The line in hand has
 * `used` columns already. */
static void append_wrapped(struct cli_text *text, const char *words, size_t used, size_t indent)
{
    while (*words != '\0') {
        if (strncmp(words, "\n\n", 2) == 0) {
            cli_text_append_string(text, "\n\n");
            cli_text_append_repeated(text, ' ', indent);
            used = indent;
            words += 2;
            continue;
        }
        size_t len_bytes = strcspn(words, " \n");
        if (used > indent && used + 1 + len_bytes > WIDTH) {
            cli_text_append_char(text, '\n');
            cli_text_append_repeated(text, ' ', indent);
            used = indent;
        } else if (used > indent) {
            cli_text_append_char(text, ' ');
            used++;
        }
        cli_text_append(text, words, len_bytes);
        used += len_bytes;
        words += len_bytes;
        words += *words == ' ' ? 1 : 0;
    }
    cli_text_append_char(text, '\n');
}

static void append_paragraph(struct cli_text *text, const char *words, size_t indent)
{
    cli_text_append_repeated(text, ' ', indent);
    append_wrapped(text, words, indent, indent);
}

static void append_exit_codes(struct cli_text *text)
{
    cli_text_append_string(text, "\nExit codes:\n");
    for (size_t i = 0; i < cli_exit_text_count; i++) {
        cli_text_append_format(text, "  %-6d", (int)cli_exit_texts[i].code);
        append_wrapped(text, cli_exit_texts[i].meaning, TEXT_COLUMN, TEXT_COLUMN);
    }
}

void cli_append_program_help(struct cli_text *text)
{
    cli_text_append_string(text, "Usage: cflight COMMAND [OPTION]... [ARGUMENT]...\n\n"
                                 "Moves Arrow data over Arrow Flight.\n\nCommands:\n");
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        cli_text_append_format(text, "  %-9s %s\n", cli_commands[i].name, cli_commands[i].summary);
    }
    cli_text_append_char(text, '\n');
    append_paragraph(
        text,
        "URI is grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///PATH; HOST:PORT "
        "alone means grpc://HOST:PORT.\n\ncflight COMMAND --help explains a command; "
        "cflight version --all shows what is installed.",
        0);
    append_exit_codes(text);
}

static void append_heading(struct cli_text *text, enum cli_command_id command,
                           const struct cli_option *option)
{
    for (size_t i = 0; i < cli_heading_count; i++) {
        if (cli_headings[i].command == command &&
            strcmp(cli_headings[i].option, option->name) == 0) {
            cli_text_append_format(text, "\n%s:\n", cli_headings[i].text);
        }
    }
}

static void append_option(struct cli_text *text, const struct cli_option *option)
{
    cli_text_append_repeated(text, ' ', TERM_COLUMN);
    if (option->letter != '\0') {
        cli_text_append_format(text, "-%c, ", option->letter);
    }
    cli_text_append_format(text, "--%s%s%s\n", option->name, option->argument == NULL ? "" : " ",
                           option->argument == NULL ? "" : option->argument);
    append_paragraph(text, option->help, TEXT_COLUMN);
}

void cli_append_command_help(struct cli_text *text, enum cli_command_id command)
{
    const struct cli_command *about = &cli_commands[command];
    cli_text_append_format(text, "Usage: cflight %s [OPTION]...%s%s\n\n", about->name,
                           about->arguments[0] == '\0' ? "" : " ", about->arguments);
    append_paragraph(text, about->details, 0);
    cli_text_append_string(text, "\nOptions:\n");
    for (size_t i = 0; i < cli_option_count; i++) {
        if (cli_option_fits(&cli_options[i], command)) {
            append_heading(text, command, &cli_options[i]);
            append_option(text, &cli_options[i]);
        }
    }
    append_exit_codes(text);
}
