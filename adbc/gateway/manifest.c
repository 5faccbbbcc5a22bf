/* SPDX-License-Identifier: Apache-2.0 */
/* Driver manifests: the little of TOML that they are made of.
 *
 * Lines are tables, pairs of a key and a text or number, and comments. What a value of another kind
 * is (lists, inline tables) is not looked at, so whatever a manifest says besides goes unread. A
 * list over several lines is no pair on its later lines, and those are passed over, too.
 * Thread class: free. ADBC driver manifests, version 1. */
#include "adbc/gateway/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "adbc/gateway/memory.h"

#if defined(__x86_64__)
#define MACHINE "amd64"
#elif defined(__aarch64__)
#define MACHINE "arm64"
#elif defined(__i386__)
#define MACHINE "x86"
#elif defined(__riscv)
#define MACHINE "riscv64"
#elif defined(__powerpc64__)
#define MACHINE "powerpc64le"
#elif defined(__s390x__)
#define MACHINE "s390x"
#else
#define MACHINE "unknown"
#endif

const char *const gateway_manifest_platform = "linux_" MACHINE;

enum { KEY_BYTES_MAX = 256 };

struct parser {
    struct gateway_manifest *manifest;
    char table[KEY_BYTES_MAX]; /* "Driver.shared" */
    int line;
};

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r");
}

static cflight_status refuse(const struct parser *parser, const char *what, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "line %d of the manifest: %s",
                             parser->line, what);
}

/* A character after a backslash; false for what TOML has not, or this reader not. */
static bool unescape(char *character)
{
    static const char FROM[] = "btnfr\"\\";
    static const char TO[] = "\b\t\n\f\r\"\\";
    const char *place = *character == '\0' ? NULL : strchr(FROM, *character);
    if (place == NULL) {
        return false;
    }
    *character = TO[place - FROM];
    return true;
}

/* Reads 'text' or "text"; NULL with no error for values of other kinds. */
static cflight_status read_text(const struct parser *parser, const char *at, char **ret_text,
                                cflight_error **reterr)
{
    char quote = *at;
    *ret_text = NULL;
    if (quote != '\'' && quote != '"') {
        return CFLIGHT_OK;
    }
    char *text = gateway_copy_text(at, strcspn(at, "\n"));
    if (text == NULL) {
        return gateway_no_memory(reterr);
    }
    size_t end = 0;
    size_t i = 1;
    bool is_right = true;
    for (; text[i] != '\0' && text[i] != quote && is_right; i++) {
        if (quote == '"' && text[i] == '\\') {
            i++;
            is_right = unescape(&text[i]);
        }
        text[end++] = text[i];
    }
    if (!is_right || text[i] != quote) {
        free(text);
        return refuse(parser, is_right ? "a text has no end" : "an escape is not known", reterr);
    }
    text[end] = '\0';
    *ret_text = text;
    return CFLIGHT_OK;
}

/* Reads "a.b" up to `stop`, without blanks and quotes. */
static bool read_key(const char *at, char stop, char *ret_key, const char **ret_end)
{
    size_t end = 0;
    for (; *at != stop; at++) {
        if (*at == '\n' || *at == '\0' || *at == '#' || end + 1 == KEY_BYTES_MAX) {
            return false;
        }
        if (*at != ' ' && *at != '\t' && *at != '"' && *at != '\'') {
            ret_key[end++] = *at;
        }
    }
    ret_key[end] = '\0';
    *ret_end = at + 1;
    return end > 0;
}

static cflight_status take(struct parser *parser, const char *key, const char *value,
                           cflight_error **reterr)
{
    char path[2 * KEY_BYTES_MAX + 2];
    char shared[64];
    char **target = NULL;
    (void)snprintf(path, sizeof path, "%s%s%s", parser->table, parser->table[0] == '\0' ? "" : ".",
                   key);
    (void)snprintf(shared, sizeof shared, "Driver.shared.%s", gateway_manifest_platform);
    if (strcmp(path, "manifest_version") == 0 && strtol(value, NULL, 10) != 1) {
        return refuse(parser, "manifest_version is not 1, the only one there is", reterr);
    }
    if (strcmp(path, "Driver.entrypoint") == 0) {
        target = &parser->manifest->entrypoint;
    } else if (strcmp(path, "Driver.shared") == 0 || strcmp(path, shared) == 0) {
        target = &parser->manifest->library;
    } else {
        return CFLIGHT_OK;
    }
    char *text = NULL;
    cflight_status status = read_text(parser, value, &text, reterr);
    if (status == CFLIGHT_OK && text != NULL) {
        free(*target);
        *target = text;
    }
    return status;
}

static cflight_status take_line(struct parser *parser, const char *line, cflight_error **reterr)
{
    char key[KEY_BYTES_MAX];
    const char *rest = NULL;
    line = skip_blanks(line);
    if (*line == '[' && line[1] != '[') {
        return read_key(line + 1, ']', parser->table, &rest)
                   ? CFLIGHT_OK
                   : refuse(parser, "the name of a table has no end", reterr);
    }
    return read_key(line, '=', key, &rest) ? take(parser, key, skip_blanks(rest), reterr)
                                           : CFLIGHT_OK;
}

cflight_status gateway_manifest_parse(const char *text, struct gateway_manifest *ret_manifest,
                                      cflight_error **reterr)
{
    struct parser parser = {.manifest = ret_manifest};
    cflight_status status = CFLIGHT_OK;
    memset(ret_manifest, 0, sizeof *ret_manifest);
    for (const char *line = text; line != NULL && status == CFLIGHT_OK;) {
        parser.line++;
        status = take_line(&parser, line, reterr);
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    if (status != CFLIGHT_OK) {
        gateway_manifest_done(ret_manifest);
    }
    return status;
}

void gateway_manifest_done(struct gateway_manifest *manifest)
{
    free(manifest->library);
    free(manifest->entrypoint);
    memset(manifest, 0, sizeof *manifest);
}
