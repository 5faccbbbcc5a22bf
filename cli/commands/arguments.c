/* SPDX-License-Identifier: Apache-2.0 */
/* Reads command lines by the tables of command_table.c. Each value is checked and stored where its
 * option says; nothing is looked up afterwards. */
#include "cli/commands/arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/memory.h"

enum { SECONDS_MAX = 1000000000 };

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

/* Reads a whole number from 1 on; `*ret_end` is behind it. */
static bool parse_whole(const char *text, char **ret_end, uint64_t *ret_number)
{
    errno = 0;
    *ret_number = strtoull(text, ret_end, 10);
    return text[0] >= '0' && text[0] <= '9' && errno == 0 && *ret_number > 0;
}

static bool parse_size(const char *text, uint64_t *ret_bytes)
{
    static const char units[] = "kMGT";
    char *end = NULL;
    if (!parse_whole(text, &end, ret_bytes)) {
        return false;
    }
    if (*end == '\0') {
        return true;
    }
    const char *unit = strchr(units, *end == 'K' ? 'k' : *end);
    return unit != NULL && end[1] == '\0' &&
           !__builtin_mul_overflow(*ret_bytes, UINT64_C(1) << (10 * (unit - units + 1)), ret_bytes);
}

static bool parse_count(const char *text, uint32_t *ret_count)
{
    char *end = NULL;
    uint64_t number = 0;
    if (!parse_whole(text, &end, &number) || *end != '\0' || number > UINT32_MAX) {
        return false;
    }
    *ret_count = (uint32_t)number;
    return true;
}

/* The place of a text among `count` names; -1 when it is not there. */
static int find_name(const char *const *names, int count, const char *text)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

static bool parse_codec(const char *text, enum cli_codec *ret_codec)
{
    static const char *const names[] = {"none", "lz4", "zstd"};
    int index = find_name(names, CFLIGHT_COMPRESSION_ZSTD + 1, text);
    *ret_codec = index < 0 ? *ret_codec : (enum cli_codec)(CLI_CODEC_NONE + index);
    return index >= 0;
}

static bool parse_ingest_mode(const char *text, enum cli_ingest_mode *ret_mode)
{
    static const char *const names[] = {"create", "append", "create-append", "replace"};
    int index = find_name(names, CLI_INGEST_REPLACE + 1, text);
    *ret_mode = index < 0 ? *ret_mode : (enum cli_ingest_mode)index;
    return index >= 0;
}

static bool parse_log_level(const char *text, enum cli_log_level *ret_level)
{
    static const char *const names[] = {"error", "warn", "notice", "info", "debug"};
    int index = find_name(names, CLI_LOG_DEBUG + 1, text);
    *ret_level = index < 0 ? *ret_level : (enum cli_log_level)index;
    return index >= 0;
}

static bool parse_log_format(const char *text, bool *ret_is_json)
{
    *ret_is_json = strcmp(text, "json") == 0;
    return *ret_is_json || strcmp(text, "text") == 0;
}

static bool parse_small_size(const char *text, uint32_t *ret_bytes)
{
    uint64_t size_bytes = 0;
    if (!parse_size(text, &size_bytes) || size_bytes > INT32_MAX) {
        return false;
    }
    *ret_bytes = (uint32_t)size_bytes;
    return true;
}

static bool parse_tls_version(const char *text, enum cflight_tls_version *ret_version)
{
    bool is_newer = strcmp(text, "1.3") == 0;
    *ret_version = is_newer ? CFLIGHT_TLS_VERSION_1_3 : CFLIGHT_TLS_VERSION_1_2;
    return is_newer || strcmp(text, "1.2") == 0;
}

static bool parse_time(enum cli_value_type type, const char *text, int64_t *ret_ms)
{
    if (!parse_seconds(text, ret_ms)) {
        return false;
    }
    if (*ret_ms == 0 && type != CLI_VALUE_SECONDS) {
        *ret_ms = type == CLI_VALUE_TIME_LIMIT ? -1 : 1;
    }
    return true;
}

