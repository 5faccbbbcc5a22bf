/* SPDX-License-Identifier: Apache-2.0 */
/* Flight's values from any bytes: the first byte chooses the type. What is accepted serialises, and
 * after one round trip the bytes stay the same. Location URIs keep their text. */
#include <stdlib.h>

#include "cflight/ipc.h"
#include "pb/single_field.h"
#include "flight/value/values.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static const struct cfl_value_type *const TYPES[] = {
    &cfl_value_descriptor,      &cfl_value_endpoint,       &cfl_value_info,
    &cfl_value_poll_info,       &cfl_value_action,         &cfl_value_action_type,
    &cfl_value_basic_auth,      &cfl_value_cancel_request, &cfl_value_renew_request,
    &cfl_value_session_options, &cfl_value_session_errors,
};
enum { TYPE_COUNT = sizeof TYPES / sizeof TYPES[0] };

/* Parses and serialises; NULL when the bytes are refused. */
static cflight_buffer *round_trip(const struct cfl_value_type *type, struct cflight_bytes bytes)
{
    void *value = NULL;
    cflight_buffer *buffer = NULL;
    if (cfl_value_parse(type, NULL, bytes, &value, NULL) != CFLIGHT_OK) {
        t_fuzz_require(value == NULL);
        return NULL;
    }
    if (cfl_value_serialize(type, NULL, value, &buffer, NULL) != CFLIGHT_OK) {
        t_fuzz_require(type ==
                       &cfl_value_poll_info); /* a progress outside 0 to 1 is read, not sent */
    }
    if (type == &cfl_value_poll_info) {
        char *text = NULL;
        t_fuzz_require(cflight_poll_info_text(value, &text, NULL) == CFLIGHT_OK);
        cflight_text_free(text);
    }
    cfl_block_free(value);
    return buffer;
}

static void fuzz_value(const struct cfl_value_type *type, struct cflight_bytes bytes)
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

static void fuzz_location(struct cflight_bytes uri)
{
    struct cflight_location *location = NULL;
    if (cflight_location_parse(uri, &location, NULL) == CFLIGHT_OK) {
        t_fuzz_require(cflight_bytes_equal(cflight_bytes_from_text(location->uri), uri));
        t_fuzz_require(location->scheme[0] != '\0' && location->port >= -1 &&
                       location->port <= 65535);
    }
    cflight_location_free(location);
}

static void fuzz_single_field(struct cflight_bytes bytes)
{
    struct cflight_bytes body = {NULL, 0};
    if (cfl_single_field_read(bytes, 1, "Ticket", &body, NULL) == CFLIGHT_OK &&
        body.len_bytes > 0) {
        t_fuzz_require(body.data >= bytes.data &&
                       body.data + body.len_bytes <= bytes.data + bytes.len_bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    if (len_bytes == 0) {
        return 0;
    }
    size_t choice = data[0] % (TYPE_COUNT + 2);
    struct cflight_bytes bytes = cflight_bytes_make(data + 1, len_bytes - 1);
    if (choice < TYPE_COUNT) {
        fuzz_value(TYPES[choice], bytes);
    } else if (choice == TYPE_COUNT) {
        fuzz_location(bytes);
    } else {
        fuzz_single_field(bytes);
    }
    return 0;
}
