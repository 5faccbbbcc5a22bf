/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line. Standard error, one write per drawing, so that it does not mix with messages.
 */
#include "cli/client/progress.h"

#include <inttypes.h>
#include <unistd.h>

#include "cli/system/clock.h"
#include "cli/system/message.h"

enum { REDRAW_NS = 100000000, BAR_WIDTH = 20 };

void cli_append_size(struct cli_text *text, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        cli_text_append_format(text, "%" PRIu64 "%s", bytes, bytes == 1 ? " byte" : " bytes");
        return;
    }
    double scaled = (double)bytes / 1000;
    size_t unit = 0;
    while (scaled >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        scaled /= 1000;
        unit++;
    }
    int digits = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
    cli_text_append_format(text, "%.*f %s", digits, scaled, units[unit]);
}

static void append_bar(struct cli_text *text, int64_t rows, int64_t rows_total)
{
    double part = rows >= rows_total ? 1.0 : (double)rows / (double)rows_total;
    size_t filled = (size_t)(part * BAR_WIDTH);
    cli_text_append_string(text, " [");
    cli_text_append_repeated(text, '=', filled);
    cli_text_append_repeated(text, ' ', BAR_WIDTH - filled);
    cli_text_append_format(text, "] %3d%%", (int)(part * 100));
}

void cli_progress_append_line(struct cli_text *text, const struct cli_progress *progress,
                              int64_t elapsed_ns, int64_t rows, uint64_t bytes)
{
    cli_text_append_format(text, "%s", progress->verb);
    if (progress->rows_total > 0) {
        append_bar(text, rows, progress->rows_total);
    }
    cli_text_append_format(text, "  %" PRId64 " %s  ", rows, rows == 1 ? "row" : "rows");
    cli_append_size(text, bytes);
    if (elapsed_ns > 0) {
        cli_text_append_string(text, "  ");
        cli_append_size(text, (uint64_t)((double)bytes * 1e9 / (double)elapsed_ns));
        cli_text_append_string(text, "/s");
    }
}

void cli_progress_start(struct cli_progress *progress, const char *verb, int64_t rows_total)
{
    progress->is_on = !cli_is_quiet() && isatty(STDERR_FILENO) == 1;
    progress->is_drawn = false;
    progress->verb = verb;
    progress->rows_total = rows_total;
    progress->started_ns = cli_now_ns();
    progress->drawn_ns = progress->started_ns;
}

static void print(struct cli_text *text)
{
    if (!text->failed) {
        ssize_t ignored = write(STDERR_FILENO, text->data, text->len_bytes);
        (void)ignored;
    }
    cli_text_done(text);
}

void cli_progress_update(struct cli_progress *progress, int64_t rows, uint64_t bytes)
{
    if (!progress->is_on) {
        return;
    }
    int64_t now = cli_now_ns();
    if (now - progress->drawn_ns < REDRAW_NS) {
        return;
    }
    struct cli_text line = CLI_TEXT_INIT;
    cli_text_append_string(&line, "\r");
    cli_progress_append_line(&line, progress, now - progress->started_ns, rows, bytes);
    cli_text_append_string(&line, "\x1b[K");
    print(&line);
    progress->is_drawn = true;
    progress->drawn_ns = now;
}

void cli_progress_clear(struct cli_progress *progress)
{
    if (progress->is_drawn) {
        struct cli_text line = CLI_TEXT_INIT;
        cli_text_append_string(&line, "\r\x1b[K");
        print(&line);
        progress->is_drawn = false;
    }
}
