/* SPDX-License-Identifier: Apache-2.0 */
/* The rights of users, from a file. They are replaced as a whole; calls look them up under a lock
 * that is a leaf. Names are compared byte for byte, as the file system does. */
#include "cli/serve/rights.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cflight/bearer_auth.h"
#include "cli/serve/name.h"
#include "cli/system/files.h"
#include "cli/system/memory.h"
#include "cli/system/os_error.h"

enum { FILE_BYTES_MAX = 16 << 20 };

struct rule {
    const char *user;   /* in the text, as the next */
    const char *prefix; /* NULL: every flight */
    enum cli_right right;
};

struct content {
    struct cli_text text;
    struct rule *rules;
    size_t count;
    size_t capacity;
    const char **users; /* those that have a section */
    size_t user_count;
    size_t user_capacity;
    bool is_of_database; /* all that there is are rights to everything */
};

struct cli_rights {
    const char *path;
    pthread_rwlock_t lock;
    struct content content; /* under it */
};

static void content_done(struct content *content)
{
    cli_text_done(&content->text);
    free(content->rules);
    free((void *)content->users);
    *content = (struct content){0};
}

/* ---- reading ---- */

static cflight_status refuse(size_t line_number, const char *reason, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "rights file: line %zu: %s",
                             line_number, reason);
}

/* Cuts blanks off both ends. */
static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t len_bytes = strlen(text);
    while (len_bytes > 0 && strchr(" \t\r", text[len_bytes - 1]) != NULL) {
        text[--len_bytes] = '\0';
    }
    return text;
}

static bool has_section(const struct content *content, const char *user)
{
    for (size_t i = 0; i < content->user_count; i++) {
        if (strcmp(content->users[i], user) == 0) {
            return true;
        }
    }
    return false;
}

/* "[NAME]"; NAME is what is between the brackets, blanks and all. */
static cflight_status read_section(struct content *content, char *line, size_t number,
                                   cflight_error **reterr)
{
    size_t len_bytes = strlen(line);
    void *users = (void *)content->users;
    if (len_bytes < 3 || line[len_bytes - 1] != ']') {
        return refuse(number, "a section is [NAME] of a user, or [*]", reterr);
    }
    line[len_bytes - 1] = '\0';
    if (has_section(content, line + 1)) {
        return refuse(number, "the user has a section already", reterr);
    }
    if (!cli_grow_array(&users, &content->user_capacity, content->user_count + 1,
                        sizeof *content->users)) {
        return cli_error_no_memory(reterr, "reading rights");
    }
    content->users = users;
    content->users[content->user_count++] = line + 1;
    return CFLIGHT_OK;
}

/* A prefix is a name of flights, so it holds no "..", and nothing empty; "/" at its end is
 * welcome. */
static cflight_status check_prefix(char *prefix, size_t number, cflight_error **reterr)
{
    cflight_error *cause = NULL;
    size_t len_bytes = strlen(prefix);
    if (len_bytes > 1 && prefix[len_bytes - 1] == '/') {
        prefix[len_bytes - 1] = '\0';
    }
    if (strpbrk(prefix, "*?[") != NULL) {
        return refuse(number, "a name has no patterns; * alone is every flight", reterr);
    }
    if (cli_name_check(cflight_bytes_from_text(prefix), &cause) == CFLIGHT_OK) {
        return CFLIGHT_OK;
    }
    cflight_status status = refuse(number, cflight_error_message(cause), reterr);
    cflight_error_free(cause);
    return status;
}

/* "read = PREFIX" or "write = PREFIX" */
static cflight_status read_rule(struct content *content, char *line, size_t number,
                                cflight_error **reterr)
{
    static const char *const keys[CLI_RIGHT_COUNT] = {"read", "write"};
    void *rules = content->rules;
    char *equals = strchr(line, '=');
    int right = 0;
    if (equals == NULL) {
        return refuse(number, "expected is [NAME], read = PREFIX or write = PREFIX", reterr);
    }
    *equals = '\0';
    char *key = trim(line);
    char *prefix = trim(equals + 1);
    while (right < CLI_RIGHT_COUNT && strcmp(key, keys[right]) != 0) {
        right++;
    }
    if (right == CLI_RIGHT_COUNT) {
        return refuse(number, "the rights are read and write", reterr);
    }
    if (content->user_count == 0) {
        return refuse(number, "a right before the first [NAME]", reterr);
    }
    bool is_all = strcmp(prefix, "*") == 0;
    if (!is_all && content->is_of_database) {
        return refuse(number,
                      "of a database the value is *: this server gives rights to read and write to "
                      "all of it, and the database itself those to tables",
                      reterr);
    }
    cflight_status status = is_all ? CFLIGHT_OK : check_prefix(prefix, number, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!cli_grow_array(&rules, &content->capacity, content->count + 1, sizeof *content->rules)) {
        return cli_error_no_memory(reterr, "reading rights");
    }
    content->rules = rules;
    content->rules[content->count++] = (struct rule){content->users[content->user_count - 1],
                                                     is_all ? NULL : prefix, (enum cli_right)right};
    return CFLIGHT_OK;
}

