/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields that are longer than nghttp2 decodes.
 *
 * nghttp2 ends the session at a string of some 70 KB (NGHTTP2_HD_MAX_NV; no option moves it), and
 * with it every other call. So a scanner follows the representations of each header block (RFC 7541
 * 6) without decoding them, and where a string is too long it rewrites the block in place, byte for
 * byte, before nghttp2 sees it: the string keeps its first 16 to 33 KB, overwritten by a filler,
 * and the rest of its bytes become fields of their own, SEGMENT_BYTES each. A frame's length never
 * changes. What was overwritten is kept aside, up to the limit on a block, and put back when
 * nghttp2 reports the field; fillers are dropped then (headers.c).
 *
 * The length of a string has 7 bits in its first byte and 7 in each of the next. All lengths that
 * are written are the same modulo 2^14, so only bytes from the third group on change: whatever was
 * passed on before the length was whole stays right. The table of the decoder stays in step: an
 * entry this long empties it (RFC 7541 4.4), whether it was cut or not.
 *
 * nghttp2 judges everything else; blocks that it refuses end the session there. Owner: the session.
 * Thread class: one at a time. */
#include <string.h>

#include "base/alloc.h"
#include "h2/internal.h"

enum {
    STRING_BYTES_MAX = 64 << 10, /* longer ones are rewritten; nghttp2 takes a little more */
    SEGMENT_BYTES = 1 << 14,
    PREFIX_MAX = 127, /* of a length (RFC 7541 5.1) */
    GROUP_BITS = 7,
    CUT_GROUP = 2,  /* the first group that is changed */
    GROUPS_MAX = 5, /* of a length of 32 bits */
    FILLER = '*',
    FILLER_HUFFMAN = 0xf9, /* the same in 8 bits */
    INTEGER_GOES_ON = 0x80,
    IS_HUFFMAN = 0x80,
    NAME_OFFSET = 3, /* where the length of the value stands in a segment */
};

/* A field that is never indexed: "x", and as many fillers as a segment has room for. */
static const uint8_t SEGMENT_HEAD[] = {0x10, 0x01, 'x', 0x7f, 0xfb, 0x7e};

enum state {
    STATE_FIELD, /* at the first byte of a representation */
    STATE_INDEX, /* in the rest of an index or table size */
    STATE_LENGTH,
    STATE_GROUPS,
    STATE_STRING,
};

void cfl_h2_scan_begin(struct cfl_h2_session *session)
{
    struct cfl_h2_scan *scan = &session->scan;
    struct cfl_buf kept = scan->kept;
    struct cfl_h2_long_field *fields = scan->fields;
    size_t field_capacity = scan->field_capacity;
    cfl_buf_clear(&kept);
    memset(scan, 0, sizeof *scan);
    scan->kept = kept;
    scan->fields = fields;
    scan->field_capacity = field_capacity;
}

void cfl_h2_scan_done(struct cfl_h2_session *session)
{
    cfl_buf_done(&session->scan.kept);
    cfl_free_array(session->alloc, session->scan.fields, session->scan.field_capacity,
                   sizeof *session->scan.fields);
}

/* The first byte of a representation (RFC 7541 6.1 to 6.3). */
static void field_starts(struct cfl_h2_scan *scan, uint8_t byte)
{
    uint8_t mask = (byte & 0x80) != 0 ? 0x7f : (byte & 0x40) != 0 ? 0x3f : 0x1f;
    bool is_size_update = (byte & 0xe0) == 0x20;
    bool is_literal = (byte & 0x80) == 0 && !is_size_update;
    if (is_literal && (byte & 0x40) == 0) {
        mask = 0x0f;
    }
    scan->is_name = is_literal && (byte & mask) == 0;
    scan->has_value = is_literal;
    scan->field_count += is_size_update || is_literal ? 0 : 1;
    scan->state = is_literal ? STATE_LENGTH : STATE_FIELD;
    if ((byte & mask) == mask) {
        scan->state = STATE_INDEX;
    }
}

static void string_ends(struct cfl_h2_scan *scan)
{
    scan->field_count += scan->filler_count;
    scan->filler_count = 0;
    scan->state = scan->is_name ? STATE_LENGTH : STATE_FIELD;
    scan->field_count += scan->is_name ? 0 : 1;
    scan->is_name = false;
}

/* A string that is rewritten: notes the field, and how many fillers follow it. */
static bool long_starts(struct cfl_h2_session *session)
{
    struct cfl_h2_scan *scan = &session->scan;
    uint64_t low_bits = scan->length_bytes - PREFIX_MAX;
    scan->first_bytes = PREFIX_MAX + SEGMENT_BYTES + low_bits % SEGMENT_BYTES;
    if (scan->length_bytes < scan->first_bytes) {
        cfl_h2_session_fail(session, CFL_H2_COMPRESSION_ERROR, CFLIGHT_INTERNAL,
                            "the peer broke the HTTP/2 protocol: the length of a header field has "
                            "superfluous bytes");
        return false;
    }
    scan->filler_count = (scan->length_bytes - scan->first_bytes) / SEGMENT_BYTES;
    if (!cfl_grow_array(session->alloc, (void **)&scan->fields, &scan->field_capacity,
                        scan->long_count + 1, sizeof *scan->fields)) {
        cfl_h2_session_break(session, NGHTTP2_ERR_NOMEM);
        return false;
    }
    /* Huffman code of 5 bits at best: a value over 8/5 of the limit is past it in any case. */
    scan->is_kept = !scan->is_name && scan->length_bytes <= session->limits.metadata_bytes_max;
    scan->fields[scan->long_count++] = (struct cfl_h2_long_field){
        .index = scan->field_count,
        .filler_count = scan->filler_count,
        .length_bytes = scan->length_bytes,
        .kept_offset = scan->kept.len_bytes,
        .is_kept = scan->is_kept,
        .is_huffman = scan->is_huffman,
    };
    return true;
}

