/* SPDX-License-Identifier: Apache-2.0 */
/* Help, manual and guide: all say what the tables say. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands/exit_code.h"
#include "cli/commands/help.h"
#include "test.h"

static void check_lines_fit(struct cli_text *text)
{
    size_t column = 0;
    for (const char *c = cli_text_terminated(text); *c != '\0'; c++) {
        column = *c == '\n' ? 0 : column + 1;
        if (column > 80) {
            fail_msg("a line of the help is longer than 80 columns: %.80s", c - 80);
        }
    }
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s", path);
        return NULL;
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size_bytes = ftell(file);
    rewind(file);
    char *content = calloc(1, (size_t)size_bytes + 1);
    assert_non_null(content);
    assert_int_equal(fread(content, 1, (size_t)size_bytes, file), size_bytes);
    (void)fclose(file);
    return content;
}

/* Goal: --help of every command fits a terminal and names every option it takes.
 * Method: make each and search it. */
TEST(cli_help, names_every_option_and_fits_a_terminal)
{
    struct cli_text text = CLI_TEXT_INIT;
    cli_append_program_help(&text);
    check_lines_fit(&text);
    for (int command = 0; command < CLI_COMMAND_COUNT; command++) {
        assert_non_null(strstr(cli_text_terminated(&text), cli_commands[command].name));
    }
    for (int command = 0; command < CLI_COMMAND_COUNT; command++) {
        cli_text_clear(&text);
        cli_append_command_help(&text, (enum cli_command_id)command);
        check_lines_fit(&text);
        for (size_t i = 0; i < cli_option_count; i++) {
            char name[64];
            (void)snprintf(name, sizeof name, "--%s%s%s\n", cli_options[i].name,
                           cli_options[i].argument == NULL ? "" : " ",
                           cli_options[i].argument == NULL ? "" : cli_options[i].argument);
            bool is_there = strstr(cli_text_terminated(&text), name) != NULL;
            if (cli_option_fits(&cli_options[i], (enum cli_command_id)command)) {
                assert_true(is_there);
            }
        }
    }
    cli_text_done(&text);
}

/* Goal: the manual page in the tree is the one the tables make.
 * Method: compare byte for byte; build/.../cflight_manual writes the right one. */
TEST(cli_help, the_manual_page_is_current)
{
    struct cli_text text = CLI_TEXT_INIT;
    char *manual = read_file(CFLIGHT_SOURCE_DIR "/docs/man/cflight.1");
    cli_append_manual(&text);
    if (strcmp(cli_text_terminated(&text), manual) != 0) {
        fail_msg("docs/man/cflight.1 is not what cli/commands/command_table.c says: write it with "
                 "cflight_manual");
    }
    free(manual);
    cli_text_done(&text);
}

/* Goal: the guide leaves no command, option or exit code out.
 * Method: search docs/guide/cli.md for each. */
TEST(cli_help, the_guide_covers_every_option)
{
    char *guide = read_file(CFLIGHT_SOURCE_DIR "/docs/guide/cli.md");
    char wanted[64];
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        (void)snprintf(wanted, sizeof wanted, "cflight %s", cli_commands[i].name);
        if (strstr(guide, wanted) == NULL) {
            fail_msg("docs/guide/cli.md does not mention '%s'", wanted);
        }
    }
    for (size_t i = 0; i < cli_option_count; i++) {
        (void)snprintf(wanted, sizeof wanted, "`--%s", cli_options[i].name);
        if (strstr(guide, wanted) == NULL) {
            fail_msg("docs/guide/cli.md does not mention %s`", wanted);
        }
    }
    for (size_t i = 0; i < cli_exit_text_count; i++) {
        (void)snprintf(wanted, sizeof wanted, "| %d |", (int)cli_exit_texts[i].code);
        if (strstr(guide, wanted) == NULL) {
            fail_msg("docs/guide/cli.md does not list exit code %d", (int)cli_exit_texts[i].code);
        }
    }
    free(guide);
}
