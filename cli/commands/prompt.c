/* SPDX-License-Identifier: Apache-2.0 */
/* The prompt of cflight sql: reads lines, cuts them into statements, runs them. What fails is told
 * and ends nothing. */
#include "cli/commands/prompt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cflight/version.h"
#include "cli/commands/prompt_command.h"
#include "cli/system/interrupt.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

/* Before a line is read: an interrupt that came is over. One that comes from now on stops the line,
 * or what it has run. */
static cflight_status renew(struct cli_prompt *prompt, cflight_error **reterr)
{
    cflight_cancel *cancel = NULL;
    cflight_status status = cflight_cancel_new(&cancel, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cli_interrupt_renew(cancel);
    cli_connection_renew(&prompt->run->connection, cancel);
    cflight_cancel_unref(prompt->cancel);
    prompt->cancel = cancel;
    return CFLIGHT_OK;
}

static bool is_ended_by_signal(void)
{
    int number = cli_interrupt_signal();
    return number != 0 && number != SIGINT;
}

/* ---- the beginning ---- */

/* Says hello, with what the server says of itself. A server that cannot be asked now ends the
 * prompt before it began; one that has nothing to say does not. */
static cflight_status greet(struct cli_prompt *prompt, cflight_error **reterr)
{
    static const uint32_t codes[] = {CFLIGHT_SQL_INFO_SERVER_NAME, CFLIGHT_SQL_INFO_SERVER_VERSION};
    struct cli_fetch fetch = {.rows_left = CLI_ROWS_ALL};
    struct cflight_sql_options options;
    struct cli_text name = CLI_TEXT_INIT;
    cflight_sql_info *info = NULL;
    cflight_error *error = NULL;
    cli_sql_call(&prompt->sql, &fetch, &options);
    cflight_status status =
        cflight_sql_get_sql_info(prompt->run->connection.client, codes,
                                 sizeof codes / sizeof *codes, &options, &info, &error);
    if (status == CFLIGHT_OK) {
        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
            struct cflight_bytes text = cflight_sql_info_text(info, codes[i]);
            cli_text_append_string(&name, text.len_bytes == 0 ? "" : i == 0 ? ": " : " ");
            cli_text_append(&name, text.data, text.len_bytes);
        }
        cflight_sql_info_free(info);
    } else if (cli_exit_code_from_status(status) != CLI_EXIT_FAILURE ||
               cli_interrupt_signal() != 0) {
        return cli_error_give(error, reterr);
    }
    cflight_error_free(error);
    cli_message_leave_name_out();
    cli_remark("cflight %s at %s%s", cflight_version(), prompt->run->connection.uri,
               cli_text_terminated(&name));
    cli_remark("Statements end with ';'. \\? shows what else there is, \\q ends.");
    cli_text_done(&name);
    return CFLIGHT_OK;
}

static void complete(void *user_data, struct cflight_bytes before, struct cli_matches *matches)
{
    struct cli_prompt *prompt = user_data;
    const uint8_t *blank = NULL;
    size_t first = 0;
    while (first < before.len_bytes && (before.data[first] == ' ' || before.data[first] == '\t')) {
        first++;
    }
    if (first == before.len_bytes) { /* the tab of a text that is pasted */
        cli_matches_add(matches, cflight_bytes_from_text("    "));
        return;
    }
    if (prompt->pending.len_bytes == 0 && before.data[first] == '\\') {
        blank = memchr(before.data + first, ' ', before.len_bytes - first);
        if (blank == NULL) {
            struct cflight_bytes word =
                cflight_bytes_make(before.data + first, before.len_bytes - first);
            cli_prompt_match_command(word, matches);
            return;
        }
    }
    cli_prompt_begin(prompt);
    cli_names_load(&prompt->names, &prompt->sql);
    cli_names_match(&prompt->names, before, matches);
}

/* ---- running ---- */

/* Tells a failure. @return whether the prompt can go on */
static bool tell_failure(struct cli_prompt *prompt, cflight_error *error)
{
    bool is_closed = prompt->run->exit_code == CLI_EXIT_CLOSED_PIPE;
    if (cli_interrupt_signal() == SIGINT) {
        cli_remark("cancelled");
    } else if (!is_closed && !is_ended_by_signal()) {
        cli_message_error("error", error);
    }
    cflight_error_free(error);
    prompt->run->exit_code = is_closed ? CLI_EXIT_CLOSED_PIPE : CLI_EXIT_OK;
    return !is_closed && !is_ended_by_signal();
}

