/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_WATCH_H
#define CFLIGHT_CLI_SERVE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Files that are looked at now and then, by their names, so that a link which is pointed elsewhere
 * counts as a change. Files belong to groups; a group has changed once nothing in it has changed
 * from one look to the next: who writes two files, or one slowly, is waited for. Thread class: one
 * at a time. */

enum { CLI_WATCH_FILES_MAX = 8 };

struct cli_watch {
    struct cli_watched_file {
        const char *path; /* borrowed */
        unsigned group;   /* a bit */
        struct stat seen; /* zeros: it was not there */
    } files[CLI_WATCH_FILES_MAX];
    size_t count;
    unsigned pending; /* groups that have changed of late */
};

/* Adds a file; NULL is ignored. */
void cli_watch_add(struct cli_watch *watch, const char *path, unsigned group);
/* What is seen now counts as known: before all is read. */
void cli_watch_note(struct cli_watch *watch);
/* Looks. @return the groups that are to be read again */
unsigned cli_watch_look(struct cli_watch *watch);

#endif /* CFLIGHT_CLI_SERVE_WATCH_H */
