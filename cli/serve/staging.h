/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_STAGING_H
#define CFLIGHT_CLI_SERVE_STAGING_H

#include "cli/serve/serve.h"

/* Parts of flights that nobody has committed yet: files below a hidden directory, a directory for
 * each upload. docs/internals/engines.md has the messages. Thread class: free. */

enum { CLI_STAGING_ID_LEN = 32, CLI_STAGING_PARTS_MAX = 100000 };

/* Takes the next line of a text, without its end; false when there is none. */
bool cli_staging_take_line(struct cflight_bytes *text, struct cflight_bytes *ret_line);

/* Reads the descriptor of a part: the flight that it is of, and the place where it is staged.
 * @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status cli_staging_find_part(struct cli_text *ret_name, struct cli_text *ret_place,
                                     struct cflight_bytes command, cflight_error **reterr);

/* The directory of an upload. @return as above */
cflight_status cli_staging_find_upload(struct cli_text *ret_place, struct cflight_bytes upload,
                                       cflight_error **reterr);
/* The place of a part in it, by "NUMBER ATTEMPT". @return as above */
cflight_status cli_staging_append_part(struct cli_text *place, struct cflight_bytes part,
                                       cflight_error **reterr);

/* What became of an upload. */
enum cli_staging_state {
    CLI_STAGING_OPEN = 0,
    CLI_STAGING_APPEARING, /* its flight is the file `inode`, if that has got its name */
    CLI_STAGING_COMMITTED,
};

struct cli_staging_note {
    enum cli_staging_state state;
    uint64_t inode;
    int64_t row_count;
};

/* An upload without a note is open; so is one that is not there. */
void cli_staging_read_note(const struct cli_serve *serve, const char *place,
                           struct cli_staging_note *ret_note);
/* Brings a note to disk. @return as cli_atomic_file_commit() */
cflight_status cli_staging_write_note(const struct cli_serve *serve, const char *place,
                                      const struct cli_staging_note *note, cflight_error **reterr);

/* Removes the parts of an upload, and its directory if `has_no_note`. */
void cli_staging_remove(struct cli_serve *serve, const char *place, bool has_no_note);

/* Removes uploads that nobody has touched for a day. */
void cli_staging_sweep(struct cli_serve *serve);

/* Counts what is stored: flights and parts. */
cflight_status cli_staging_count(struct cli_serve *serve, cflight_error **reterr);

#endif /* CFLIGHT_CLI_SERVE_STAGING_H */