/* Runs a statement; its rows go to the file that was chosen for them, or to the screen. */
static cflight_status run_statement(struct cli_prompt *prompt,
                                    const struct cli_statement *statement, cflight_error **reterr)
{
    struct cli_result result = {0};
    cli_prompt_begin(prompt);
    cflight_status status = cli_result_choose(&result, prompt->run, CLI_SQL_TABLE_ROWS, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_sql_run(&prompt->sql, &result, statement, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_result_close(&result, reterr);
    }
    if (result.output != NULL) {
        prompt->settings.result.path = NULL;
    }
    cli_result_done(&result);
    if (cli_statement_kind(statement) != CLI_STATEMENT_ROWS) {
        cli_names_forget(&prompt->names);
    }
    return status;
}

/* Runs what is complete of the text; the rest of it stays, unless something fails. `*ret_mark` is
 * what is open then, or 0. */
static void run_pending(struct cli_prompt *prompt, char *ret_mark)
{
    struct cli_script script = {.text = cli_text_bytes(&prompt->pending)};
    struct cli_statement statement;
    cflight_error *error = NULL;
    bool is_open = false;
    bool is_remembered = false;
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK) {
        cli_script_next_typed(&script, &statement, &is_open, ret_mark);
        if (statement.text.len_bytes == 0) {
            break;
        }
        if (!is_remembered) {
            cli_editor_remember(prompt->editor, cflight_bytes_make(prompt->pending.data,
                                                                   prompt->pending.len_bytes - 1));
            is_remembered = true;
        }
        status = run_statement(prompt, &statement, &error);
    }
    size_t rest = prompt->pending.len_bytes - script.offset;
    if (status != CFLIGHT_OK) {
        prompt->is_over = !tell_failure(prompt, error);
    }
    if (status != CFLIGHT_OK || !is_open) {
        *ret_mark = '\0';
        rest = 0;
    }
    memmove(prompt->pending.data, prompt->pending.data + prompt->pending.len_bytes - rest, rest);
    cli_text_truncate(&prompt->pending, rest);
}

/* What begins with a backslash is a command, between statements and within one, but not in a text
 * or a comment that is open. */
static void take_line(struct cli_prompt *prompt, struct cflight_bytes line, char *ret_mark)
{
    cflight_error *error = NULL;
    bool may_be_command = *ret_mark == '\0' || *ret_mark == '-';
    if (may_be_command && line.len_bytes > 0 && line.data[0] == '\\') {
        cli_editor_remember(prompt->editor, line);
        if (cli_prompt_command(prompt, line, &error) != CFLIGHT_OK) {
            prompt->is_over = !tell_failure(prompt, error);
        }
        return;
    }
    cli_text_append(&prompt->pending, line.data, line.len_bytes);
    cli_text_append_char(&prompt->pending, '\n');
    if (cli_text_status(&prompt->pending, &error) != CFLIGHT_OK) {
        (void)tell_failure(prompt, error);
        cli_text_clear(&prompt->pending);
        *ret_mark = '\0';
        return;
    }
    run_pending(prompt, ret_mark);
}

/* "sql> ", within a transaction "sql*> ", and of a statement that goes on what is open in it. */
static const char *choose_prompt(const struct cli_prompt *prompt, char mark, char text[8])
{
    if (mark == '\0') {
        return prompt->sql.transaction != NULL ? "sql*> " : "sql> ";
    }
    (void)snprintf(text, 8, "%s%c> ", prompt->sql.transaction != NULL ? "   " : "  ", mark);
    return text;
}

static cflight_status loop(struct cli_prompt *prompt, cflight_error **reterr)
{
    struct cli_text line = CLI_TEXT_INIT;
    cflight_status status = CFLIGHT_OK;
    char mark = '\0';
    while (status == CFLIGHT_OK && !prompt->is_over) {
        char text[8];
        status = renew(prompt, reterr);
        if (status != CFLIGHT_OK) {
            break;
        }
        cli_text_clear(&line);
        enum cli_line kind =
            cli_editor_read(prompt->editor, choose_prompt(prompt, mark, text), &line);
        if (kind == CLI_LINE_READ) {
            take_line(prompt, cli_text_bytes(&line), &mark);
        } else {
            cli_text_clear(&prompt->pending);
            prompt->is_over = kind == CLI_LINE_END || is_ended_by_signal();
            if (kind == CLI_LINE_END && mark != '\0') {
                cli_remark("the statement that was not ended was not run");
            }
            mark = '\0';
        }
    }
    if (status == CFLIGHT_OK && is_ended_by_signal()) {
        status = cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "ended by a signal");
    }
    cli_text_done(&line);
    return status;
}

cflight_status cli_prompt_run(struct cli_run *run, cflight_error **reterr)
{
    const struct cli_arguments *given = run->arguments;
    struct cli_prompt prompt = {.run = run, .settings = *given};
    const struct cli_editor_options options = {
        .history_name = "sql_history", .complete = complete, .user_data = &prompt};
    prompt.sql.run = run;
    cflight_status status = cli_run_connect(run, reterr);
    if (status == CFLIGHT_OK) {
        status = greet(&prompt, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_editor_new(&options, &prompt.editor, reterr);
    }
    if (status == CFLIGHT_OK) {
        run->arguments = &prompt.settings;
        status = loop(&prompt, reterr);
        run->arguments = given;
        cli_sql_done(&prompt.sql);
    }
    run->connection.cancel = run->cancel;
    cflight_cancel_unref(prompt.cancel);
    cli_editor_free(prompt.editor);
    cli_names_forget(&prompt.names);
    cli_text_done(&prompt.pending);
    cli_text_done(&prompt.output_path);
    return status;
}
