/* SPDX-License-Identifier: Apache-2.0 */
/* Password files: one block of text, cut into names and hashes of crypt(5).
 *
 * A content never changes; it is replaced as a whole under the mutex, and whoever uses the former
 * one holds a reference, so that verifying, which is slow by design, needs no lock. The time that
 * it takes does not tell which names exist (password_methods.c). Memory that held hashes or a
 * password is wiped. Thread class: free. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/refcount.h"
#include "base/search.h"
#include "cflight/bearer_auth.h"
#include "flight/kit/password_methods.h"

enum { FILE_BYTES_MAX = 16 << 20, PASSWORD_BYTES_MAX = 512 };

struct entry {
    const char *name; /* both in the text of the content */
    const char *hash;
    size_t line_number;
    int method;
};

struct content {
    struct cfl_refcount refs;
    struct cfl_buf text;
    struct entry *entries; /* in the order of their names, once it is loaded */
    size_t count;
    size_t capacity;
    struct cfl_password_methods methods;
    mode_t mode; /* of the file */
};

struct cflight_password_file {
    char *path;
    pthread_mutex_t mutex;
    struct {
        struct content *content;
        bool refuses_writable;
        cflight_password_change_fn on_change;
        void *user_data;
    } locked;
};

static void unref_content(struct content *content)
{
    if (content != NULL && cfl_refcount_down(&content->refs)) {
        cfl_free_array(NULL, content->entries, content->capacity, sizeof *content->entries);
        cfl_buf_wipe(&content->text);
        cfl_free(NULL, content, sizeof *content);
    }
}

static struct content *ref_content(cflight_password_file *file)
{
    (void)pthread_mutex_lock(&file->mutex);
    struct content *content = file->locked.content;
    cfl_refcount_up(&content->refs);
    (void)pthread_mutex_unlock(&file->mutex);
    return content;
}

static cflight_status read_file(const char *path, struct content *content, cflight_error **reterr)
{
    struct stat about;
    int os_code = cfl_file_read(path, FILE_BYTES_MAX, &content->text, &about);
    if (os_code != 0) {
        return cfl_error_set_os(reterr, cfl_file_status(os_code), os_code, "password file '%s'",
                                path);
    }
    content->mode = about.st_mode;
    return cfl_buf_append_u8(&content->text, '\0') ? CFLIGHT_OK : cfl_error_no_memory(reterr);
}

/* Cuts one line, which is changed, into an entry. */
static cflight_status read_line(struct content *content, char *line, size_t number,
                                struct crypt_data *data, cflight_error **reterr)
{
    size_t len_bytes = strlen(line);
    if (len_bytes > 0 && line[len_bytes - 1] == '\r') {
        line[len_bytes - 1] = '\0';
    }
    if (line[0] == '\0' || line[0] == '#') {
        return CFLIGHT_OK;
    }
    char *colon = strchr(line, ':');
    if (colon == NULL || colon == line || colon[1] == '\0') {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "password file: line %zu is not name:hash", number);
    }
    *colon = '\0';
    if (!cfl_grow_array(NULL, (void **)&content->entries, &content->capacity, content->count + 1,
                        sizeof *content->entries)) {
        return cfl_error_no_memory(reterr);
    }
    struct entry *entry = &content->entries[content->count++];
    entry->name = line;
    entry->hash = colon + 1;
    entry->line_number = number;
    return cfl_password_method_of(&content->methods, entry->hash, data, &entry->method, reterr);
}

static cflight_status read_lines(struct content *content, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    static const char ORDER_MARK[] = "\xef\xbb\xbf"; /* some editors begin a file with it */
    char *line = (char *)content->text.data;
    if (strncmp(line, ORDER_MARK, sizeof ORDER_MARK - 1) == 0) {
        line += sizeof ORDER_MARK - 1;
    }
    struct crypt_data *data = cfl_alloc_zeroed(NULL, sizeof *data);
    if (data == NULL) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t number = 1; status == CFLIGHT_OK && line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        status = read_line(content, line, number, data, reterr);
        line = end;
    }
    explicit_bzero(data, sizeof *data);
    cfl_free(NULL, data, sizeof *data);
    return status;
}

