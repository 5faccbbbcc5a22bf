/* SPDX-License-Identifier: Apache-2.0 */
/* The file of --oauth-file. It holds a secret: the memory of it is overwritten when it is done
 * with. */
#include "cli/client/oauth.h"

#include <string.h>

#include "cflight/tls.h"
#include "cli/system/text.h"

/* Without the blanks at both ends, terminated in place. */
static char *trim(char *start, char *end)
{
    while (start < end && strchr(" \t\r", *start) != NULL) {
        start++;
    }
    while (end > start && strchr(" \t\r", end[-1]) != NULL) {
        end--;
    }
    *end = '\0';
    return start;
}

/* What is read, and what the options point at. */
struct reading {
    const char *path;
    struct cflight_oauth_options options;
    struct cli_text text;
    cflight_buffer *roots;
};

static cflight_status read_roots(struct reading *reading, const char *path, cflight_error **reterr)
{
    cflight_buffer *roots = NULL;
    cflight_status status = cflight_pem_read(path, &roots, reterr);
    if (status == CFLIGHT_OK) {
        cflight_buffer_unref(reading->roots);
        reading->roots = roots;
        reading->options.root_certs = cflight_buffer_bytes(roots);
    }
    return status;
}

static cflight_status read_line(struct reading *reading, char *start, char *end, int number,
                                cflight_error **reterr)
{
    cflight_error *cause = NULL;
    cflight_status status = CFLIGHT_OK;
    char *line = trim(start, end);
    if (line[0] == '\0' || line[0] == '#') {
        return CFLIGHT_OK;
    }
    char *sign = strchr(line, '=');
    if (sign == NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s', line %d: there is no '=' between a name and a value",
                                 reading->path, number);
    }
    char *value = trim(sign + 1, sign + strlen(sign));
    const char *name = trim(line, sign);
    if (strcmp(name, "root_certs_file") == 0) {
        status = read_roots(reading, value, &cause);
    } else {
        status = cflight_oauth_options_set(&reading->options, name, value, &cause);
    }
    if (status != CFLIGHT_OK) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "'%s', line %d: %s",
                                   reading->path, number, cflight_error_message(cause));
        cflight_error_free(cause);
    }
    return status;
}

static cflight_status read_lines(struct reading *reading, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    char *end = reading->text.data + reading->text.len_bytes; /* behind the last line end */
    int number = 1;
    for (char *line = reading->text.data; line < end && status == CFLIGHT_OK; number++) {
        char *line_end = memchr(line, '\n', (size_t)(end - line));
        status = read_line(reading, line, line_end, number, reterr);
        line = line_end + 1;
    }
    return status;
}

cflight_status cli_oauth_read(const char *path, cflight_token_cache **ret_tokens,
                              cflight_error **reterr)
{
    struct reading reading = {.path = path, .options = CFLIGHT_OAUTH_OPTIONS_INIT};
    cflight_buffer *file = NULL;
    cflight_status status = cflight_pem_read(path, &file, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_bytes bytes = cflight_buffer_bytes(file);
    (void)cli_text_reserve(&reading.text, bytes.len_bytes + 2);
    cli_text_append(&reading.text, bytes.data, bytes.len_bytes);
    cli_text_append_char(&reading.text, '\n');
    status = cli_text_status(&reading.text, reterr);
    if (status == CFLIGHT_OK) {
        status = read_lines(&reading, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_oauth_new(&reading.options, ret_tokens, reterr);
    }
    cflight_buffer_unref(reading.roots);
    cli_text_wipe(&reading.text);
    cflight_buffer_unref(file);
    return status;
}
