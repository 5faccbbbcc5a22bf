/* SPDX-License-Identifier: Apache-2.0 */
/* Reads command lines by the tables of command_table.c. Values are checked here, so the getters
 * cannot fail. */
#include "cli/commands/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/memory.h"

enum { SECONDS_MAX = 1000000000 };

bool cli_command_find(const char *name, enum cli_command_id *ret_command)
{
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        if (strcmp(cli_commands[i].name, name) == 0) {
            *ret_command = (enum cli_command_id)i;
            return true;
        }
    }
    return false;
}

static bool parse_seconds(const char *text, int64_t *ret_ms)
{
    char *end = NULL;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= SECONDS_MAX)) {
        return false;
    }
    /* The smallest time that is not 0 is 1 ms: it must not turn into "no limit". */
    *ret_ms = seconds > 0 && seconds < 0.001 ? 1 : (int64_t)(seconds * 1000 + 0.5);
    return true;
}

static bool parse_rows(const char *text, int64_t *ret_rows)
{
    if (strcmp(text, "all") == 0) {
        *ret_rows = CLI_ROWS_ALL;
        return true;
    }
    char *end = NULL;
    errno = 0;
    long long rows = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || rows < 0 || errno != 0) {
        return false;
    }
    *ret_rows = rows;
    return true;
}

static bool parse_size(const char *text, uint64_t *ret_bytes)
{
    static const char units[] = "kMGT";
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || errno != 0 || number == 0 || text[0] < '0' || text[0] > '9') {
        return false;
    }
    uint64_t size_bytes = number;
    if (*end != '\0') {
        const char *unit = strchr(units, *end == 'K' ? 'k' : *end);
        if (unit == NULL || end[1] != '\0' ||
            __builtin_mul_overflow(size_bytes, UINT64_C(1) << (10 * (unit - units + 1)),
                                   &size_bytes)) {
            return false;
        }
    }
    *ret_bytes = size_bytes;
    return true;
}

static bool parse_count(const char *text, uint32_t *ret_count)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || text[0] < '0' || text[0] > '9' ||
        number == 0 || number > UINT32_MAX) {
        return false;
    }
    *ret_count = (uint32_t)number;
    return true;
}

static bool parse_codec(const char *text, enum cflight_compression *ret_codec)
{
    static const char *const names[] = {"none", "lz4", "zstd"};
    for (int i = 0; i <= CFLIGHT_COMPRESSION_ZSTD; i++) {
        if (strcmp(names[i], text) == 0) {
            *ret_codec = (enum cflight_compression)i;
            return true;
        }
    }
    return false;
}

/* NULL when the value is of its type, else what it should be. */
static const char *expected_value(enum cli_value_type type, const char *value)
{
    int64_t number = 0;
    uint64_t size_bytes = 0;
    uint32_t count = 0;
    enum cflight_compression codec = CFLIGHT_COMPRESSION_NONE;
    enum cli_format format = CLI_FORMAT_TABLE;
    switch (type) {
    case CLI_VALUE_SECONDS:
        return parse_seconds(value, &number) ? NULL : "a number of seconds";
    case CLI_VALUE_ROWS:
        return parse_rows(value, &number) ? NULL : "a number of rows, or \"all\"";
    case CLI_VALUE_COUNT:
        return parse_count(value, &count) ? NULL : "a whole number from 1 to 4294967295";
    case CLI_VALUE_SIZE:
        return parse_size(value, &size_bytes) ? NULL : "a number of bytes such as 100000 or 2G";
    case CLI_VALUE_CODEC:
        return parse_codec(value, &codec) ? NULL : "none, lz4 or zstd";
    case CLI_VALUE_FORMAT:
        return cli_format_from_name(value, &format) ? NULL : "arrow, arrows, csv, jsonl or table";
    case CLI_VALUE_FLAG:
    case CLI_VALUE_TEXT:
    case CLI_VALUE_LIST:
        return NULL;
    }
    return NULL;
}

