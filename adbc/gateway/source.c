/* SPDX-License-Identifier: Apache-2.0 */
/* What the user calls a database: which driver it means, and which options that is given.
 *
 * For the engines that have a scheme here only what stands in their drivers' documents is known:
 * the name of the driver, the option that takes the place, how that is opened for reading alone.
 * Thread class: free. */
#include "adbc/gateway/source.h"

#include <stdlib.h>
#include <string.h>

#include "adbc/gateway/gateway.h"
#include "adbc/gateway/memory.h"

struct scheme {
    const char *name;
    const char *driver;
    const char *entrypoint;
    const char *package;
    const char *place_key;     /* the option that takes what follows the colon */
    bool keeps_scheme;         /* the place has the scheme too */
    const char *read_only_key; /* an option that opens for reading alone */
    const char *read_only_value;
};

static const struct scheme SCHEMES[] = {
    {"sqlite", "sqlite", NULL, "adbc-driver-sqlite (pip), libadbc-driver-sqlite (apt, of Apache)",
     "uri", false, NULL, NULL},
    {"duckdb", "duckdb", "duckdb_adbc_init", "duckdb (pip), libduckdb (of DuckDB)", "path", false,
     "access_mode", "READ_ONLY"},
    {"postgresql", "postgresql", NULL,
     "adbc-driver-postgresql (pip), libadbc-driver-postgresql (apt, of Apache)", "uri", true, NULL,
     NULL},
    {"postgres", "postgresql", NULL,
     "adbc-driver-postgresql (pip), libadbc-driver-postgresql (apt, of Apache)", "uri", true, NULL,
     NULL},
    {"adbc", NULL, NULL, NULL, NULL, false, NULL, NULL},
};

static const struct scheme *find_scheme(const char *text, const char **ret_rest)
{
    const char *colon = strchr(text, ':');
    size_t len_bytes = colon == NULL ? 0 : (size_t)(colon - text);
    for (size_t i = 0; len_bytes > 0 && i < sizeof SCHEMES / sizeof SCHEMES[0]; i++) {
        if (strlen(SCHEMES[i].name) == len_bytes && memcmp(SCHEMES[i].name, text, len_bytes) == 0) {
            *ret_rest = colon + 1;
            return &SCHEMES[i];
        }
    }
    return NULL;
}

bool gateway_is_source(const char *text)
{
    const char *rest = NULL;
    return find_scheme(text, &rest) != NULL;
}

/* Takes both texts, in any case. */
static cflight_status add_option(struct gateway_source *source, char *key, char *value,
                                 cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (key == NULL || value == NULL) {
        status = gateway_no_memory(reterr);
    } else if (source->option_count == GATEWAY_SOURCE_OPTIONS_MAX) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "more than %d options",
                                   GATEWAY_SOURCE_OPTIONS_MAX);
    }
    if (status != CFLIGHT_OK) {
        free(key);
        free(value);
        return status;
    }
    source->options[source->option_count].key = key;
    source->options[source->option_count++].value = value;
    return CFLIGHT_OK;
}

static cflight_status add_option_text(struct gateway_source *source, const char *key,
                                      const char *value, cflight_error **reterr)
{
    return add_option(source, gateway_copy_text(key, strlen(key)),
                      gateway_copy_text(value, strlen(value)), reterr);
}

static int hex_digit(char digit)
{
    static const char DIGITS[] = "0123456789abcdef";
    char lower = (char)(digit >= 'A' && digit <= 'F' ? digit + 32 : digit);
    const char *place = lower == '\0' ? NULL : strchr(DIGITS, lower);
    return place == NULL ? -1 : (int)(place - DIGITS);
}

/* Decodes %XX; NULL without memory. What is no such escape stays as it is. */
static char *decode(const char *text, size_t len_bytes)
{
    char *copy = gateway_copy_text(text, len_bytes);
    size_t end = 0;
    for (size_t i = 0; copy != NULL && i < len_bytes; i++) {
        bool is_escape = text[i] == '%' && i + 2 < len_bytes && hex_digit(text[i + 1]) >= 0 &&
                         hex_digit(text[i + 2]) >= 0;
        if (is_escape) {
            copy[end++] = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            copy[end++] = text[i];
        }
    }
    if (copy != NULL) {
        copy[end] = '\0';
    }
    return copy;
}

