/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying without telling by the time it takes which users there are.
 *
 * One method may be ten times as slow as another, so a verification works through all that a file
 * has: for the user's own method with his hash, for the others with a dummy. An unknown name and a
 * locked user get dummies only. That costs the sum of the methods instead of one of them; a file
 * that was written by one tool has one.
 *
 * Spec: crypt(5), "Available hashing methods". */
#include "flight/kit/password_methods.h"

#include <string.h>

#include "base/error.h"
#include "base/secrets.h"

enum { DES_BYTES = 13, BSDI_COST_BYTES = 5, SCRYPT_COST_BYTES = 14 };

static bool has_prefix(const char *hash, const char *prefix)
{
    return strncmp(hash, prefix, strlen(prefix)) == 0;
}

static size_t up_to_last_dollar(const char *hash, size_t len_bytes)
{
    while (len_bytes > 0 && hash[len_bytes - 1] != '$') {
        len_bytes--;
    }
    return len_bytes;
}

/* Length of the part that names the method and its cost: for "$id$salt$hash" and
 * "$id$cost$salt$hash" what is before the salt. */
static size_t cost_len(const char *hash)
{
    size_t len_bytes = strlen(hash);
    if (hash[0] == '_') {
        return len_bytes < BSDI_COST_BYTES ? len_bytes : BSDI_COST_BYTES;
    }
    if (hash[0] != '$') {
        return 0;
    }
    if (has_prefix(hash, "$7$")) { /* cost and salt are one field */
        return len_bytes < SCRYPT_COST_BYTES ? len_bytes : SCRYPT_COST_BYTES;
    }
    if (has_prefix(hash, "$md5")) { /* has an empty field at its end, or not */
        return strcspn(hash + 1, "$") + 1;
    }
    size_t salt_end = up_to_last_dollar(hash, len_bytes);
    if (has_prefix(hash, "$2") || salt_end == 0) { /* salt and hash are one field */
        return salt_end;
    }
    return up_to_last_dollar(hash, salt_end - 1);
}

static bool is_same_method(const char *a, const char *b)
{
    size_t cost_bytes = cost_len(a);
    return strlen(a) == strlen(b) && cost_bytes == cost_len(b) && memcmp(a, b, cost_bytes) == 0;
}

/* NULL when no password has this hash. */
static const char *hash_with(const char *setting, const char *password, struct crypt_data *data)
{
    const char *hash = crypt_r(password, setting, data);
    return hash == NULL || hash[0] == '*' ? NULL : hash;
}

static bool may_be_hash(const char *hash)
{
    return hash[0] == '$' || hash[0] == '_' || (hash[0] != '!' && strlen(hash) == DES_BYTES);
}

cflight_status cfl_password_method_of(struct cfl_password_methods *methods, const char *hash,
                                      struct crypt_data *data, int *ret_method,
                                      cflight_error **reterr)
{
    int method = 0;
    *ret_method = CFL_PASSWORD_LOCKED;
    if (!may_be_hash(hash)) {
        return CFLIGHT_OK;
    }
    while (method < methods->count && !is_same_method(methods->dummies[method], hash)) {
        method++;
    }
    if (method == methods->count) {
        if (hash_with(hash, "", data) == NULL) {
            return CFLIGHT_OK;
        }
        if (method == CFL_PASSWORD_METHODS_MAX) {
            return cflight_error_set(
                reterr, CFLIGHT_INVALID_ARGUMENT,
                "password file: more than %d methods and costs; make hashes with fewer",
                CFL_PASSWORD_METHODS_MAX);
        }
        methods->dummies[methods->count++] = hash;
    }
    *ret_method = method;
    return CFLIGHT_OK;
}

static bool is_hash_of(const char *hash, const char *expected)
{
    size_t len_bytes = strlen(expected);
    return strlen(hash) == len_bytes && cfl_equal_in_constant_time(hash, expected, len_bytes);
}

bool cfl_password_matches(const struct cfl_password_methods *methods, int method, const char *hash,
                          const char *password, struct crypt_data *data)
{
    bool ok = false;
    for (int i = 0; i < methods->count; i++) {
        const char *own = i == method ? hash : NULL;
        const char *result = own == NULL ? NULL : hash_with(own, password, data);
        if (result == NULL) {
            /* Also for a hash that has the form of the method and is none. */
            (void)hash_with(methods->dummies[i], password, data);
        } else {
            ok = is_hash_of(result, own);
        }
    }
    return ok;
}
