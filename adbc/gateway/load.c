/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a driver: the library, its entry point, its table.
 *
 * Symbols of a driver are nobody else's business (RTLD_LOCAL), and all that it needs must be there
 * before it runs (RTLD_NOW). An extension of Python, as DuckDB's wheel is one, wants the symbols of
 * libpython, which no process but Python has: then that library is loaded first, for all, and never
 * used. Libraries are not unloaded while the process runs: drivers leave threads and what ends them
 * behind. Thread class: one at a time. ADBC 1.1, driver initialisation. */
#include "adbc/gateway/load.h"

#include <ctype.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "adbc/gateway/error.h"
#include "adbc/gateway/missing.h"

enum { NAME_BYTES_MAX = 256 };

/* For "_duckdb.cpython-311-x86_64-linux-gnu.so" loads libpython3.11.so.1.0. */
static bool load_python(const char *path)
{
    static const char MARK[] = ".cpython-3";
    char name[64];
    const char *mark = strstr(path, MARK);
    size_t digit_count = mark == NULL ? 0 : strspn(mark + sizeof MARK - 1, "0123456789");
    if (digit_count == 0 || digit_count > 3) {
        return false;
    }
    (void)snprintf(name, sizeof name, "libpython3.%.*s.so.1.0", (int)digit_count,
                   mark + sizeof MARK - 1);
    return dlopen(name, RTLD_NOW | RTLD_GLOBAL) != NULL;
}

static cflight_status open_library(const char *path, void **ret_library, cflight_error **reterr)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    char reason[512];
    if (library == NULL) {
        const char *text = dlerror();
        (void)snprintf(reason, sizeof reason, "%s", text == NULL ? "no reason" : text);
        library = load_python(path) ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    }
    if (library == NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the driver %s cannot be loaded: %s", path, reason);
    }
    *ret_library = library;
    return CFLIGHT_OK;
}

bool gateway_entrypoint_of(const char *path, char *ret_name, size_t capacity_bytes)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    name += strncmp(name, "lib", 3) == 0 ? 3 : 0;
    size_t len_bytes = strcspn(name, ".");
    bool has_prefix = strncmp(name, "adbc", 4) == 0;
    size_t end = 0;
    bool is_first = true;
    if (len_bytes == 0 || len_bytes + sizeof "AdbcInit" > capacity_bytes) {
        return false;
    }
    if (!has_prefix) {
        memcpy(ret_name, "Adbc", 4);
        end = 4;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        if (name[i] == '_' || name[i] == '-') {
            is_first = true;
        } else {
            ret_name[end++] = (char)(is_first ? toupper((unsigned char)name[i]) : name[i]);
            is_first = false;
        }
    }
    memcpy(ret_name + end, "Init", sizeof "Init");
    return true;
}

/* POSIX has dlsym() give functions as pointers to data. */
static AdbcDriverInitFunc find_symbol(void *library, const char *name)
{
    AdbcDriverInitFunc function = NULL;
    void *symbol = dlsym(library, name);
    memcpy(&function, &symbol, sizeof function);
    return function;
}

static cflight_status find_entry(void *library, const char *path, const char *entrypoint,
                                 AdbcDriverInitFunc *ret_init, cflight_error **reterr)
{
    char derived[NAME_BYTES_MAX] = "AdbcDriverInit";
    if (entrypoint != NULL) {
        *ret_init = find_symbol(library, entrypoint);
        return *ret_init != NULL
                   ? CFLIGHT_OK
                   : cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "the driver %s has no entry %s",
                                       path, entrypoint);
    }
    *ret_init =
        gateway_entrypoint_of(path, derived, sizeof derived) ? find_symbol(library, derived) : NULL;
    if (*ret_init == NULL) {
        *ret_init = find_symbol(library, "AdbcDriverInit");
    }
    return *ret_init != NULL
               ? CFLIGHT_OK
               : cflight_error_set(reterr, CFLIGHT_NOT_FOUND,
                                   "%s is no ADBC driver: it has neither %s nor AdbcDriverInit",
                                   path, derived);
}

static cflight_status fill_table(AdbcDriverInitFunc init, const char *path,
                                 struct gateway_driver *driver, cflight_error **reterr)
{
    static const int VERSIONS[] = {ADBC_VERSION_1_1_0, ADBC_VERSION_1_0_0};
    AdbcStatusCode code = ADBC_STATUS_NOT_IMPLEMENTED;
    struct AdbcError error;
    memset(&error, 0, sizeof error);
    for (size_t i = 0; i < 2 && code == ADBC_STATUS_NOT_IMPLEMENTED; i++) {
        gateway_error_release(&error);
        memset(&driver->table, 0, sizeof driver->table);
        driver->version = VERSIONS[i];
        code = init(driver->version, &driver->table, &error);
    }
    if (code != ADBC_STATUS_OK) {
        return gateway_fail(code, &error, path, reterr);
    }
    gateway_error_release(&error);
    const char *missing = gateway_needed_missing(&driver->table);
    if (missing != NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the driver %s has no function %s", path, missing);
    }
    gateway_fill_missing(&driver->table);
    return CFLIGHT_OK;
}

cflight_status gateway_driver_load(const char *path, const char *entrypoint,
                                   struct gateway_driver *ret_driver, cflight_error **reterr)
{
    AdbcDriverInitFunc init = NULL;
    memset(ret_driver, 0, sizeof *ret_driver);
    cflight_status status = open_library(path, &ret_driver->library, reterr);
    if (status == CFLIGHT_OK) {
        status = find_entry(ret_driver->library, path, entrypoint, &init, reterr);
    }
    return status == CFLIGHT_OK ? fill_table(init, path, ret_driver, reterr) : status;
}

void gateway_driver_unload(struct gateway_driver *driver)
{
    struct AdbcError error;
    memset(&error, 0, sizeof error);
    if (driver->table.release != NULL) {
        (void)driver->table.release(&driver->table, &error);
        gateway_error_release(&error);
        driver->table.release = NULL;
    }
}
