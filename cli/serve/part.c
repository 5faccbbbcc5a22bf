/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts files into endpoints by ranges of batches.
 *
 * The ticket of a whole flight is its name. That of a part is the name, a line end, and four
 * numbers: the first batch, how many, the size of the file and when it was changed. Names have no
 * control characters, so the two cannot be mixed up. Anybody may write such a ticket by hand: it
 * says nothing that is not checked. */
#include "cli/serve/part.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/os_error.h"

static int64_t changed_ns(const struct stat *state)
{
    return (int64_t)state->st_mtim.tv_sec * 1000000000 + state->st_mtim.tv_nsec;
}

/* Reads a decimal number without a sign, and what follows it. */
static bool take_number(const uint8_t **at, const uint8_t *end, int64_t *ret_number)
{
    const uint8_t *start = *at;
    int64_t number = 0;
    while (*at < end && **at >= '0' && **at <= '9') {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, **at - '0', &number)) {
            return false;
        }
        (*at)++;
    }
    *ret_number = number;
    return *at > start;
}

static bool take_space(const uint8_t **at, const uint8_t *end)
{
    if (*at == end || **at != ' ') {
        return false;
    }
    (*at)++;
    return true;
}

cflight_status cli_part_parse(struct cli_part *ret_part, struct cflight_bytes *ret_name,
                              struct cflight_bytes ticket, cflight_error **reterr)
{
    struct cli_part part = {0};
    const uint8_t *line =
        ticket.len_bytes == 0 ? NULL : memchr(ticket.data, '\n', ticket.len_bytes);
    if (line == NULL) {
        *ret_part = part;
        *ret_name = ticket;
        return CFLIGHT_OK;
    }
    const uint8_t *at = line + 1;
    const uint8_t *end = ticket.data + ticket.len_bytes;
    bool is_good = take_number(&at, end, &part.first_batch) && take_space(&at, end) &&
                   take_number(&at, end, &part.batch_count) && take_space(&at, end) &&
                   take_number(&at, end, &part.size_bytes) && take_space(&at, end) &&
                   take_number(&at, end, &part.changed_ns) && at == end && part.batch_count > 0;
    if (!is_good) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "the ticket is neither the name of a flight nor that of a part, which has the first "
            "batch, the number of batches, the size of the file and its time on a second line");
    }
    *ret_part = part;
    *ret_name = cflight_bytes_make(ticket.data, (size_t)(line - ticket.data));
    return CFLIGHT_OK;
}

cflight_status cli_part_check(const struct cli_part *part, struct cflight_bytes name,
                              const struct stat *state, int64_t batch_count, cflight_error **reterr)
{
    if (part->batch_count == 0) {
        return CFLIGHT_OK;
    }
    bool is_same = part->size_bytes == state->st_size && part->changed_ns == changed_ns(state);
    if (is_same && part->first_batch < batch_count &&
        part->batch_count <= batch_count - part->first_batch) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                             "flight '%.*s' is another file than the one that the ticket is of: "
                             "ask for its info again",
                             (int)name.len_bytes, (const char *)name.data);
}

static size_t count_parts(int64_t size_bytes, int64_t batch_count, uint64_t part_bytes)
{
    if (part_bytes == 0 || batch_count <= 1 || (uint64_t)size_bytes <= part_bytes) {
        return 1;
    }
    uint64_t count = (uint64_t)size_bytes / part_bytes + ((uint64_t)size_bytes % part_bytes != 0);
    count = count < CLI_PARTS_MAX ? count : CLI_PARTS_MAX;
    return count < (uint64_t)batch_count ? (size_t)count : (size_t)batch_count;
}

static void append_ticket(struct cli_parts *parts, const char *name, const struct stat *state,
                          int64_t first, int64_t end)
{
    cli_text_append_string(&parts->tickets, name);
    if (parts->count > 1) {
        cli_text_append_format(&parts->tickets, "\n%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
                               first, end - first, (int64_t)state->st_size, changed_ns(state));
    }
}

cflight_status cli_parts_init(struct cli_parts *ret_parts, const char *name,
                              const struct stat *state, int64_t batch_count, uint64_t part_bytes,
                              const struct cflight_bytes *locations, size_t location_count,
                              cflight_error **reterr)
{
    struct cli_parts parts = {.count = count_parts(state->st_size, batch_count, part_bytes)};
    parts.endpoints = calloc(parts.count, sizeof *parts.endpoints);
    if (parts.endpoints == NULL) {
        return cli_error_no_memory(reterr, "listing endpoints");
    }
    int64_t share = batch_count / (int64_t)parts.count;
    int64_t rest = batch_count % (int64_t)parts.count; /* the first ones have one more */
    int64_t first = 0;
    for (size_t i = 0; i < parts.count; i++) {
        int64_t end = first + share + ((int64_t)i < rest ? 1 : 0);
        size_t start = parts.tickets.len_bytes;
        append_ticket(&parts, name, state, first, end);
        parts.endpoints[i].ticket.len_bytes = parts.tickets.len_bytes - start;
        parts.endpoints[i].locations = locations;
        parts.endpoints[i].location_count = location_count;
        if (parts.count > 1) {
            parts.endpoints[i].app_metadata = cflight_bytes_from_text(CLI_PART_STABLE);
        }
        first = end;
    }
    cflight_status status = cli_text_status(&parts.tickets, reterr);
    if (status != CFLIGHT_OK) {
        cli_parts_done(&parts);
        return status;
    }
    const uint8_t *at = cli_text_bytes(&parts.tickets).data;
    for (size_t i = 0; i < parts.count; i++) {
        parts.endpoints[i].ticket.data = at;
        at += parts.endpoints[i].ticket.len_bytes;
    }
    *ret_parts = parts;
    return CFLIGHT_OK;
}

void cli_parts_done(struct cli_parts *parts)
{
    free(parts->endpoints);
    cli_text_done(&parts->tickets);
    *parts = (struct cli_parts){0};
}