static cflight_status read_lines(struct content *content, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    char *line = content->text.data;
    if (memchr(line, '\0', content->text.len_bytes) != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "rights file: it holds a zero byte");
    }
    for (size_t number = 1; status == CFLIGHT_OK && line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        char *words = trim(line);
        if (words[0] == '[') {
            status = read_section(content, words, number, reterr);
        } else if (words[0] != '\0' && words[0] != '#') {
            status = read_rule(content, words, number, reterr);
        }
        line = end;
    }
    return status;
}

static cflight_status load(const char *path, bool is_of_database, struct content *ret_content,
                           cflight_error **reterr)
{
    struct content content = {.is_of_database = is_of_database};
    cflight_status status = cli_file_read(path, FILE_BYTES_MAX, &content.text, reterr);
    if (status == CFLIGHT_OK) {
        status = read_lines(&content, reterr);
    }
    if (status != CFLIGHT_OK) {
        content_done(&content);
        return status;
    }
    *ret_content = content;
    return CFLIGHT_OK;
}

/* ---- life ---- */

cflight_status cli_rights_new(const char *path, bool is_of_database, struct cli_rights **ret_rights,
                              cflight_error **reterr)
{
    struct cli_rights *rights = calloc(1, sizeof *rights);
    if (rights == NULL || pthread_rwlock_init(&rights->lock, NULL) != 0) {
        free(rights);
        return cli_error_no_memory(reterr, "reading rights");
    }
    rights->path = path;
    cflight_status status = load(path, is_of_database, &rights->content, reterr);
    if (status != CFLIGHT_OK) {
        cli_rights_free(rights);
        return status;
    }
    *ret_rights = rights;
    return CFLIGHT_OK;
}

void cli_rights_free(struct cli_rights *rights)
{
    if (rights != NULL) {
        content_done(&rights->content);
        (void)pthread_rwlock_destroy(&rights->lock);
        free(rights);
    }
}

cflight_status cli_rights_reload(struct cli_rights *rights, cflight_error **reterr)
{
    struct content content = {0};
    cflight_status status = load(rights->path, rights->content.is_of_database, &content, reterr);
    if (status == CFLIGHT_OK) {
        (void)pthread_rwlock_wrlock(&rights->lock);
        struct content former = rights->content;
        rights->content = content;
        (void)pthread_rwlock_unlock(&rights->lock);
        content_done(&former);
    }
    return status;
}

const char *cli_rights_path(const struct cli_rights *rights)
{
    return rights == NULL ? NULL : rights->path;
}

/* ---- asking ---- */

static bool covers(const struct rule *rule, const char *name)
{
    size_t len_bytes = rule->prefix == NULL ? 0 : strlen(rule->prefix);
    return rule->prefix == NULL || (strncmp(name, rule->prefix, len_bytes) == 0 &&
                                    (name[len_bytes] == '\0' || name[len_bytes] == '/'));
}

/* The section that counts for a user; NULL for none. */
static const char *section_of(const struct content *content, struct cflight_bytes user)
{
    const char *everybody = NULL;
    for (size_t i = 0; i < content->user_count; i++) {
        const char *name = content->users[i];
        if (strcmp(name, "*") == 0) {
            everybody = name;
        } else if (cflight_bytes_equal(cflight_bytes_from_text(name), user)) {
            return name;
        }
    }
    return everybody;
}

bool cli_rights_allow(struct cli_rights *rights, struct cflight_bytes user, enum cli_right right,
                      const char *name)
{
    bool is_allowed = rights == NULL;
    if (rights == NULL) {
        return true;
    }
    (void)pthread_rwlock_rdlock(&rights->lock);
    const char *section = section_of(&rights->content, user);
    for (size_t i = 0; section != NULL && !is_allowed && i < rights->content.count; i++) {
        const struct rule *rule = &rights->content.rules[i];
        is_allowed = rule->user == section && rule->right == right && covers(rule, name);
    }
    (void)pthread_rwlock_unlock(&rights->lock);
    return is_allowed;
}

bool cli_rights_allow_caller(struct cli_rights *rights, const cflight_server_context *context,
                             enum cli_right right, const char *name)
{
    struct cflight_bytes user = cflight_bearer_auth_identity(context);
    if (user.len_bytes == 0) {
        user = cflight_server_context_peer_identity(context);
    }
    return cli_rights_allow(rights, user, right, name);
}
