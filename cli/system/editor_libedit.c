/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that are edited, by libedit.
 *
 * The library reads by a function of ours: so a SIGINT ends the line (the interrupter sees to
 * that), and a terminal that was resized, or given back after a stop, is drawn anew. Its own
 * handling of signals stays off. It is shown characters by the locale's class, which is UTF-8 where
 * there is one; what users bind in ~/.editrc holds. */
#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/system/editor.h"
#include "cli/system/history.h"
#include "cli/system/interrupt.h"
#include "cli/system/message.h"
#include "cli/system/utf8.h"

enum { LISTED_MAX = 100, LIST_GAP = 2, WIDTH_DEFAULT = 80 };

struct libedit_editor {
    struct cli_editor editor;
    struct cli_editor_options options;
    EditLine *line;
    History *entries;
    struct cli_history history;
    FILE *screen; /* standard error, in a buffer */
    const char *prompt;
};

static volatile sig_atomic_t is_resized;
static volatile sig_atomic_t is_continued;

static void note_signal(int number)
{
    if (number == SIGWINCH) {
        is_resized = 1;
    } else {
        is_continued = 1;
    }
}

static struct libedit_editor *self_of(EditLine *line)
{
    void *self = NULL;
    (void)el_get(line, EL_CLIENTDATA, &self);
    return self;
}

static char *prompt_of(EditLine *line)
{
    return (char *)(uintptr_t)self_of(line)->prompt; /* it is read only */
}

/* ---- reading ---- */

static void draw_anew(EditLine *line)
{
    if (is_resized) {
        is_resized = 0;
        el_resize(line);
        (void)el_set(line, EL_REFRESH);
    }
    if (is_continued) {
        is_continued = 0;
        (void)el_set(line, EL_PREP_TERM, 1);
        (void)el_set(line, EL_REFRESH);
    }
}

/* A character of the terminal: 1, 0 at the end, -1 with errno. */
static int read_character(EditLine *line, wchar_t *ret_character)
{
    mbstate_t state;
    memset(&state, 0, sizeof state);
    for (;;) {
        char byte = 0;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got == 0 || (got < 0 && (errno != EINTR || cli_interrupt_signal() != 0))) {
            return (int)got;
        }
        if (got < 0) {
            draw_anew(line);
            continue;
        }
        size_t used = mbrtowc(ret_character, &byte, 1, &state);
        if (used == 0 || used == 1) {
            return 1;
        }
        if (used == (size_t)-1) { /* no character of the locale */
            memset(&state, 0, sizeof state);
        }
    }
}

static enum cli_line libedit_read(struct cli_editor *editor, const char *prompt,
                                  struct cli_text *text)
{
    struct libedit_editor *self = (struct libedit_editor *)editor;
    int len_bytes = 0;
    self->prompt = prompt;
    /* Before the prompt is shown: what is typed meanwhile would be shown twice, or lost. */
    (void)el_set(self->line, EL_PREP_TERM, 1);
    const char *line = el_gets(self->line, &len_bytes);
    if (line == NULL || len_bytes <= 0) {
        bool is_interrupted = cli_interrupt_signal() != 0;
        (void)fputs(is_interrupted ? "^C\n" : "\n", self->screen);
        (void)fflush(self->screen);
        return is_interrupted ? CLI_LINE_INTERRUPTED : CLI_LINE_END;
    }
    size_t used = (size_t)len_bytes;
    used -= line[used - 1] == '\n' ? 1 : 0;
    cli_text_append(text, line, used);
    return CLI_LINE_READ;
}

/* ---- completion ---- */

static size_t screen_width(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : WIDTH_DEFAULT;
}

static size_t width_of(const char *text)
{
    return cli_utf8_text_width(cflight_bytes_from_text(text));
}

/* Shows the matches below the line, in columns. */
static void list(const struct libedit_editor *self, const struct cli_matches *matches)
{
    size_t width = 1;
    size_t shown = matches->count < LISTED_MAX ? matches->count : LISTED_MAX;
    for (size_t i = 0; i < shown; i++) {
        size_t one = width_of(matches->texts[i]);
        width = one > width ? one : width;
    }
    size_t columns = screen_width() / (width + LIST_GAP);
    columns = columns == 0 ? 1 : columns;
    for (size_t i = 0; i < shown; i++) {
        (void)fputs(i % columns == 0 ? "\n" : "", self->screen);
        size_t padding = width - width_of(matches->texts[i]) + LIST_GAP;
        bool is_last = (i + 1) % columns == 0 || i + 1 == shown;
        (void)fprintf(self->screen, "%s%*s", matches->texts[i], is_last ? 0 : (int)padding, "");
    }
    if (shown < matches->count) {
        (void)fprintf(self->screen, "\nand %zu more", matches->count - shown);
    }
    (void)fputs("\n", self->screen);
    (void)fflush(self->screen);
}

static size_t count_characters(struct cflight_bytes text)
{
    size_t count = 0;
    bool is_valid = true;
    for (size_t offset = 0; offset < text.len_bytes; count++) {
        (void)cli_utf8_next(text, &offset, &is_valid);
    }
    return count;
}

/* Puts what all matches have in common in the place of what was typed; false when that is no more.
 */
