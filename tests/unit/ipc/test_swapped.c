/* SPDX-License-Identifier: Apache-2.0 */
/* Data of the other byte order, of every layout. */
#include <stdlib.h>

#include "base/buf.h"
#include "ipc/byteswap.h"
#include "ipc/layout.h"
#include "ipc/message.h"
#include "ipc/walk.h"
#include "ipc_data.h"
#include "test.h"

enum { BUFFERS_MAX = 128, VIEW_BYTES = 16 };

/* What each buffer of a message needs to be turned, in the order of the message. */
struct plan {
    enum cfl_swap swaps[BUFFERS_MAX];
    size_t count;
};

static void add(struct plan *plan, enum cfl_swap swap)
{
    assert_true(plan->count < BUFFERS_MAX);
    plan->swaps[plan->count++] = swap;
}

static void plan_value(struct plan *plan, const struct cfl_field *field);

static void plan_field(struct plan *plan, const struct cfl_field *field)
{
    if (!field->is_dictionary) {
        plan_value(plan, field);
        return;
    }
    add(plan, CFL_SWAP_NONE);
    add(plan, cfl_swap_of(&field->index_type));
}

static void plan_value(struct plan *plan, const struct cfl_field *field)
{
    bool is_list = false;
    if (cfl_layout_has_validity(field, false)) {
        add(plan, CFL_SWAP_NONE);
    }
    switch (field->type.layout) {
    case CFL_LAYOUT_BOOL:
        add(plan, CFL_SWAP_NONE);
        break;
    case CFL_LAYOUT_FIXED:
        add(plan, cfl_swap_of(&field->type));
        break;
    case CFL_LAYOUT_VARIABLE_32:
    case CFL_LAYOUT_VARIABLE_64:
        add(plan, field->type.layout == CFL_LAYOUT_VARIABLE_64 ? CFL_SWAP_64 : CFL_SWAP_32);
        add(plan, CFL_SWAP_NONE);
        break;
    case CFL_LAYOUT_VIEW: /* with one data buffer, as the streams here have it */
        add(plan, CFL_SWAP_VIEW);
        add(plan, CFL_SWAP_NONE);
        break;
    case CFL_LAYOUT_LIST_VIEW_32:
    case CFL_LAYOUT_LIST_VIEW_64:
        add(plan, field->type.layout == CFL_LAYOUT_LIST_VIEW_64 ? CFL_SWAP_64 : CFL_SWAP_32);
        is_list = true;
        break;
    case CFL_LAYOUT_LIST_32:
    case CFL_LAYOUT_LIST_64:
        is_list = true;
        break;
    case CFL_LAYOUT_DENSE_UNION:
        add(plan, CFL_SWAP_NONE);
        add(plan, CFL_SWAP_32);
        break;
    case CFL_LAYOUT_SPARSE_UNION:
        add(plan, CFL_SWAP_NONE);
        break;
    case CFL_LAYOUT_NULL:
    case CFL_LAYOUT_FIXED_LIST:
    case CFL_LAYOUT_STRUCT:
    case CFL_LAYOUT_RUN_END_ENCODED:
        break;
    }
    if (is_list) {
        bool is_large = field->type.layout == CFL_LAYOUT_LIST_64 ||
                        field->type.layout == CFL_LAYOUT_LIST_VIEW_64;
        add(plan, is_large ? CFL_SWAP_64 : CFL_SWAP_32);
    }
    for (int64_t i = 0; i < field->child_count; i++) {
        plan_field(plan, &field->children[i]);
    }
}

static const struct cfl_field *find_dictionary(const struct cfl_field *field, int64_t id)
{
    if (field->is_dictionary && field->dictionary_id == id) {
        return field;
    }
    for (int64_t i = 0; i < field->child_count; i++) {
        const struct cfl_field *found = find_dictionary(&field->children[i], id);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* From this machine's order to the other one: cfl_swap_bytes reads the length of a view after
 * turning it. */
static void turn_view(uint8_t *view)
{
    int32_t len_bytes = 0;
    memcpy(&len_bytes, view, sizeof len_bytes);
    cfl_swap_bytes(CFL_SWAP_32, view, view, 4);
    if (len_bytes > 12) {
        cfl_swap_bytes(CFL_SWAP_32, view + 8, view + 8, 8);
    }
}

static void turn_body(const struct cfl_fb_table *batch, const struct plan *plan, uint8_t *body)
{
    struct cfl_fb_vector buffers = cfl_fb_vector_field(batch, 2, 16);
    assert_int_equal(buffers.count, plan->count);
    for (size_t i = 0; i < buffers.count; i++) {
        uint8_t *data = body + cfl_fb_vector_i64(&buffers, i, 0);
        size_t len_bytes = (size_t)cfl_fb_vector_i64(&buffers, i, 8);
        if (plan->swaps[i] != CFL_SWAP_VIEW) {
            cfl_swap_bytes(plan->swaps[i], data, data, len_bytes);
            continue;
        }
        for (size_t at = 0; at + VIEW_BYTES <= len_bytes; at += VIEW_BYTES) {
            turn_view(data + at);
        }
    }
}

/* Turns a message's body where it lies; for a schema, gives a copy of the header that says the
 * other byte order. */
static void turn_message(const struct cfl_schema *schema, struct cflight_bytes header,
                         uint8_t *body)
{
    struct cfl_message message;
    struct plan plan = {.count = 0};
    CHECK_OK(cfl_message_parse(header, &message, NULL), NULL);
    const struct cfl_field *root = cfl_schema_root(schema);
    if (message.kind == CFL_MESSAGE_BATCH) {
        for (int64_t i = 0; i < root->child_count; i++) {
            plan_field(&plan, &root->children[i]);
        }
        turn_body(&message.header, &plan, body);
        return;
    }
    const struct cfl_field *field = find_dictionary(root, cfl_fb_i64(&message.header, 0, 0));
    assert_non_null(field);
    plan_value(&plan, field);
    struct cfl_fb_table batch = cfl_fb_table_field(&message.header, 1);
    turn_body(&batch, &plan, body);
}

static void turned_schema(const struct cfl_schema *schema, struct cfl_buf *target)
{
    struct cfl_message message;
    int16_t other = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 1 : 0;
    CHECK_OK(cfl_schema_to_message(schema, CFL_METADATA_V5, target, NULL), NULL);
    CHECK_OK(cfl_message_parse(cfl_buf_bytes(target), &message, NULL), NULL);
    uint16_t place = 0;
    memcpy(&place, target->data + message.header.vtable_offset + 4, sizeof place);
    assert_int_not_equal(place, 0);
    memcpy(target->data + message.header.offset + place, &other, sizeof other);
}

static int append_views(void *user_data, const struct cflight_bytes *views, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)cfl_buf_append_bytes(user_data, views[i]);
    }
    return 0;
}

