/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of what a text can become. */
#include "cli/system/matches.h"

#include <stdlib.h>
#include <string.h>

#include "cli/system/memory.h"

void cli_matches_add(struct cli_matches *matches, struct cflight_bytes text)
{
    void *texts = matches->texts;
    if (!cli_grow_array(&texts, &matches->capacity, matches->count + 1, sizeof *matches->texts)) {
        return;
    }
    matches->texts = texts;
    char *copy = malloc(text.len_bytes + 1);
    if (copy != NULL) {
        memcpy(copy, text.data, text.len_bytes);
        copy[text.len_bytes] = '\0';
        matches->texts[matches->count++] = copy;
    }
}

struct cflight_bytes cli_matches_common(const struct cli_matches *matches)
{
    struct cflight_bytes common =
        cflight_bytes_from_text(matches->count == 0 ? "" : matches->texts[0]);
    for (size_t i = 1; i < matches->count; i++) {
        size_t same = 0;
        while (same < common.len_bytes && matches->texts[i][same] == (char)common.data[same]) {
            same++;
        }
        common.len_bytes = same;
    }
    const char *first = matches->count == 0 ? "" : matches->texts[0];
    while (common.len_bytes > 0 && (first[common.len_bytes] & 0xC0) == 0x80) {
        common.len_bytes--;
    }
    return common;
}

void cli_matches_done(struct cli_matches *matches)
{
    for (size_t i = 0; i < matches->count; i++) {
        free(matches->texts[i]);
    }
    free(matches->texts);
    memset(matches, 0, sizeof *matches);
}