/* "NAME-OR-FILE?KEY=VALUE&KEY=VALUE". `entrypoint` is the loader's, as in the driver manager. */
static cflight_status parse_adbc(struct gateway_source *source, const char *rest,
                                 cflight_error **reterr)
{
    const char *query = strchr(rest, '?');
    size_t name_bytes = query == NULL ? strlen(rest) : (size_t)(query - rest);
    if (name_bytes == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "adbc: takes the name or file of a driver");
    }
    source->driver = gateway_copy_text(rest, name_bytes);
    cflight_status status = source->driver == NULL ? gateway_no_memory(reterr) : CFLIGHT_OK;
    for (const char *pair = query; pair != NULL && status == CFLIGHT_OK;) {
        pair++;
        const char *next = strchr(pair, '&');
        const char *end = next == NULL ? pair + strlen(pair) : next;
        const char *equals = memchr(pair, '=', (size_t)(end - pair));
        if (equals == NULL || equals == pair) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "'%.*s' is not KEY=VALUE, as options of a driver are",
                                     (int)(end - pair), pair);
        }
        char *key = decode(pair, (size_t)(equals - pair));
        char *value = decode(equals + 1, (size_t)(end - equals - 1));
        if (key != NULL && strcmp(key, "entrypoint") == 0) {
            free(source->entrypoint);
            source->entrypoint = value;
            free(key);
        } else {
            status = add_option(source, key, value, reterr);
        }
        pair = next;
    }
    return status;
}

/* A file's name as a URI that opens it for reading alone. */
static char *read_only_uri(const char *place)
{
    static const char DIGITS[] = "0123456789ABCDEF";
    char *encoded = malloc(strlen(place) * 3 + 1);
    char *uri = NULL;
    size_t end = 0;
    for (size_t i = 0; encoded != NULL && place[i] != '\0'; i++) {
        if (strchr("%?#", place[i]) != NULL) {
            encoded[end++] = '%';
            encoded[end++] = DIGITS[(unsigned char)place[i] / 16];
            encoded[end++] = DIGITS[(unsigned char)place[i] % 16];
        } else {
            encoded[end++] = place[i];
        }
    }
    if (encoded != NULL) {
        encoded[end] = '\0';
        uri = gateway_format_text("file:%s?mode=ro", encoded);
    }
    free(encoded);
    return uri;
}

/* SQLite opens what is there, or a file of its name; a database in memory is shared by name, so
 * that all connections see the same. Read only is part of its URI. */
static char *sqlite_uri(const char *place, bool is_read_only, bool *ret_needs_anchor)
{
    *ret_needs_anchor = strcmp(place, ":memory:") == 0;
    if (*ret_needs_anchor) {
        return gateway_format_text("file:cflight?mode=memory&cache=shared");
    }
    if (strncmp(place, "file:", 5) == 0) {
        const char *mark = strchr(place, '?') == NULL ? "?" : "&";
        return is_read_only ? gateway_format_text("%s%smode=ro", place, mark)
                            : gateway_format_text("%s", place);
    }
    return is_read_only ? read_only_uri(place) : gateway_format_text("%s", place);
}

static cflight_status add_place(struct gateway_source *source, const struct scheme *scheme,
                                const char *text, const char *place, bool is_read_only,
                                cflight_error **reterr)
{
    bool is_sqlite = strcmp(scheme->name, "sqlite") == 0;
    if (*place == '\0') {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: takes a place: %s",
                                 scheme->name,
                                 scheme->keeps_scheme ? "//USER@HOST/DATABASE" : "a file");
    }
    char *value = is_sqlite ? sqlite_uri(place, is_read_only, &source->needs_anchor)
                            : gateway_format_text("%s", scheme->keeps_scheme ? text : place);
    cflight_status status =
        add_option(source, gateway_format_text("%s", scheme->place_key), value, reterr);
    if (status == CFLIGHT_OK && is_read_only && scheme->read_only_key != NULL) {
        status = add_option_text(source, scheme->read_only_key, scheme->read_only_value, reterr);
    }
    return status;
}

static cflight_status parse(const char *text, bool is_read_only, struct gateway_source *source,
                            cflight_error **reterr)
{
    const char *place = NULL;
    const struct scheme *scheme = find_scheme(text, &place);
    if (scheme == NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' is no database: sqlite:FILE, duckdb:FILE, "
                                 "postgresql://HOST/DATABASE or adbc:DRIVER?KEY=VALUE",
                                 text);
    }
    if (scheme->driver == NULL) {
        return parse_adbc(source, place, reterr);
    }
    source->package = scheme->package;
    source->driver = gateway_format_text("%s", scheme->driver);
    if (scheme->entrypoint != NULL) {
        source->entrypoint = gateway_format_text("%s", scheme->entrypoint);
    }
    if (source->driver == NULL || (scheme->entrypoint != NULL && source->entrypoint == NULL)) {
        return gateway_no_memory(reterr);
    }
    return add_place(source, scheme, text, place, is_read_only, reterr);
}

cflight_status gateway_source_parse(const char *text, bool is_read_only,
                                    struct gateway_source *ret_source, cflight_error **reterr)
{
    memset(ret_source, 0, sizeof *ret_source);
    cflight_status status = parse(text, is_read_only, ret_source, reterr);
    if (status != CFLIGHT_OK) {
        gateway_source_done(ret_source);
    }
    return status;
}

void gateway_source_done(struct gateway_source *source)
{
    for (size_t i = 0; i < source->option_count; i++) {
        free(source->options[i].key);
        free(source->options[i].value);
    }
    free(source->driver);
    free(source->entrypoint);
    memset(source, 0, sizeof *source);
}
