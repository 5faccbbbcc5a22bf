/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses how lines are read, and reads them as the terminal gives them. */
#include "cli/system/editor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/system/input.h"
#include "cli/system/interrupt.h"
#include "cli/system/memory.h"
#include "cli/system/os_error.h"

/* ---- lines as they come ---- */

struct plain_editor {
    struct cli_editor editor;
    struct cli_text read; /* and not taken yet */
};

/* Takes a line off what was read; false when there is none. */
static bool take_line(struct plain_editor *self, struct cli_text *line)
{
    char *end =
        self->read.len_bytes == 0 ? NULL : memchr(self->read.data, '\n', self->read.len_bytes);
    if (end == NULL) {
        return false;
    }
    size_t len_bytes = (size_t)(end - self->read.data);
    cli_text_append(line, self->read.data, len_bytes);
    self->read.len_bytes -= len_bytes + 1;
    memmove(self->read.data, end + 1, self->read.len_bytes);
    return true;
}

static void show(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static enum cli_line plain_read(struct cli_editor *editor, const char *prompt,
                                struct cli_text *line)
{
    enum { PART_BYTES = 4096 };
    struct plain_editor *self = (struct plain_editor *)editor;
    show(prompt);
    while (!take_line(self, line)) {
        int64_t got =
            cli_text_reserve(&self->read, PART_BYTES)
                ? cli_read(STDIN_FILENO, self->read.data + self->read.len_bytes, PART_BYTES)
                : 0;
        if (got <= 0) {
            self->read.len_bytes = 0;
            show("\n");
            return got < 0 && cli_interrupt_signal() != 0 ? CLI_LINE_INTERRUPTED : CLI_LINE_END;
        }
        self->read.len_bytes += (size_t)got;
    }
    return CLI_LINE_READ;
}

static void plain_remember(struct cli_editor *editor, struct cflight_bytes entry)
{
    (void)editor;
    (void)entry;
}

static void plain_done(struct cli_editor *editor)
{
    struct plain_editor *self = (struct plain_editor *)editor;
    cli_text_done(&self->read);
    free(self);
}

static struct cli_editor *new_plain(void)
{
    static const struct cli_editor_functions functions = {plain_read, plain_remember, plain_done};
    struct plain_editor *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->editor.functions = &functions;
    return &self->editor;
}

/* ---- any ---- */

const char *cli_editor_library_version(void)
{
#ifdef CFLIGHT_HAS_LIBEDIT
    return CFLIGHT_HAS_LIBEDIT;
#else
    return NULL;
#endif
}

cflight_status cli_editor_new(const struct cli_editor_options *options,
                              struct cli_editor **ret_editor, cflight_error **reterr)
{
    struct cli_editor *editor = NULL;
#ifdef CFLIGHT_HAS_LIBEDIT
    const char *terminal = getenv("TERM");
    if (terminal != NULL && terminal[0] != '\0' && strcmp(terminal, "dumb") != 0) {
        editor = cli_editor_new_libedit(options);
    }
#else
    (void)options;
#endif
    if (editor == NULL) {
        editor = new_plain();
    }
    if (editor == NULL) {
        return cli_error_no_memory(reterr, "opening the prompt");
    }
    *ret_editor = editor;
    return CFLIGHT_OK;
}

enum cli_line cli_editor_read(struct cli_editor *editor, const char *prompt, struct cli_text *line)
{
    return editor->functions->read(editor, prompt, line);
}

void cli_editor_remember(struct cli_editor *editor, struct cflight_bytes entry)
{
    if (entry.len_bytes > 0 && entry.data[0] != ' ' && entry.data[0] != '\t') {
        editor->functions->remember(editor, entry);
    }
}

void cli_editor_free(struct cli_editor *editor)
{
    if (editor != NULL) {
        editor->functions->done(editor);
    }
}
