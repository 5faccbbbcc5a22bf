/* SPDX-License-Identifier: Apache-2.0 */
/* Password files: one block of text, cut into names and hashes of crypt(5).
 *
 * The content is replaced as a whole under the mutex; verifying copies one hash out and works
 * without it, since crypt() is slow by design. An unknown name is hashed against the first entry,
 * so that the time an answer takes does not tell which names exist. Thread class: free. */
#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "cflight/bearer_auth.h"
#include "flight/kit/secrets.h"

enum { FILE_BYTES_MAX = 16 << 20, READ_BYTES = 65536, PASSWORD_BYTES_MAX = 512 };

struct entry {
    const char *name; /* both in the text of the content */
    const char *hash;
};

struct content {
    struct cfl_buf text;
    struct entry *entries;
    size_t count;
    size_t capacity;
};

struct cflight_password_file {
    char *path;
    pthread_mutex_t mutex;
    struct content locked;
};

static void content_done(struct content *content)
{
    cfl_free_array(NULL, content->entries, content->capacity, sizeof *content->entries);
    cfl_buf_done(&content->text);
    memset(content, 0, sizeof *content);
}

static cflight_status refuse_file(const char *path, int os_code, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_UNKNOWN;
    if (os_code == ENOENT) {
        status = CFLIGHT_NOT_FOUND;
    } else if (os_code == EACCES || os_code == EPERM) {
        status = CFLIGHT_PERMISSION_DENIED;
    }
    return cfl_error_set_os(reterr, status, os_code, "password file '%s'", path);
}

static cflight_status read_text(const char *path, struct cfl_buf *text, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    FILE *stream = fopen(path, "rbe");
    if (stream == NULL) {
        return refuse_file(path, errno, reterr);
    }
    size_t got_bytes = 1;
    while (status == CFLIGHT_OK && got_bytes > 0) {
        uint8_t *space = cfl_buf_space(text, READ_BYTES);
        if (space == NULL) {
            status = cfl_error_no_memory(reterr);
            break;
        }
        got_bytes = fread(space, 1, READ_BYTES, stream);
        cfl_buf_add_len(text, got_bytes);
        if (text->len_bytes > FILE_BYTES_MAX) {
            status =
                cfl_error_set_size_limit(reterr, "password file", text->len_bytes, FILE_BYTES_MAX);
        }
    }
    if (status == CFLIGHT_OK && ferror(stream) != 0) {
        status = refuse_file(path, errno, reterr);
    }
    (void)fclose(stream);
    if (status == CFLIGHT_OK && !cfl_buf_append_u8(text, '\0')) {
        status = cfl_error_no_memory(reterr);
    }
    return status;
}

/* Cuts one line, which is changed, into an entry. */
static cflight_status read_line(struct content *content, char *line, size_t number,
                                cflight_error **reterr)
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
    content->entries[content->count].name = line;
    content->entries[content->count].hash = colon + 1;
    content->count++;
    return CFLIGHT_OK;
}

static cflight_status content_load(const char *path, struct content *content,
                                   cflight_error **reterr)
{
    memset(content, 0, sizeof *content);
    cfl_buf_init(&content->text, NULL);
    cflight_status status = read_text(path, &content->text, reterr);
    char *line = (char *)content->text.data;
    for (size_t number = 1; status == CFLIGHT_OK && line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        status = read_line(content, line, number, reterr);
        line = end;
    }
    if (status != CFLIGHT_OK) {
        content_done(content);
    }
    return status;
}

cflight_status cflight_password_file_new(const char *path, cflight_password_file **ret_file,
                                         cflight_error **reterr)
{
    struct content content;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(path), CFL_ARG(ret_file));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = content_load(path, &content, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_password_file *file = cfl_alloc_zeroed(NULL, sizeof *file);
    char *path_copy = cfl_strndup(NULL, path, strlen(path));
    if (file == NULL || path_copy == NULL || pthread_mutex_init(&file->mutex, NULL) != 0) {
        cfl_strfree(NULL, path_copy);
        cfl_free(NULL, file, sizeof *file);
        content_done(&content);
        return cfl_error_no_memory(reterr);
    }
    file->path = path_copy;
    file->locked = content;
    *ret_file = file;
    return CFLIGHT_OK;
}