/* Puts a value where it belongs. NULL when it is of its type, else what it should be. */
static const char *store(enum cli_value_type type, const char *value, void *target)
{
    switch (type) {
    case CLI_VALUE_SECONDS:
    case CLI_VALUE_SECONDS_MIN:
    case CLI_VALUE_TIME_LIMIT:
        return parse_time(type, value, target) ? NULL : "takes a number of seconds";
    case CLI_VALUE_ROWS:
        return parse_rows(value, target) ? NULL : "takes a number of rows, or \"all\"";
    case CLI_VALUE_COUNT:
        return parse_count(value, target) ? NULL : "takes a whole number from 1 to 4294967295";
    case CLI_VALUE_SIZE:
        return parse_size(value, target) ? NULL : "takes a number of bytes such as 100000 or 2G";
    case CLI_VALUE_SMALL_SIZE:
        return parse_small_size(value, target) ? NULL : "takes 1 to 2147483647 bytes";
    case CLI_VALUE_CODEC:
        return parse_codec(value, target) ? NULL : "takes none, lz4 or zstd";
    case CLI_VALUE_FORMAT:
        return cli_format_from_name(value, target) ? NULL
                                                   : "takes arrow, arrows, csv, jsonl or table";
    case CLI_VALUE_TLS_VERSION:
        return parse_tls_version(value, target) ? NULL : "is 1.2 or 1.3";
    case CLI_VALUE_INGEST_MODE:
        return parse_ingest_mode(value, target) ? NULL
                                                : "takes create, append, create-append or replace";
    case CLI_VALUE_LOG_LEVEL:
        return parse_log_level(value, target) ? NULL : "takes error, warn, notice, info or debug";
    case CLI_VALUE_LOG_FORMAT:
        return parse_log_format(value, target) ? NULL : "takes text or json";
    case CLI_VALUE_FLAG:
        *(bool *)target = true;
        return NULL;
    case CLI_VALUE_TEXT:
        *(const char **)target = value;
        return NULL;
    case CLI_VALUE_LIST:
        return NULL;
    }
    return NULL;
}

static cflight_status append(struct cli_list *list, const char *value, cflight_error **reterr)
{
    void *items = list->items;
    if (!cli_grow_array(&items, &list->capacity, list->count + 1, sizeof *list->items)) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
    }
    list->items = items;
    list->items[list->count++] = value;
    return CFLIGHT_OK;
}

struct parser {
    struct cli_arguments arguments;
    size_t positional_count;
    char **next;
    char **end;
};

static void *target_of(struct parser *parser, size_t offset)
{
    return (char *)&parser->arguments + offset;
}

/* Takes the value from the same argument ("=value") or from the next one. */
static cflight_status take_option(struct parser *parser, const struct cli_option *option,
                                  const char *value, cflight_error **reterr)
{
    void *target = target_of(parser, option->target);
    bool is_flag = option->type == CLI_VALUE_FLAG;
    if (is_flag && value != NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "--%s takes no value",
                                 option->name);
    }
    if (!is_flag && value == NULL) {
        if (parser->next == parser->end) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "--%s needs a value (%s)",
                                     option->name, option->argument);
        }
        value = *parser->next++;
    }
    if (option->type == CLI_VALUE_LIST) {
        return append(target, value, reterr);
    }
    const char *expected = store(option->type, value, target);
    return expected == NULL ? CFLIGHT_OK
                            : cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                                "--%s %s, not '%s'", option->name, expected, value);
}

static cflight_status take_long(struct parser *parser, const char *argument, cflight_error **reterr)
{
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    size_t len_bytes = equals == NULL ? strlen(name) : (size_t)(equals - name);
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct cli_option *option = &cli_options[i];
        if (cli_option_fits(option, parser->arguments.command) &&
            strlen(option->name) == len_bytes && memcmp(option->name, name, len_bytes) == 0) {
            return take_option(parser, option, equals == NULL ? NULL : equals + 1, reterr);
        }
    }
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "unknown option '%.*s'",
                             (int)(len_bytes + 2), argument);
}

/* The option of a letter; NULL for none. */
static const struct cli_option *find_letter(const struct parser *parser, char letter)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        if (cli_options[i].letter == letter &&
            cli_option_fits(&cli_options[i], parser->arguments.command)) {
            return &cli_options[i];
        }
    }
    return NULL;
}

/* Takes "-qn5": flags, and at the end perhaps an option whose value is the rest or the next
 * argument. */
static cflight_status take_letters(struct parser *parser, const char *argument,
                                   cflight_error **reterr)
{
    for (const char *letter = argument + 1; *letter != '\0'; letter++) {
        const struct cli_option *option = find_letter(parser, *letter);
        if (option == NULL && letter == argument + 1) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "unknown option '%s'",
                                     argument);
        }
        if (option == NULL) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "unknown option '-%c' in '%s'", *letter, argument);
        }
        bool is_flag = option->type == CLI_VALUE_FLAG;
        const char *rest = is_flag || letter[1] == '\0' ? NULL : letter + 1;
        cflight_status status = take_option(parser, option, rest, reterr);
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
    size_t offset = cli_positionals[parser->arguments.command][parser->positional_count++];
    *(const char **)target_of(parser, offset) = argument;
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