static void string_starts(struct cfl_h2_scan *scan)
{
    scan->done_bytes = 0;
    scan->state = STATE_STRING;
    if (scan->length_bytes == 0) {
        string_ends(scan);
    }
}

/* One more group of a length. From the third on it is rewritten when the string is long, which is
 * certain as soon as a fourth follows. */
static bool group_comes(struct cfl_h2_session *session, uint8_t *byte)
{
    struct cfl_h2_scan *scan = &session->scan;
    uint8_t goes_on = *byte & INTEGER_GOES_ON;
    unsigned int group = scan->group_count++;
    if (group >= GROUPS_MAX) {
        cfl_h2_session_fail(session, CFL_H2_COMPRESSION_ERROR, CFLIGHT_INTERNAL,
                            "the peer broke the HTTP/2 protocol: the length of a header field does "
                            "not end");
        return false;
    }
    scan->length_bytes += (uint64_t)(*byte & ~INTEGER_GOES_ON & 0xff) << (GROUP_BITS * group);
    if (group == CUT_GROUP && (goes_on != 0 || scan->length_bytes > STRING_BYTES_MAX)) {
        *byte = goes_on | 1;
        scan->is_long = true;
    } else if (group > CUT_GROUP) {
        *byte = goes_on;
    }
    if (goes_on != 0) {
        return true;
    }
    if (scan->is_long && !long_starts(session)) {
        return false;
    }
    string_starts(scan);
    return true;
}

static bool length_starts(struct cfl_h2_scan *scan, uint8_t byte)
{
    scan->is_huffman = (byte & IS_HUFFMAN) != 0;
    scan->length_bytes = byte & PREFIX_MAX;
    scan->group_count = 0;
    scan->is_long = false;
    if (scan->length_bytes == PREFIX_MAX) {
        scan->state = STATE_GROUPS;
    } else {
        string_starts(scan);
    }
    return true;
}

static void fill(const struct cfl_h2_scan *scan, uint8_t *data, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        uint64_t offset = scan->done_bytes + i;
        if (offset < scan->first_bytes) {
            data[i] = scan->is_huffman ? FILLER_HUFFMAN : FILLER;
            continue;
        }
        offset = (offset - scan->first_bytes + (scan->is_name ? NAME_OFFSET : 0)) % SEGMENT_BYTES;
        data[i] = offset < sizeof SEGMENT_HEAD ? SEGMENT_HEAD[offset] : FILLER;
    }
}

static size_t string_goes_on(struct cfl_h2_session *session, uint8_t *data, size_t len_bytes)
{
    struct cfl_h2_scan *scan = &session->scan;
    uint64_t left_bytes = scan->length_bytes - scan->done_bytes;
    size_t step_bytes = len_bytes < left_bytes ? len_bytes : (size_t)left_bytes;
    if (scan->is_long && scan->is_kept && !cfl_buf_append(&scan->kept, data, step_bytes)) {
        cfl_h2_session_break(session, NGHTTP2_ERR_NOMEM);
        return 0;
    }
    if (scan->is_long) {
        fill(scan, data, step_bytes);
    }
    scan->done_bytes += step_bytes;
    if (scan->done_bytes == scan->length_bytes) {
        string_ends(scan);
    }
    return step_bytes;
}

/* Takes one byte, or more of a string. Returns how many; 0 when the session is over. */
static size_t scan_step(struct cfl_h2_session *session, uint8_t *data, size_t len_bytes)
{
    struct cfl_h2_scan *scan = &session->scan;
    switch ((enum state)scan->state) {
    case STATE_FIELD:
        field_starts(scan, data[0]);
        return 1;
    case STATE_INDEX:
        if ((data[0] & INTEGER_GOES_ON) == 0) {
            scan->state = scan->has_value ? STATE_LENGTH : STATE_FIELD;
        }
        return 1;
    case STATE_LENGTH:
        return length_starts(scan, data[0]) ? 1 : 0;
    case STATE_GROUPS:
        return group_comes(session, data) ? 1 : 0;
    case STATE_STRING:
    default:
        return string_goes_on(session, data, len_bytes);
    }
}

void cfl_h2_scan(struct cfl_h2_session *session, uint8_t *data, size_t len_bytes)
{
    struct cfl_h2_scan *scan = &session->scan;
    scan->block_bytes += len_bytes;
    if (scan->block_bytes > cfl_h2_block_bytes_max(session)) {
        cfl_h2_block_fail(session);
        return;
    }
    while (len_bytes > 0 && session->failure == CFLIGHT_OK) {
        size_t step_bytes = scan_step(session, data, len_bytes);
        data += step_bytes;
        len_bytes -= step_bytes;
    }
}

bool cfl_h2_scan_take(struct cfl_h2_session *session, size_t index,
                      struct cfl_h2_long_field *ret_field)
{
    struct cfl_h2_scan *scan = &session->scan;
    if (scan->taken_count == scan->long_count || scan->fields[scan->taken_count].index != index) {
        return false;
    }
    *ret_field = scan->fields[scan->taken_count++];
    return true;
}

bool cfl_h2_scan_value(struct cfl_h2_session *session, const struct cfl_h2_long_field *field,
                       struct cfl_buf *target)
{
    struct cflight_bytes value = {session->scan.kept.data + field->kept_offset,
                                  (size_t)field->length_bytes};
    return field->is_huffman ? cfl_h2_huffman_decode(value, target)
                             : cfl_buf_append_bytes(target, value);
}
