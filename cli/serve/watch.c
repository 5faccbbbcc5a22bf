/* SPDX-License-Identifier: Apache-2.0 */
/* A change of a file is one of its place, its size or its times. Looking costs a stat(2) a file;
 * inotify would have to follow every link and directory on the way to it. */
#include "cli/serve/watch.h"

#include <string.h>

#include "cli/system/files.h"

void cli_watch_add(struct cli_watch *watch, const char *path, unsigned group)
{
    if (path != NULL && watch->count < CLI_WATCH_FILES_MAX) {
        watch->files[watch->count++] = (struct cli_watched_file){.path = path, .group = group};
    }
}

/* Looks at one file; tells whether it is another than before. */
static bool look_at(struct cli_watched_file *file)
{
    struct stat now;
    if (stat(file->path, &now) != 0) {
        memset(&now, 0, sizeof now);
    }
    bool has_changed = !cli_is_same_file(&file->seen, &now) ||
                       !cli_is_unchanged(&file->seen, &now) ||
                       file->seen.st_ctim.tv_sec != now.st_ctim.tv_sec ||
                       file->seen.st_ctim.tv_nsec != now.st_ctim.tv_nsec;
    file->seen = now;
    return has_changed;
}

/* @return the groups in which something has changed since the last look */
static unsigned look_at_all(struct cli_watch *watch)
{
    unsigned changed = 0;
    for (size_t i = 0; i < watch->count; i++) {
        changed |= look_at(&watch->files[i]) ? watch->files[i].group : 0;
    }
    return changed;
}

void cli_watch_note(struct cli_watch *watch)
{
    (void)look_at_all(watch);
    watch->pending = 0;
}

unsigned cli_watch_look(struct cli_watch *watch)
{
    unsigned changed = look_at_all(watch);
    unsigned due = watch->pending & ~changed;
    watch->pending = changed;
    return due;
}