struct parser {
    struct cli_arguments arguments;
    size_t positional_count;
    size_t header_capacity;
    char **next;
    char **end;
};

static cflight_status set_value(struct parser *parser, enum cli_option_id id, const char *value,
                                cflight_error **reterr)
{
    struct cli_arguments *arguments = &parser->arguments;
    const char *expected = expected_value(cli_options[id].type, value);
    if (expected != NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "--%s takes %s, not '%s'",
                                 cli_options[id].name, expected, value);
    }
    if (cli_options[id].type == CLI_VALUE_LIST) {
        void *headers = arguments->headers;
        if (!cli_grow_array(&headers, &parser->header_capacity, arguments->header_count + 1,
                            sizeof *arguments->headers)) {
            return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
        }
        arguments->headers = headers;
        arguments->headers[arguments->header_count++] = value;
    }
    arguments->values[id] = value;
    return CFLIGHT_OK;
}

/* Takes the value from the same argument ("=value") or from the next one. */
static cflight_status take_option(struct parser *parser, enum cli_option_id id,
                                  const char *attached, cflight_error **reterr)
{
    const struct cli_option *option = &cli_options[id];
    if (option->type == CLI_VALUE_FLAG) {
        if (attached != NULL) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "--%s takes no value",
                                     option->name);
        }
        return set_value(parser, id, "", reterr);
    }
    if (attached == NULL) {
        if (parser->next == parser->end) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "--%s needs a value (%s)",
                                     option->name, option->argument);
        }
        attached = *parser->next++;
    }
    return set_value(parser, id, attached, reterr);
}

static cflight_status take_long(struct parser *parser, const char *argument, cflight_error **reterr)
{
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    size_t len_bytes = equals == NULL ? strlen(name) : (size_t)(equals - name);
    for (int i = 0; i < CLI_OPTION_COUNT; i++) {
        enum cli_option_id id = (enum cli_option_id)i;
        if (cli_option_fits(id, parser->arguments.command) &&
            strlen(cli_options[i].name) == len_bytes &&
            memcmp(cli_options[i].name, name, len_bytes) == 0) {
            return take_option(parser, id, equals == NULL ? NULL : equals + 1, reterr);
        }
    }
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "unknown option '%.*s'",
                             (int)(len_bytes + 2), argument);
}

/* The option of a letter; CLI_OPTION_COUNT for none. */
static enum cli_option_id find_letter(const struct parser *parser, char letter)
{
    for (int i = 0; i < CLI_OPTION_COUNT; i++) {
        if (cli_options[i].letter == letter &&
            cli_option_fits((enum cli_option_id)i, parser->arguments.command)) {
            return (enum cli_option_id)i;
        }
    }
    return CLI_OPTION_COUNT;
}

/* Takes "-qn5": flags, and at the end perhaps an option whose value is the rest or the next
 * argument. */
static cflight_status take_letters(struct parser *parser, const char *argument,
                                   cflight_error **reterr)
{
    for (const char *letter = argument + 1; *letter != '\0'; letter++) {
        enum cli_option_id id = find_letter(parser, *letter);
        if (id == CLI_OPTION_COUNT) {
            if (letter == argument + 1) {
                return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "unknown option '%s'",
                                         argument);
            }
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "unknown option '-%c' in '%s'", *letter, argument);
        }
        bool is_flag = cli_options[id].type == CLI_VALUE_FLAG;
        const char *rest = is_flag || letter[1] == '\0' ? NULL : letter + 1;
        cflight_status status = take_option(parser, id, rest, reterr);
        if (status != CFLIGHT_OK || !is_flag) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

static cflight_status take_positional(struct parser *parser, const char *argument,
                                      cflight_error **reterr)
{
    const struct cli_command *command = &cli_commands[parser->arguments.command];
    if (parser->positional_count == command->positional_max) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "too many arguments: '%s'",
                                 argument);
    }
    parser->arguments.positionals[parser->positional_count++] = argument;
    return CFLIGHT_OK;
}

