/* SPDX-License-Identifier: Apache-2.0 */
/* Where drivers are: the places of the ADBC driver manager, those of pip, those of the loader.
 *
 * Each place is noted as it is looked at, so that an error can tell all of them. Thread class:
 * free; environment variables are only read. */
#include "adbc/gateway/find.h"

#include <dlfcn.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adbc/gateway/memory.h"

enum { MANIFEST_BYTES_MAX = 1 << 20 };

struct search {
    const char *name; /* without "adbc_driver_" and endings */
    FILE *looked;     /* the places */
    bool has_looked;
    struct gateway_manifest *found;
    bool is_found;
    cflight_status status;
    cflight_error *error;
};

/* Notes a place that is looked at. */
static void note(struct search *search, const char *place)
{
    (void)fprintf(search->looked, "%s %s", search->has_looked ? "," : ":", place);
    search->has_looked = true;
}

static bool is_over(const struct search *search)
{
    return search->is_found || search->status != CFLIGHT_OK;
}

static void found(struct search *search, const char *path)
{
    search->found->library = gateway_copy_text(path, strlen(path));
    search->is_found = search->found->library != NULL;
    if (!search->is_found) {
        search->status = gateway_no_memory(&search->error);
    }
}

static void look_at_file(struct search *search, const char *path)
{
    if (is_over(search)) {
        return;
    }
    note(search, path);
    if (access(path, R_OK) == 0) {
        found(search, path);
    }
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = file == NULL ? NULL : malloc(MANIFEST_BYTES_MAX + 1);
    if (text != NULL) {
        size_t len_bytes = fread(text, 1, MANIFEST_BYTES_MAX, file);
        text[len_bytes] = '\0';
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return text;
}

/* A manifest is of the name that was asked for, so one that is wrong ends the search. */
static void look_at_manifest(struct search *search, const char *path)
{
    cflight_error *cause = NULL;
    if (is_over(search)) {
        return;
    }
    note(search, path);
    char *text = read_file(path);
    if (text == NULL) {
        return;
    }
    search->status = gateway_manifest_parse(text, search->found, &cause);
    free(text);
    if (search->status == CFLIGHT_OK && search->found->library == NULL) {
        gateway_manifest_done(search->found);
        search->status =
            cflight_error_set(&search->error, CFLIGHT_INVALID_ARGUMENT,
                              "the manifest %s has no library for this machine: [Driver.shared] %s",
                              path, gateway_manifest_platform);
    } else if (search->status != CFLIGHT_OK) {
        search->status = cflight_error_set(&search->error, search->status, "%s: %s", path,
                                           cflight_error_message(cause));
    }
    search->is_found = search->status == CFLIGHT_OK;
    cflight_error_free(cause);
}

/* A directory that has manifests, and maybe libraries. */
static void look_in(struct search *search, const char *directory)
{
    char path[PATH_MAX];
    if (directory[0] == '\0') {
        return;
    }
    (void)snprintf(path, sizeof path, "%s/%s.toml", directory, search->name);
    look_at_manifest(search, path);
    (void)snprintf(path, sizeof path, "%s/adbc_driver_%s.toml", directory, search->name);
    look_at_manifest(search, path);
    (void)snprintf(path, sizeof path, "%s/libadbc_driver_%s.so", directory, search->name);
    look_at_file(search, path);
    (void)snprintf(path, sizeof path, "%s/lib%s.so", directory, search->name);
    look_at_file(search, path);
}

static void look_in_list(struct search *search, const char *directories)
{
    while (directories != NULL && *directories != '\0' && !is_over(search)) {
        size_t len_bytes = strcspn(directories, ":");
        char directory[PATH_MAX];
        (void)snprintf(directory, sizeof directory, "%.*s", (int)len_bytes, directories);
        look_in(search, directory);
        directories += len_bytes + (directories[len_bytes] == ':' ? 1 : 0);
    }
}

static void look_below(struct search *search, const char *variable, const char *rest)
{
    const char *value = getenv(variable);
    char directory[PATH_MAX];
    if (value != NULL && value[0] != '\0') {
        (void)snprintf(directory, sizeof directory, "%s/%s", value, rest);
        look_in(search, directory);
    }
}

/* The first file that a pattern names. */
static void look_at_pattern(struct search *search, const char *pattern)
{
    glob_t matches;
    if (is_over(search)) {
        return;
    }
    note(search, pattern);
    if (glob(pattern, 0, NULL, &matches) == 0) {
        if (matches.gl_pathc > 0) {
            found(search, matches.gl_pathv[0]);
        }
        globfree(&matches);
    }
}

/* What pip has installed below a prefix. DuckDB's driver is in its Python extension. */
static void look_in_packages(struct search *search, const char *prefix)
{
    char pattern[PATH_MAX];
    (void)snprintf(pattern, sizeof pattern,
                   "%s/lib/python3*/site-packages/adbc_driver_%s/libadbc_driver_%s.so", prefix,
                   search->name, search->name);
    look_at_pattern(search, pattern);
    if (strcmp(search->name, "duckdb") == 0) {
        (void)snprintf(pattern, sizeof pattern, "%s/lib/python3*/site-packages/_duckdb*.so",
                       prefix);
        look_at_pattern(search, pattern);
    }
}

/* Cuts the last `count` parts off a path. */
static void cut(char *path, int count)
{
    for (; count > 0; count--) {
        char *slash = strrchr(path, '/');
        *(slash == NULL ? path : slash) = '\0';
    }
}

/* The environment in which this program lies, and that of the first python3 in PATH. */
static void look_beside_programs(struct search *search)
{
    char path[PATH_MAX];
    ssize_t len_bytes = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len_bytes > 0) {
        path[len_bytes] = '\0';
        cut(path, 2);
        look_in_packages(search, path);
    }
    const char *directories = getenv("PATH");
    while (directories != NULL && *directories != '\0') {
        len_bytes = (ssize_t)strcspn(directories, ":");
        (void)snprintf(path, sizeof path, "%.*s/python3", (int)len_bytes, directories);
        if (access(path, X_OK) == 0) {
            cut(path, 2);
            look_in_packages(search, path);
            return;
        }
        directories += len_bytes + (directories[len_bytes] == ':' ? 1 : 0);
    }
}