/* Decodes the messages of a stream, turned or not, and writes what came out. */
static void rewrite(struct t_bytes bytes, bool is_turned, struct cfl_buf *target)
{
    struct cflight_bytes view = cflight_bytes_make(bytes.data, bytes.len_bytes);
    struct cfl_decoder *decoder = NULL;
    struct cfl_schema *schema = NULL;
    cflight_ipc_writer *writer = NULL;
    size_t offset = 0;
    CHECK_OK(cfl_decoder_new(NULL, NULL, NULL, NULL, &decoder, NULL), NULL);
    for (;;) {
        struct cfl_walk_message message;
        struct cfl_buf header;
        struct ArrowArray batch = {0};
        enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
        cflight_error *error = NULL;
        CHECK_OK(cfl_walk_next(view, &cfl_limits_default, &offset, &message, NULL), NULL);
        if (message.is_end) {
            break;
        }
        cfl_buf_init(&header, NULL);
        cflight_buffer *body = cfl_body_new(NULL, NULL, message.body.len_bytes);
        if (message.body.len_bytes > 0) {
            memcpy(cfl_body_data(body), message.body.data, message.body.len_bytes);
        }
        if (schema == NULL) {
            int16_t version = 0;
            CHECK_OK(cfl_schema_from_message(NULL, message.header, NULL, &schema, &version, NULL),
                     NULL);
            if (is_turned) {
                turned_schema(schema, &header);
                message.header = cfl_buf_bytes(&header);
            }
        } else if (is_turned) {
            turn_message(schema, message.header, cfl_body_data(body));
        }
        CHECK_OK(cfl_decoder_feed(decoder, message.header, body, &kind, &batch, &error), error);
        cflight_buffer_unref(body);
        cfl_buf_done(&header);
        if (writer == NULL) {
            struct ArrowSchema arrow;
            assert_int_equal(cfl_schema_is_swapped(cfl_decoder_schema(decoder)), is_turned);
            CHECK_OK(cfl_schema_to_arrow(schema, &arrow, NULL), NULL);
            CHECK_OK(cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_STREAM, &arrow, append_views, target,
                                            NULL, &writer, NULL),
                     NULL);
            arrow.release(&arrow);
        }
        if (kind == CFL_MESSAGE_BATCH) {
            CHECK_OK(cflight_ipc_writer_write(writer, &batch, NULL), NULL);
            batch.release(&batch);
        }
    }
    cflight_ipc_writer_free(writer);
    cfl_decoder_free(decoder);
    cfl_schema_unref(schema);
}

/* Goal: data of the other byte order gives the same values, for every layout.
 * Method: the bodies of streams are turned buffer by buffer and their schema says so; what is
 * decoded is written again and compared byte for byte with what the stream itself gives. */
TEST(ipc_swapped, every_layout_is_turned)
{
    static const char *const NAMES[] = {"ipc_stream/flat",   "ipc_stream/text",
                                        "ipc_stream/nested", "ipc_stream/runs",
                                        "ipc_stream/unions", "ipc_stream/nested_dictionary",
                                        "ipc_stream/deltas"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct t_bytes bytes = t_load(NAMES[i]);
        struct cfl_buf expected;
        struct cfl_buf actual;
        cfl_buf_init(&expected, NULL);
        cfl_buf_init(&actual, NULL);
        rewrite(bytes, false, &expected);
        rewrite(bytes, true, &actual);
        assert_true(expected.len_bytes > 100);
        assert_int_equal(actual.len_bytes, expected.len_bytes);
        assert_memory_equal(actual.data, expected.data, expected.len_bytes);
        cfl_buf_done(&expected);
        cfl_buf_done(&actual);
        t_bytes_done(&bytes);
    }
}