static const struct cli_arguments defaults = {
    .client = {.timeout_ms = -1, .options = CFLIGHT_CLIENT_OPTIONS_INIT},
    .write_options = CFLIGHT_IPC_WRITE_OPTIONS_INIT,
    .read_options = CFLIGHT_IPC_READ_OPTIONS_INIT,
    .result = {.row_count = CLI_ROWS_DEFAULT},
    .serve = {.log_level = CLI_LOG_NOTICE,
              .grace_ms = 30000,
              .endpoint_bytes = UINT64_C(128) << 20,
              .options = CFLIGHT_SERVER_OPTIONS_INIT,
              .auth = CFLIGHT_BEARER_AUTH_OPTIONS_INIT},
};

cflight_status cli_arguments_parse(struct cli_arguments *ret_arguments, int argc, char **argv,
                                   cflight_error **reterr)
{
    struct parser parser = {.arguments = defaults, .next = argv + 1, .end = argv + argc};
    struct cli_arguments *arguments = &parser.arguments;
    if (!cli_command_find(argv[0], &arguments->command)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "unknown command '%s'", argv[0]);
    }
    const struct cli_command *command = &cli_commands[arguments->command];
    cflight_status status = take_all(&parser, reterr);
    if (status == CFLIGHT_OK && !arguments->wants_help && !arguments->wants_version &&
        parser.positional_count < command->positional_min) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "arguments are missing: %s takes %s", command->name,
                                   command->arguments);
    }
    if (status != CFLIGHT_OK) {
        cli_arguments_done(arguments);
        return status;
    }
    if (arguments->codec != CLI_CODEC_DEFAULT) {
        arguments->write_options.compression =
            (enum cflight_compression)(arguments->codec - CLI_CODEC_NONE);
    }
    *ret_arguments = *arguments;
    return CFLIGHT_OK;
}

bool cli_arguments_encode_anew(const struct cli_arguments *arguments)
{
    return arguments->codec != CLI_CODEC_DEFAULT ||
           arguments->write_options.send_whole_dictionaries;
}

/* What was given of a number, in the unit of its option; false when it is the default. */
static bool append_number(struct cli_text *text, const struct cli_option *option,
                          const struct cli_arguments *arguments)
{
    const char *value = (const char *)arguments + option->target;
    const char *usual = (const char *)&defaults + option->target;
    if (option->type == CLI_VALUE_COUNT || option->type == CLI_VALUE_SMALL_SIZE) {
        uint32_t count = *(const uint32_t *)(const void *)value;
        cli_text_append_format(text, " --%s %" PRIu32 ",", option->name, count);
        return count != *(const uint32_t *)(const void *)usual;
    }
    if (option->type == CLI_VALUE_SIZE) {
        uint64_t size = *(const uint64_t *)(const void *)value;
        cli_text_append_format(text, " --%s %" PRIu64 ",", option->name, size);
        return size != *(const uint64_t *)(const void *)usual;
    }
    int64_t time_ms = *(const int64_t *)(const void *)value;
    cli_text_append_format(text, " --%s %.10g,", option->name,
                           time_ms < 0 ? 0.0 : (double)time_ms / 1000);
    return time_ms != *(const int64_t *)(const void *)usual;
}

void cli_arguments_append_numbers(struct cli_text *text, const struct cli_arguments *arguments)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct cli_option *option = &cli_options[i];
        size_t len_bytes = text->len_bytes;
        bool is_number = option->type == CLI_VALUE_COUNT || option->type == CLI_VALUE_SMALL_SIZE ||
                         option->type == CLI_VALUE_SIZE || option->type == CLI_VALUE_SECONDS ||
                         option->type == CLI_VALUE_SECONDS_MIN ||
                         option->type == CLI_VALUE_TIME_LIMIT;
        if (is_number && cli_option_fits(option, CLI_COMMAND_SERVE) &&
            !append_number(text, option, arguments)) {
            cli_text_truncate(text, len_bytes);
        }
    }
}

void cli_arguments_done(struct cli_arguments *arguments)
{
    free(arguments->client.headers.items);
    free(arguments->tables.types.items);
    free(arguments->serve.listen.items);
    free(arguments->serve.advertise.items);
    free(arguments->serve.replicas.items);
    arguments->client.headers = (struct cli_list){0};
    arguments->tables.types = (struct cli_list){0};
    arguments->serve.listen = (struct cli_list){0};
    arguments->serve.advertise = (struct cli_list){0};
    arguments->serve.replicas = (struct cli_list){0};
}
