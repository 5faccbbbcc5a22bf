/* SPDX-License-Identifier: Apache-2.0 */
/* The state of an SQL error in the binary detail of an error.
 *
 * The detail is a google.rpc.Status with one google.rpc.ErrorInfo of the domain "sql": the reason
 * is the SQLSTATE, metadata has "position" and "hint". The status has the error's text, too: who
 * finds a detail (grpc-go) reads the text there and nowhere else. What a peer sends is walked over
 * in place, so the hint is a view into the error. Thread class: one at a time, as errors are.
 * (google/rpc: status.proto, error_details.proto) */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "cflight/sql.h"
#include "pb/single_field.h"

enum {
    STATUS_MESSAGE = 2,
    STATUS_DETAILS = 3,
    ANY_TYPE_URL = 1,
    ANY_VALUE = 2,
    INFO_REASON = 1,
    INFO_DOMAIN = 2,
    INFO_METADATA = 3,
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,
    TAG_STATUS_CODE = 0x08,
    SQLSTATE_BYTES = 5,
    HINT_BYTES_MAX = 1024, /* headers have limits */
    MESSAGE_BYTES_MAX = 1024,
};
static const char TYPE_NAME[] = "/google.rpc.ErrorInfo";
static const char TYPE_URL[] = "type.googleapis.com/google.rpc.ErrorInfo";
static const char DOMAIN[] = "sql";
static const char POSITION[] = "position";
static const char HINT[] = "hint";

static bool is_sqlstate(struct cflight_bytes text)
{
    bool is_good = text.len_bytes == SQLSTATE_BYTES;
    for (size_t i = 0; is_good && i < text.len_bytes; i++) {
        is_good = (text.data[i] >= '0' && text.data[i] <= '9') ||
                  (text.data[i] >= 'A' && text.data[i] <= 'Z');
    }
    return is_good;
}

/* ---- writing ---- */

static void write_entry(struct cfl_buf *info, const char *key, struct cflight_bytes value)
{
    struct cfl_buf entry;
    cfl_buf_init(&entry, NULL);
    (void)cfl_field_write(&entry, ENTRY_KEY, cflight_bytes_from_text(key));
    info->failed = !cfl_field_write(&entry, ENTRY_VALUE, value) ||
                   !cfl_field_write(info, INFO_METADATA, cfl_buf_bytes(&entry));
    cfl_buf_done(&entry);
}

/* Cut to a bound, not within a character; empty when it is not UTF-8. */
static struct cflight_bytes cut(struct cflight_bytes text, size_t len_bytes_max)
{
    if (text.data == NULL || !cfl_utf8_is_valid(text.data, text.len_bytes)) {
        return cflight_bytes_make(NULL, 0);
    }
    if (text.len_bytes > len_bytes_max) {
        text.len_bytes = len_bytes_max;
        while (text.len_bytes > 0 && !cfl_utf8_is_start(text.data[text.len_bytes])) {
            text.len_bytes--;
        }
    }
    return text;
}

static void write_info(struct cfl_buf *info, const struct cflight_sql_error_state *state)
{
    char position[12];
    struct cflight_bytes sqlstate =
        cflight_bytes_make(state->sqlstate, strnlen(state->sqlstate, sizeof state->sqlstate));
    if (is_sqlstate(sqlstate)) {
        (void)cfl_field_write(info, INFO_REASON, sqlstate);
    }
    (void)cfl_field_write(info, INFO_DOMAIN, cflight_bytes_from_text(DOMAIN));
    if (state->position > 0) {
        (void)snprintf(position, sizeof position, "%d", (int)state->position);
        write_entry(info, POSITION, cflight_bytes_from_text(position));
    }
    struct cflight_bytes hint = cut(state->hint, HINT_BYTES_MAX);
    if (hint.len_bytes > 0) {
        write_entry(info, HINT, hint);
    }
}

void cflight_sql_error_set_state(cflight_error *error, const struct cflight_sql_error_state *state)
{
    struct cfl_buf info;
    struct cfl_buf any;
    struct cfl_buf status;
    if (error == NULL || state == NULL) {
        return;
    }
    cfl_buf_init(&info, NULL);
    cfl_buf_init(&any, NULL);
    cfl_buf_init(&status, NULL);
    write_info(&info, state);
    (void)cfl_field_write(&any, ANY_TYPE_URL, cflight_bytes_from_text(TYPE_URL));
    (void)cfl_field_write(&any, ANY_VALUE, cfl_buf_bytes(&info));
    (void)cfl_buf_append_u8(&status, TAG_STATUS_CODE);
    (void)cfl_buf_append_varint(&status, (uint64_t)cflight_error_status(error));
    (void)cfl_field_write(
        &status, STATUS_MESSAGE,
        cut(cflight_bytes_from_text(cflight_error_message(error)), MESSAGE_BYTES_MAX));
    (void)cfl_field_write(&status, STATUS_DETAILS, cfl_buf_bytes(&any));
    if (!info.failed && !any.failed && !status.failed) {
        cflight_error_set_extra_info(error, cfl_buf_bytes(&status));
    }
    cfl_buf_done(&info);
    cfl_buf_done(&any);
    cfl_buf_done(&status);
}