/* The loader's own path. What is there and cannot be loaded is found, too: loading tells why. */
static void look_by_loader(struct search *search)
{
    static const char *const FORMATS[] = {"libadbc_driver_%s.so", "lib%s.so"};
    for (size_t i = 0; i < 2 && !is_over(search); i++) {
        char name[PATH_MAX];
        /* NOLINTNEXTLINE: both formats are those above */
        (void)snprintf(name, sizeof name, i == 0 ? FORMATS[0] : FORMATS[1], search->name);
        note(search, name);
        (void)fputs(" in the path of the loader", search->looked);
        void *library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
        if (library != NULL) {
            found(search, name);
            (void)dlclose(library);
        }
    }
}

static void look_everywhere(struct search *search)
{
    look_in_list(search, getenv("ADBC_DRIVER_PATH"));
    look_below(search, "VIRTUAL_ENV", "etc/adbc/drivers");
    look_below(search, "CONDA_PREFIX", "etc/adbc/drivers");
    const char *config = getenv("XDG_CONFIG_HOME");
    if (config != NULL && config[0] != '\0') {
        look_below(search, "XDG_CONFIG_HOME", "adbc/drivers");
    } else {
        look_below(search, "HOME", ".config/adbc/drivers");
    }
    look_in(search, "/etc/adbc/drivers");
    static const char *const PREFIXES[] = {"VIRTUAL_ENV", "CONDA_PREFIX"};
    for (size_t i = 0; i < 2; i++) {
        const char *prefix = getenv(PREFIXES[i]);
        if (prefix != NULL && prefix[0] != '\0') {
            look_in_packages(search, prefix);
        }
    }
    look_beside_programs(search);
    look_by_loader(search);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len_bytes = strlen(text);
    size_t end_bytes = strlen(end);
    return len_bytes >= end_bytes && strcmp(text + len_bytes - end_bytes, end) == 0;
}

static void look_for(struct search *search, const char *driver)
{
    static const char PREFIX[] = "adbc_driver_";
    if (strchr(driver, '/') != NULL || ends_with(driver, ".so") || strstr(driver, ".so.") != NULL) {
        look_at_file(search, driver);
    } else if (ends_with(driver, ".toml")) {
        look_at_manifest(search, driver);
    } else {
        bool has_prefix = strncmp(driver, PREFIX, sizeof PREFIX - 1) == 0;
        search->name = has_prefix ? driver + sizeof PREFIX - 1 : driver;
        look_everywhere(search);
    }
}

cflight_status gateway_find_driver(const char *driver, const char *package,
                                   struct gateway_manifest *ret_driver, cflight_error **reterr)
{
    char *places = NULL;
    size_t places_bytes = 0;
    struct search search = {.found = ret_driver};
    memset(ret_driver, 0, sizeof *ret_driver);
    search.looked = open_memstream(&places, &places_bytes);
    if (search.looked == NULL) {
        return gateway_no_memory(reterr);
    }
    look_for(&search, driver);
    (void)fclose(search.looked);
    if (search.status != CFLIGHT_OK) {
        search.status = cflight_error_set(reterr, search.status, "driver '%s': %s", driver,
                                          cflight_error_message(search.error));
    } else if (!search.is_found) {
        search.status = cflight_error_set(
            reterr, CFLIGHT_NOT_FOUND, "there is no ADBC driver '%s'%s%s. It was looked for at%s",
            driver, package == NULL ? "" : ": install ", package == NULL ? "" : package,
            places == NULL ? "" : places);
    }
    cflight_error_free(search.error);
    free(places);
    return search.status;
}