/* By name; of one name the last line first. */
static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : (left->line_number < right->line_number ? 1 : -1);
}

/* The last line of a name counts. */
static void sort_entries(struct content *content)
{
    size_t kept_count = 0;
    if (content->count > 0) {
        qsort(content->entries, content->count, sizeof *content->entries, compare_entries);
    }
    for (size_t i = 0; i < content->count; i++) {
        if (kept_count == 0 ||
            strcmp(content->entries[kept_count - 1].name, content->entries[i].name) != 0) {
            content->entries[kept_count++] = content->entries[i];
        }
    }
    content->count = kept_count;
}

static cflight_status load_content(const char *path, struct content **ret_content,
                                   cflight_error **reterr)
{
    struct content *content = cfl_alloc_zeroed(NULL, sizeof *content);
    if (content == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&content->refs);
    cfl_buf_init(&content->text, NULL);
    cflight_status status = read_file(path, content, reterr);
    if (status == CFLIGHT_OK) {
        status = read_lines(content, reterr);
    }
    if (status != CFLIGHT_OK) {
        unref_content(content);
        return status;
    }
    sort_entries(content);
    *ret_content = content;
    return CFLIGHT_OK;
}

static int compare_name(const void *element, const void *name)
{
    const struct entry *entry = element;
    return cfl_bytes_compare(cflight_bytes_from_text(entry->name),
                             *(const struct cflight_bytes *)name);
}

/* NULL when there is no such name. */
static const struct entry *find_entry(const struct content *content, struct cflight_bytes name)
{
    size_t index = 0;
    return cfl_search(content->entries, content->count, sizeof *content->entries, &name,
                      compare_name, &index)
               ? &content->entries[index]
               : NULL;
}

cflight_status cflight_password_file_new(const char *path, cflight_password_file **ret_file,
                                         cflight_error **reterr)
{
    struct content *content = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(path), CFL_ARG(ret_file));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = load_content(path, &content, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_password_file *file = cfl_alloc_zeroed(NULL, sizeof *file);
    char *path_copy = cfl_strndup(NULL, path, strlen(path));
    if (file == NULL || path_copy == NULL || pthread_mutex_init(&file->mutex, NULL) != 0) {
        cfl_strfree(NULL, path_copy);
        cfl_free(NULL, file, sizeof *file);
        unref_content(content);
        return cfl_error_no_memory(reterr);
    }
    file->path = path_copy;
    file->locked.content = content;
    *ret_file = file;
    return CFLIGHT_OK;
}

static cflight_status check_mode(const struct content *content, const char *path,
                                 cflight_error **reterr)
{
    if ((content->mode & (S_IWGRP | S_IWOTH)) == 0) {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                             "password file '%s' has mode %04o: others than its owner may write it",
                             path, (unsigned)(content->mode & 07777));
}

cflight_status cflight_password_file_refuse_writable(cflight_password_file *file,
                                                     cflight_error **reterr)
{
    if (file == NULL) {
        return cfl_error_null_argument(reterr, "file");
    }
    (void)pthread_mutex_lock(&file->mutex);
    file->locked.refuses_writable = true;
    cflight_status status = check_mode(file->locked.content, file->path, reterr);
    (void)pthread_mutex_unlock(&file->mutex);
    return status;
}

void cflight_password_file_on_change(cflight_password_file *file,
                                     cflight_password_change_fn on_change, void *user_data)
{
    (void)pthread_mutex_lock(&file->mutex);
    file->locked.on_change = on_change;
    file->locked.user_data = user_data;
    (void)pthread_mutex_unlock(&file->mutex);
}

/* Both are in the order of names. */
static void tell_changes(const struct content *former, const struct content *content,
                         cflight_password_change_fn on_change, void *user_data)
{
    for (size_t i = 0; i < former->count; i++) {
        struct cflight_bytes name = cflight_bytes_from_text(former->entries[i].name);
        const struct entry *entry = find_entry(content, name);
        if (entry == NULL || strcmp(entry->hash, former->entries[i].hash) != 0) {
            on_change(user_data, name);
        }
    }
}

