/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a fetch as they are: one part after the other, under the schema of the first.
 *
 * A part that has given nothing but a schema is tried again, as with batches. Thread class: one at
 * a time. */
#include "base/error.h"
#include "flight/call/reader.h"
#include "flight/fetch/fetch.h"

enum { PREFIX_BYTES = 8 /* of a schema that was serialised: marker and length */ };

/* Without endpoints there is only the info's own schema. */
static cflight_status give_own_schema(struct cfl_fetch *fetch, struct cflight_message *message,
                                      cflight_error **reterr)
{
    cflight_buffer *bytes = NULL;
    if (fetch->has_given_schema || fetch->part_count > 0) {
        message->is_end = true;
        return CFLIGHT_OK;
    }
    cflight_status status = cflight_ipc_schema_serialize(&fetch->schema, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        struct cflight_bytes view = cflight_buffer_bytes(bytes);
        message->kind = CFLIGHT_MESSAGE_SCHEMA;
        status = cflight_buffer_new_copy(
            cflight_bytes_make(view.data + PREFIX_BYTES, view.len_bytes - PREFIX_BYTES),
            &message->header, reterr);
        fetch->has_given_schema = true;
    }
    cflight_buffer_unref(bytes);
    return status;
}

/* Whether a message of a part is given on. */
static cflight_status choose(struct cfl_fetch *fetch, struct cfl_fetch_part *part,
                             const struct cflight_message *message, bool *ret_is_given,
                             cflight_error **reterr)
{
    *ret_is_given = false;
    switch (message->kind) {
    case CFLIGHT_MESSAGE_METADATA:
        return CFLIGHT_OK;
    case CFLIGHT_MESSAGE_SCHEMA:
        *ret_is_given = !fetch->has_given_schema;
        fetch->has_given_schema = true;
        return cfl_fetch_check_schema(fetch, part, reterr);
    case CFLIGHT_MESSAGE_DICTIONARY:
        break;
    case CFLIGHT_MESSAGE_BATCH:
        cfl_fetch_count(fetch,
                        message->body == NULL ? 0 : cflight_buffer_bytes(message->body).len_bytes,
                        message->row_count);
        break;
    }
    part->has_delivered = true;
    *ret_is_given = true;
    return CFLIGHT_OK;
}

cflight_status cfl_fetch_next_message(struct cfl_fetch *fetch, enum cflight_message_check check,
                                      struct cflight_message *ret_message, cflight_error **reterr)
{
    check = check == CFLIGHT_MESSAGE_CHECK_HEADER ? CFLIGHT_MESSAGE_CHECK_STRUCTURE : check;
    for (;;) {
        struct cflight_message message = {0};
        cflight_error *error = NULL;
        bool is_given = false;
        cflight_status status = cfl_fetch_open_more(fetch, reterr);
        if (status == CFLIGHT_OK && fetch->first == fetch->part_count) {
            status = give_own_schema(fetch, &message, reterr);
            is_given = status == CFLIGHT_OK;
        }
        if (status != CFLIGHT_OK || is_given) {
            *ret_message = is_given ? message : *ret_message;
            return status;
        }
        struct cfl_fetch_part *part = &fetch->parts[fetch->first];
        status = cflight_reader_next_message(part->reader, check, &message, &error);
        if (status != CFLIGHT_OK) {
            status = cfl_fetch_recover(fetch, part, status, error, reterr);
        } else if (message.is_end) {
            cfl_fetch_end_part(fetch, part);
            fetch->first++;
        } else {
            status = choose(fetch, part, &message, &is_given, reterr);
        }
        if (status == CFLIGHT_OK && is_given) {
            *ret_message = message;
            return CFLIGHT_OK;
        }
        cflight_message_release(&message);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}
