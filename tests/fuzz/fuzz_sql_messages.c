/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of Flight SQL from any bytes: the first byte chooses the type, or what else is read from
 * strangers. What is accepted serialises, and after one round trip the bytes stay the same. */
#include "cflight/sql.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

enum {
    CHOICE_ANY = 0,
    CHOICE_ERROR_STATE = 1,
    /* the messages */
    CHOICE_PATTERN = CFLIGHT_SQL_CANCEL_QUERY_RESULT + 1,
    CHOICE_COUNT,
};

/* Parses and serialises; NULL when the bytes are refused. */
static cflight_buffer *round_trip(enum cflight_sql_type type, struct cflight_bytes bytes)
{
    struct cflight_sql_message *message = NULL;
    struct cflight_sql_message *copy = NULL;
    cflight_buffer *buffer = NULL;
    if (cflight_sql_message_parse(type, bytes, &message, NULL) != CFLIGHT_OK) {
        t_fuzz_require(message == NULL);
        return NULL;
    }
    t_fuzz_require(cflight_sql_message_copy(message, &copy, NULL) == CFLIGHT_OK);
    cflight_sql_message_free(message);
    t_fuzz_require(cflight_sql_message_serialize(copy, &buffer, NULL) == CFLIGHT_OK);
    cflight_sql_message_free(copy);
    return buffer;
}

static void fuzz_message(enum cflight_sql_type type, struct cflight_bytes bytes)
{
    cflight_buffer *once = round_trip(type, bytes);
    if (once == NULL) {
        return;
    }
    cflight_buffer *twice = round_trip(type, cflight_buffer_bytes(once));
    t_fuzz_require(twice != NULL);
    t_fuzz_require(cflight_bytes_equal(cflight_buffer_bytes(once), cflight_buffer_bytes(twice)));
    cflight_buffer_unref(once);
    cflight_buffer_unref(twice);
}

static void fuzz_any(struct cflight_bytes any)
{
    struct cflight_sql_message *message = NULL;
    cflight_buffer *packed = NULL;
    enum cflight_sql_type type = cflight_sql_type_of(any);
    if (cflight_sql_message_unpack(any, &message, NULL) != CFLIGHT_OK) {
        return;
    }
    t_fuzz_require(message->type == type && cflight_sql_type_name(type) != NULL);
    t_fuzz_require(cflight_sql_message_pack(message, &packed, NULL) == CFLIGHT_OK);
    t_fuzz_require(cflight_sql_type_of(cflight_buffer_bytes(packed)) == type);
    cflight_buffer_unref(packed);
    cflight_sql_message_free(message);
}

static void fuzz_error_state(struct cflight_bytes bytes)
{
    struct cflight_sql_error_state state;
    cflight_error *error = NULL;
    (void)cflight_error_set_message(&error, CFLIGHT_UNKNOWN, "");
    cflight_error_set_extra_info(error, bytes);
    if (cflight_sql_error_get_state(error, &state)) {
        struct cflight_bytes detail = cflight_error_extra_info(error);
        t_fuzz_require(strlen(state.sqlstate) == 0 || strlen(state.sqlstate) == 5);
        t_fuzz_require(state.position >= 0);
        t_fuzz_require(state.hint.len_bytes == 0 ||
                       (state.hint.data >= detail.data &&
                        state.hint.data + state.hint.len_bytes <= detail.data + detail.len_bytes));
    }
    cflight_error_free(error);
}

/* The first byte is how long the pattern is; what is left is the name. */
static void fuzz_pattern(struct cflight_bytes bytes)
{
    char *escaped = NULL;
    if (bytes.len_bytes == 0) {
        return;
    }
    size_t pattern_bytes = bytes.data[0] % bytes.len_bytes;
    struct cflight_bytes pattern = cflight_bytes_make(bytes.data + 1, pattern_bytes);
    struct cflight_bytes name =
        cflight_bytes_make(bytes.data + 1 + pattern_bytes, bytes.len_bytes - 1 - pattern_bytes);
    t_fuzz_require(!cflight_sql_pattern_matches(pattern, name, false) ||
                   cflight_sql_pattern_matches(pattern, name, true));
    t_fuzz_require(cflight_sql_pattern_matches(cflight_bytes_from_text("%"), name, false));
    if (cflight_sql_pattern_escape(name, &escaped, NULL) == CFLIGHT_OK) {
        t_fuzz_require(cflight_sql_pattern_matches(cflight_bytes_from_text(escaped), name, false));
    }
    cflight_text_free(escaped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    if (len_bytes == 0) {
        return 0;
    }
    int choice = data[0] % CHOICE_COUNT;
    struct cflight_bytes bytes = cflight_bytes_make(data + 1, len_bytes - 1);
    if (choice == CHOICE_ANY) {
        fuzz_any(bytes);
    } else if (choice == CHOICE_ERROR_STATE) {
        fuzz_error_state(bytes);
    } else if (choice == CHOICE_PATTERN) {
        fuzz_pattern(bytes);
    } else {
        fuzz_message((enum cflight_sql_type)choice, bytes);
    }
    return 0;
}