static bool extend(EditLine *line, struct cflight_bytes typed, const struct cli_matches *matches)
{
    struct cli_text common = CLI_TEXT_INIT;
    struct cflight_bytes bytes = cli_matches_common(matches);
    bool is_more = matches->count == 1 ? !cflight_bytes_equal(bytes, typed)
                                       : bytes.len_bytes > typed.len_bytes;
    if (is_more) {
        cli_text_append(&common, bytes.data, bytes.len_bytes);
        el_deletestr(line, (int)count_characters(typed));
        (void)el_insertstr(line, cli_text_terminated(&common));
        cli_text_done(&common);
    }
    return is_more;
}

static unsigned char complete(EditLine *line, int character)
{
    struct libedit_editor *self = self_of(line);
    struct cli_matches matches = {0};
    const LineInfo *info = el_line(line);
    struct cflight_bytes before =
        cflight_bytes_make(info->buffer, (size_t)(info->cursor - info->buffer));
    unsigned char result = CC_REFRESH_BEEP;
    (void)character;
    self->options.complete(self->options.user_data, before, &matches);
    struct cflight_bytes typed = cflight_bytes_make(
        before.data + before.len_bytes - matches.replaced_bytes, matches.replaced_bytes);
    if (matches.count > 0 && extend(line, typed, &matches)) {
        result = CC_REFRESH;
    } else if (matches.count > 1) {
        list(self, &matches);
        result = CC_REDISPLAY;
    }
    cli_matches_done(&matches);
    return result;
}

/* ---- history ---- */

static void enter(void *user_data, const char *entry)
{
    struct libedit_editor *self = user_data;
    HistEvent event;
    (void)history(self->entries, &event, H_ENTER, entry);
}

static void libedit_remember(struct cli_editor *editor, struct cflight_bytes entry)
{
    struct libedit_editor *self = (struct libedit_editor *)editor;
    struct cli_text text = CLI_TEXT_INIT;
    HistEvent last = {0};
    cli_text_append(&text, entry.data, entry.len_bytes);
    bool is_again = history(self->entries, &last, H_FIRST) == 0 && last.str != NULL &&
                    strcmp(last.str, cli_text_terminated(&text)) == 0;
    if (!is_again && text.len_bytes > 0) {
        enter(self, cli_text_terminated(&text));
        cli_history_add(&self->history, entry);
    }
    cli_text_done(&text);
}

static void open_history(struct libedit_editor *self)
{
    cflight_error *error = NULL;
    if (cli_history_open(&self->history, self->options.history_name, enter, self, &error) !=
        CFLIGHT_OK) {
        cli_remark("the history is not kept: %s", cflight_error_message(error));
        cflight_error_free(error);
    }
}

/* ---- making ---- */

static void libedit_done(struct cli_editor *editor)
{
    struct libedit_editor *self = (struct libedit_editor *)editor;
    if (self->line != NULL) {
        el_end(self->line);
    }
    if (self->entries != NULL) {
        history_end(self->entries);
    }
    if (self->screen != NULL) {
        (void)fclose(self->screen);
    }
    cli_history_done(&self->history);
    free(self);
}

static void choose_locale(void)
{
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1) {
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    }
}

static bool open_line(struct libedit_editor *self)
{
    HistEvent event;
    int screen_fd = dup(STDERR_FILENO);
    self->screen = screen_fd < 0 ? NULL : fdopen(screen_fd, "w");
    if (self->screen == NULL) {
        if (screen_fd >= 0) {
            (void)close(screen_fd);
        }
        return false;
    }
    self->entries = history_init();
    self->line = el_init("cflight", stdin, self->screen, self->screen);
    if (self->line == NULL || self->entries == NULL) {
        return false;
    }
    (void)history(self->entries, &event, H_SETSIZE, CLI_HISTORY_ENTRIES_MAX);
    (void)el_set(self->line, EL_CLIENTDATA, self);
    (void)el_set(self->line, EL_EDITOR, "emacs");
    (void)el_set(self->line, EL_PROMPT, prompt_of);
    (void)el_set(self->line, EL_HIST, history, self->entries);
    (void)el_set(self->line, EL_GETCFN, read_character);
    /* Of narrow texts it would keep copies for ever. */
    (void)el_wset(self->line, EL_ADDFN, L"cflight-complete", L"complete a name", complete);
    (void)el_set(self->line, EL_BIND, "^I", "cflight-complete", NULL);
    (void)el_source(self->line, NULL);
    return true;
}

struct cli_editor *cli_editor_new_libedit(const struct cli_editor_options *options)
{
    static const struct cli_editor_functions functions = {libedit_read, libedit_remember,
                                                          libedit_done};
    struct sigaction noted = {.sa_handler = note_signal}; /* no SA_RESTART: waits must end */
    struct libedit_editor *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->editor.functions = &functions;
    self->options = *options;
    self->history = (struct cli_history)CLI_HISTORY_INIT;
    choose_locale();
    if (!open_line(self)) {
        libedit_done(&self->editor);
        return NULL;
    }
    (void)sigaction(SIGWINCH, &noted, NULL);
    (void)sigaction(SIGCONT, &noted, NULL);
    open_history(self);
    return &self->editor;
}