cflight_status cflight_password_file_reload(cflight_password_file *file, cflight_error **reterr)
{
    struct content content;
    cflight_status status = content_load(file->path, &content, reterr);
    if (status == CFLIGHT_OK) {
        (void)pthread_mutex_lock(&file->mutex);
        struct content former = file->locked;
        file->locked = content;
        (void)pthread_mutex_unlock(&file->mutex);
        content_done(&former);
    }
    return status;
}

void cflight_password_file_free(cflight_password_file *file)
{
    if (file != NULL) {
        content_done(&file->locked);
        (void)pthread_mutex_destroy(&file->mutex);
        cfl_strfree(NULL, file->path);
        cfl_free(NULL, file, sizeof *file);
    }
}

/* A copy of the hash of `username`; of the first entry when there is no such name; NULL for an
 * empty file or no memory. The last entry of a name counts. */
static char *copy_hash(cflight_password_file *file, struct cflight_bytes username,
                       bool *ret_is_known)
{
    char *copy = NULL;
    const char *hash = NULL;
    *ret_is_known = false;
    (void)pthread_mutex_lock(&file->mutex);
    for (size_t i = 0; i < file->locked.count; i++) {
        const struct entry *entry = &file->locked.entries[i];
        if (cflight_bytes_equal(cflight_bytes_from_text(entry->name), username)) {
            *ret_is_known = true;
            hash = entry->hash;
        } else if (hash == NULL) {
            hash = entry->hash;
        }
    }
    if (hash != NULL) {
        copy = cfl_strndup(NULL, hash, strlen(hash));
    }
    (void)pthread_mutex_unlock(&file->mutex);
    return copy;
}

/* Hashes as `setting` says and compares with it. False also for a setting that crypt does not know.
 */
static bool matches(const char *password, const char *setting, struct crypt_data *data)
{
    const char *hash = crypt_r(password, setting, data);
    size_t hash_bytes = hash == NULL || hash[0] == '*' ? 0 : strlen(hash);
    return hash_bytes > 0 && hash_bytes == strlen(setting) &&
           cfl_equal_in_constant_time(hash, setting, hash_bytes);
}

cflight_status cflight_password_file_verify(void *any_file, struct cflight_bytes username,
                                            struct cflight_bytes password,
                                            cflight_buffer **ret_identity, cflight_error **reterr)
{
    (void)ret_identity;
    char text[PASSWORD_BYTES_MAX + 1];
    bool is_known = false;
    bool ok = false;
    if (any_file == NULL) {
        return cfl_error_null_argument(reterr, "file");
    }
    if (password.len_bytes > PASSWORD_BYTES_MAX ||
        (password.len_bytes > 0 && memchr(password.data, 0, password.len_bytes) != NULL)) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED,
                                         "Wrong user name or password");
    }
    char *hash = copy_hash(any_file, username, &is_known);
    struct crypt_data *data = cfl_alloc_zeroed(NULL, sizeof *data);
    if (hash != NULL && data != NULL) {
        if (password.len_bytes > 0) {
            memcpy(text, password.data, password.len_bytes);
        }
        text[password.len_bytes] = '\0';
        ok = matches(text, hash, data) && is_known;
        explicit_bzero(text, sizeof text);
        explicit_bzero(data, sizeof *data);
    }
    bool is_out_of_memory = data == NULL;
    cfl_free(NULL, data, sizeof *data);
    cfl_strfree(NULL, hash);
    if (is_out_of_memory) {
        return cfl_error_no_memory(reterr);
    }
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