static cflight_status take_all(struct parser *parser, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    bool options_ended = false;
    while (status == CFLIGHT_OK && parser->next < parser->end) {
        const char *argument = *parser->next++;
        if (options_ended || argument[0] != '-' || argument[1] == '\0') {
            status = take_positional(parser, argument, reterr);
        } else if (strcmp(argument, "--") == 0) {
            options_ended = true;
        } else if (argument[1] == '-') {
            status = take_long(parser, argument, reterr);
        } else {
            status = take_letters(parser, argument, reterr);
        }
    }
    return status;
}

cflight_status cli_arguments_parse(struct cli_arguments *ret_arguments, int argc, char **argv,
                                   cflight_error **reterr)
{
    struct parser parser = {.next = argv + 1, .end = argv + argc};
    if (!cli_command_find(argv[0], &parser.arguments.command)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "unknown command '%s'", argv[0]);
    }
    const struct cli_command *command = &cli_commands[parser.arguments.command];
    cflight_status status = take_all(&parser, reterr);
    bool wants_text = cli_has(&parser.arguments, CLI_OPTION_HELP) ||
                      cli_has(&parser.arguments, CLI_OPTION_VERSION);
    if (status == CFLIGHT_OK && !wants_text && parser.positional_count < command->positional_min) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "arguments are missing: %s takes %s", command->name,
                                   command->arguments);
    }
    if (status != CFLIGHT_OK) {
        cli_arguments_done(&parser.arguments);
        return status;
    }
    *ret_arguments = parser.arguments;
    return CFLIGHT_OK;
}

void cli_arguments_done(struct cli_arguments *arguments)
{
    cli_free(arguments->headers);
    arguments->headers = NULL;
    arguments->header_count = 0;
}

bool cli_has(const struct cli_arguments *arguments, enum cli_option_id option)
{
    return arguments->values[option] != NULL;
}

int64_t cli_milliseconds(const struct cli_arguments *arguments, enum cli_option_id option,
                         int64_t fallback_ms)
{
    int64_t time_ms = fallback_ms;
    if (cli_has(arguments, option)) {
        (void)parse_seconds(arguments->values[option], &time_ms);
    }
    return time_ms;
}

int64_t cli_row_count(const struct cli_arguments *arguments, int64_t fallback)
{
    int64_t rows = fallback;
    if (cli_has(arguments, CLI_OPTION_ROWS)) {
        (void)parse_rows(arguments->values[CLI_OPTION_ROWS], &rows);
    }
    return rows;
}

struct cflight_ipc_write_options cli_write_options(const struct cli_arguments *arguments)
{
    struct cflight_ipc_write_options options = CFLIGHT_IPC_WRITE_OPTIONS_INIT;
    if (cli_has(arguments, CLI_OPTION_COMPRESSION)) {
        (void)parse_codec(arguments->values[CLI_OPTION_COMPRESSION], &options.compression);
    }
    options.send_whole_dictionaries = cli_has(arguments, CLI_OPTION_WHOLE_DICTIONARIES);
    return options;
}

uint64_t cli_size(const struct cli_arguments *arguments, enum cli_option_id option)
{
    uint64_t size = 0;
    if (cli_has(arguments, option)) {
        (void)parse_size(arguments->values[option], &size);
    }
    return size;
}

uint32_t cli_count(const struct cli_arguments *arguments, enum cli_option_id option)
{
    uint32_t count = 0;
    if (cli_has(arguments, option)) {
        (void)parse_count(arguments->values[option], &count);
    }
    return count;
}

struct cflight_ipc_read_options cli_read_options(const struct cli_arguments *arguments)
{
    struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    options.unpacked_bytes_max = cli_size(arguments, CLI_OPTION_UNPACK_MAX);
    return options;
}