cflight_status cflight_password_file_reload(cflight_password_file *file, cflight_error **reterr)
{
    struct content *content = NULL;
    cflight_status status = load_content(file->path, &content, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&file->mutex);
    struct content *former = content; /* when it is refused, the new one goes */
    cflight_password_change_fn on_change = NULL;
    void *user_data = file->locked.user_data;
    if (file->locked.refuses_writable) {
        status = check_mode(content, file->path, reterr);
    }
    if (status == CFLIGHT_OK) {
        on_change = file->locked.on_change;
        former = file->locked.content;
        file->locked.content = content;
        cfl_refcount_up(&content->refs);
    }
    (void)pthread_mutex_unlock(&file->mutex);
    if (on_change != NULL) {
        tell_changes(former, content, on_change, user_data);
    }
    if (status == CFLIGHT_OK) {
        unref_content(content);
    }
    unref_content(former);
    return status;
}

void cflight_password_file_free(cflight_password_file *file)
{
    if (file != NULL) {
        unref_content(file->locked.content);
        (void)pthread_mutex_destroy(&file->mutex);
        cfl_strfree(NULL, file->path);
        cfl_free(NULL, file, sizeof *file);
    }
}

/* False also for passwords that no hash can be of. */
static bool copy_password(struct cflight_bytes password, char *ret_text)
{
    if (password.len_bytes > PASSWORD_BYTES_MAX ||
        (password.len_bytes > 0 && memchr(password.data, 0, password.len_bytes) != NULL)) {
        return false;
    }
    if (password.len_bytes > 0) {
        memcpy(ret_text, password.data, password.len_bytes);
    }
    ret_text[password.len_bytes] = '\0';
    return true;
}

cflight_status cflight_password_file_verify(void *any_file, struct cflight_bytes username,
                                            struct cflight_bytes password,
                                            cflight_buffer **ret_identity, cflight_error **reterr)
{
    (void)ret_identity;
    char text[PASSWORD_BYTES_MAX + 1];
    bool ok = false;
    if (any_file == NULL) {
        return cfl_error_null_argument(reterr, "file");
    }
    struct crypt_data *data = cfl_alloc_zeroed(NULL, sizeof *data);
    if (data == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (copy_password(password, text)) {
        struct content *content = ref_content(any_file);
        const struct entry *entry = find_entry(content, username);
        ok = cfl_password_matches(&content->methods,
                                  entry == NULL ? CFL_PASSWORD_LOCKED : entry->method,
                                  entry == NULL ? NULL : entry->hash, text, data);
        unref_content(content);
        explicit_bzero(text, sizeof text);
        explicit_bzero(data, sizeof *data);
    }
    cfl_free(NULL, data, sizeof *data);
    return ok ? CFLIGHT_OK
              : cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED,
                                          "Wrong user name or password");
}

cflight_status cflight_password_hash(const char *password, char **ret_hash, cflight_error **reterr)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    char *copy = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(password), CFL_ARG(ret_hash));
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (strlen(password) > PASSWORD_BYTES_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "a password has at most %d bytes", PASSWORD_BYTES_MAX);
    }
    if (crypt_gensalt_rn(NULL, 0, NULL, 0, setting, sizeof setting) == NULL) {
        return cfl_error_set_os(reterr, CFLIGHT_UNIMPLEMENTED, errno, "no way to hash a password");
    }
    struct crypt_data *data = cfl_alloc_zeroed(NULL, sizeof *data);
    if (data == NULL) {
        return cfl_error_no_memory(reterr);
    }
    const char *hash = crypt_r(password, setting, data);
    if (hash != NULL && hash[0] != '*') {
        copy = cfl_strndup(NULL, hash, strlen(hash));
    }
    explicit_bzero(data, sizeof *data);
    cfl_free(NULL, data, sizeof *data);
    if (copy == NULL) {
        return cfl_error_no_memory(reterr);
    }
    *ret_hash = copy;
    return CFLIGHT_OK;
}