/* ---- reading ---- */

static bool is_text(struct cflight_bytes bytes, const char *text)
{
    return cflight_bytes_equal(bytes, cflight_bytes_from_text(text));
}

/* A number of at most nine digits; 0 for anything else. */
static int32_t read_position(struct cflight_bytes text)
{
    int32_t position = 0;
    if (text.len_bytes == 0 || text.len_bytes > 9) {
        return 0;
    }
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
        position = position * 10 + (text.data[i] - '0');
    }
    return position;
}

static void read_entry(struct cflight_bytes entry, struct cflight_sql_error_state *state)
{
    struct cflight_bytes key = {NULL, 0};
    struct cflight_bytes value = {NULL, 0};
    if (cfl_single_field_read(entry, ENTRY_KEY, "entry", &key, NULL) != CFLIGHT_OK ||
        cfl_single_field_read(entry, ENTRY_VALUE, "entry", &value, NULL) != CFLIGHT_OK) {
        return;
    }
    if (is_text(key, POSITION)) {
        state->position = read_position(value);
    } else if (is_text(key, HINT) && cfl_utf8_is_valid(value.data, value.len_bytes)) {
        state->hint = value;
    }
}

/* Reads an ErrorInfo; false when it is malformed or of another domain. */
static bool read_info(struct cflight_bytes info, struct cflight_sql_error_state *ret_state)
{
    struct cfl_cursor cursor = cfl_cursor_make(info);
    struct cflight_sql_error_state state = {.position = 0};
    struct cflight_bytes reason = {NULL, 0};
    struct cflight_bytes domain = {NULL, 0};
    while (cfl_cursor_left(&cursor) > 0) {
        uint64_t tag = 0;
        struct cflight_bytes value = {NULL, 0};
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return false;
        }
        if (tag == cfl_field_tag(INFO_REASON)) {
            reason = value;
        } else if (tag == cfl_field_tag(INFO_DOMAIN)) {
            domain = value;
        } else if (tag == cfl_field_tag(INFO_METADATA)) {
            read_entry(value, &state);
        }
    }
    if (is_sqlstate(reason)) {
        memcpy(state.sqlstate, reason.data, SQLSTATE_BYTES);
    }
    if (is_text(domain, DOMAIN)) {
        *ret_state = state;
        return true;
    }
    return false;
}

static bool read_detail(struct cflight_bytes any, struct cflight_sql_error_state *ret_state)
{
    const size_t name_bytes = sizeof TYPE_NAME - 1;
    struct cflight_bytes url = {NULL, 0};
    struct cflight_bytes value = {NULL, 0};
    return cfl_single_field_read(any, ANY_TYPE_URL, "Any", &url, NULL) == CFLIGHT_OK &&
           cfl_single_field_read(any, ANY_VALUE, "Any", &value, NULL) == CFLIGHT_OK &&
           url.len_bytes >= name_bytes &&
           memcmp(url.data + url.len_bytes - name_bytes, TYPE_NAME, name_bytes) == 0 &&
           read_info(value, ret_state);
}

bool cflight_sql_error_get_state(const cflight_error *error,
                                 struct cflight_sql_error_state *ret_state)
{
    struct cfl_cursor cursor = cfl_cursor_make(cflight_error_extra_info(error));
    while (cfl_cursor_left(&cursor) > 0) {
        uint64_t tag = 0;
        struct cflight_bytes value = {NULL, 0};
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return false;
        }
        if (tag == cfl_field_tag(STATUS_DETAILS) && read_detail(value, ret_state)) {
            return true;
        }
    }
    return false;
}

/* The type or the action whose name a text begins with, and a colon after it. */
static const char *name_before_colon(const char *text)
{
    static const char *const ACTIONS[] = {
        CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT,
        CFLIGHT_ACTION_CREATE_PREPARED_SUBSTRAIT_PLAN,
        CFLIGHT_ACTION_CLOSE_PREPARED_STATEMENT,
        CFLIGHT_ACTION_BEGIN_TRANSACTION,
        CFLIGHT_ACTION_END_TRANSACTION,
        CFLIGHT_ACTION_BEGIN_SAVEPOINT,
        CFLIGHT_ACTION_END_SAVEPOINT,
        CFLIGHT_ACTION_CANCEL_QUERY,
    };
    enum { ACTION_COUNT = sizeof ACTIONS / sizeof *ACTIONS };
    for (int i = 0; i < CFLIGHT_SQL_CANCEL_QUERY_RESULT + ACTION_COUNT; i++) {
        const char *name =
            i < ACTION_COUNT ? ACTIONS[i]
                             : cflight_sql_type_name((enum cflight_sql_type)(i - ACTION_COUNT + 1));
        size_t len_bytes = name == NULL ? 0 : strlen(name);
        if (len_bytes > 0 && strncmp(text, name, len_bytes) == 0 && text[len_bytes] == ':') {
            return name;
        }
    }
    return NULL;
}

const char *cflight_sql_error_call(const cflight_error *error)
{
    return name_before_colon(cflight_error_message(error));
}
