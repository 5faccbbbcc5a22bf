/* SPDX-License-Identifier: Apache-2.0 */
/* Names of databases, and where drivers are found. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adbc/gateway/find.h"
#include "adbc/gateway/load.h"
#include "adbc/gateway/source.h"
#include "test.h"

/* ---- sources ---- */

static const char *option_of(const struct gateway_source *source, const char *key)
{
    for (size_t i = 0; i < source->option_count; i++) {
        if (strcmp(source->options[i].key, key) == 0) {
            return source->options[i].value;
        }
    }
    return NULL;
}

static void check_source(const char *text, bool is_read_only, const char *driver, const char *key,
                         const char *value)
{
    struct gateway_source source;
    cflight_error *error = NULL;
    CHECK_OK(gateway_source_parse(text, is_read_only, &source, &error), error);
    assert_string_equal(source.driver, driver);
    assert_non_null(option_of(&source, key));
    assert_string_equal(option_of(&source, key), value);
    gateway_source_done(&source);
}

/* Goal: each scheme gives its driver and the option that this takes.
 * Method: a database of each, read only where that is part of the name. */
TEST(gateway_source, schemes_name_drivers)
{
    check_source("sqlite:shop.db", false, "sqlite", "uri", "shop.db");
    check_source("sqlite:a?b#100%.db", true, "sqlite", "uri", "file:a%3Fb%23100%25.db?mode=ro");
    check_source("sqlite:file:x.db?cache=shared", true, "sqlite", "uri",
                 "file:x.db?cache=shared&mode=ro");
    check_source("sqlite::memory:", false, "sqlite", "uri",
                 "file:cflight?mode=memory&cache=shared");
    check_source("duckdb:shop.duckdb", true, "duckdb", "access_mode", "READ_ONLY");
    check_source("postgresql://me@host/db", false, "postgresql", "uri", "postgresql://me@host/db");
    check_source("adbc:/lib/x.so?uri=a%26b&k=v%", false, "/lib/x.so", "uri", "a&b");
    check_source("adbc:/lib/x.so?uri=a%26b&k=v%", false, "/lib/x.so", "k", "v%");
}

/* Goal: an entry point is the loader's, no option of the driver.
 * Method: give one. */
TEST(gateway_source, an_entrypoint_is_taken_out)
{
    struct gateway_source source;
    cflight_error *error = NULL;
    CHECK_OK(gateway_source_parse("adbc:x?entrypoint=MyInit&entrypoint=YourInit", false, &source,
                                  &error),
             error);
    assert_string_equal(source.entrypoint, "YourInit");
    assert_int_equal(source.option_count, 0);
    gateway_source_done(&source);
}

/* Goal: what is no database is refused with what would be one.
 * Method: wrong names. */
TEST(gateway_source, wrong_names_are_refused)
{
    static const char *const wrong[] = {
        "oracle:x", "sqlite:", "adbc:", "adbc:?a=b", "adbc:x?a", "adbc:x?=b"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct gateway_source source;
        cflight_error *error = NULL;
        CHECK_STATUS(gateway_source_parse(wrong[i], false, &source, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        cflight_error_free(error);
    }
}

/* ---- manifests ---- */

static void check_manifest(const char *text, const char *library, const char *entrypoint)
{
    struct gateway_manifest manifest;
    cflight_error *error = NULL;
    char filled[1024];
    (void)snprintf(filled, sizeof filled, "%.700s\n[Driver.shared]\n%s = '/lib/%s.so'\n", text,
                   gateway_manifest_platform, library == NULL ? "x" : library);
    CHECK_OK(gateway_manifest_parse(filled, &manifest, &error), error);
    char expected[64];
    (void)snprintf(expected, sizeof expected, "/lib/%s.so", library == NULL ? "x" : library);
    assert_string_equal(manifest.library, expected);
    if (entrypoint == NULL) {
        assert_null(manifest.entrypoint);
    } else {
        assert_string_equal(manifest.entrypoint, entrypoint);
    }
    gateway_manifest_done(&manifest);
}

/* Goal: the parts of a manifest that loading needs are found in all of its forms.
 * Method: manifests with comments, other tables, lists, quotes and escapes. */
TEST(gateway_manifest, libraries_are_found)
{
    struct gateway_manifest manifest;
    cflight_error *error = NULL;
    check_manifest("manifest_version = 1 # the only one\nname = 'x'", "one", NULL);
    check_manifest("[ Driver ]\nentrypoint = \"My\\\"Init\"", "two", "My\"Init");
    check_manifest("[ADBC]\nversion = '1.1.0'\n[ADBC.features]\nsupported = [\n 'a',\n 'b' ]\n"
                   "[[other]]\nx = { y = 1 }",
                   "three", NULL);
    CHECK_OK(gateway_manifest_parse("[Driver]\r\n  shared = '/a b'\r\n", &manifest, &error), error);
    assert_string_equal(manifest.library, "/a b");
    gateway_manifest_done(&manifest);
    CHECK_OK(gateway_manifest_parse("[Driver.shared]\nplan9_vax = '/x'", &manifest, &error), error);
    assert_null(manifest.library);
}

/* Goal: what is wrong is told with its line.
 * Method: damaged manifests. */
TEST(gateway_manifest, damage_is_told)
{
    static const char *const wrong[][2] = {
        {"\n[Driver]\nshared = '/x", "line 3"},
        {"[Driver]\nshared = \"\\q\"", "line 2"},
        {"[Driver", "line 1"},
        {"manifest_version = 2", "manifest_version"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct gateway_manifest manifest;
        cflight_error *error = NULL;
        CHECK_STATUS(gateway_manifest_parse(wrong[i][0], &manifest, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        assert_non_null(strstr(cflight_error_message(error), wrong[i][1]));
        cflight_error_free(error);
    }
}

/* ---- places ---- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

struct places {
    char directory[64];
    char manifest[128];
    char library[128];
    char *path_before;
};

static void make_places(struct places *places)
{
    memcpy(places->directory, "/tmp/cflight-find-XXXXXX", 25);
    assert_non_null(mkdtemp(places->directory));
    (void)snprintf(places->manifest, sizeof places->manifest, "%s/mine.toml", places->directory);
    (void)snprintf(places->library, sizeof places->library, "%s/libadbc_driver_mine.so",
                   places->directory);
    assert_int_equal(setenv("ADBC_DRIVER_PATH", places->directory, 1), 0);
    /* Nothing of the machine's own. */
    assert_int_equal(setenv("HOME", places->directory, 1), 0);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    assert_int_equal(unsetenv("VIRTUAL_ENV"), 0);
    assert_int_equal(unsetenv("CONDA_PREFIX"), 0);
    places->path_before = getenv("PATH") == NULL ? NULL : strdup(getenv("PATH"));
    assert_int_equal(setenv("PATH", places->directory, 1), 0);
}

static void remove_places(struct places *places)
{
    (void)unlink(places->manifest);
    (void)unlink(places->library);
    assert_int_equal(rmdir(places->directory), 0);
    assert_int_equal(unsetenv("ADBC_DRIVER_PATH"), 0);
    if (places->path_before != NULL) {
        assert_int_equal(setenv("PATH", places->path_before, 1), 0);
        free(places->path_before);
    }
}

/* Goal: a driver is found by its short name and its long one, a manifest before a library.
 * Method: put a library into a directory, then a manifest beside it. */
TEST(gateway_find, names_lead_to_libraries_and_manifests)
{
    static const char *const names[] = {"mine", "adbc_driver_mine"};
    struct places places;
    struct gateway_manifest found;
    cflight_error *error = NULL;
    char text[256];
    make_places(&places);
    write_file(places.library, "");
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(gateway_find_driver(names[i], NULL, &found, &error), error);
        assert_string_equal(found.library, places.library);
        gateway_manifest_done(&found);
    }
    (void)snprintf(text, sizeof text, "[Driver]\nentrypoint='E'\nshared='/elsewhere.so'\n");
    write_file(places.manifest, text);
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(gateway_find_driver(names[i], NULL, &found, &error), error);
        assert_string_equal(found.library, "/elsewhere.so");
        assert_string_equal(found.entrypoint, "E");
        gateway_manifest_done(&found);
    }
    CHECK_OK(gateway_find_driver(places.manifest, NULL, &found, &error), error);
    gateway_manifest_done(&found);
    CHECK_OK(gateway_find_driver(places.library, NULL, &found, &error), error);
    assert_string_equal(found.library, places.library);
    gateway_manifest_done(&found);
    remove_places(&places);
}

/* Goal: what is not found tells where it was looked for, and what brings it; a manifest that is
 * wrong is not passed over.
 * Method: look for a driver that is nowhere, and by a manifest without this machine. */
TEST(gateway_find, what_is_missing_is_told)
{
    struct places places;
    struct gateway_manifest found;
    cflight_error *error = NULL;
    make_places(&places);
    CHECK_STATUS(gateway_find_driver("mine", "a-package (pip)", &found, &error), CFLIGHT_NOT_FOUND);
    const char *message = cflight_error_message(error);
    assert_non_null(strstr(message, "install a-package (pip)"));
    assert_non_null(strstr(message, places.manifest));
    assert_non_null(strstr(message, places.library));
    assert_non_null(strstr(message, "/etc/adbc/drivers/mine.toml"));
    assert_non_null(strstr(message, "/.config/adbc/drivers/mine.toml"));
    assert_non_null(strstr(message, "libadbc_driver_mine.so in the path of the loader"));
    cflight_error_free(error);
    error = NULL;
    write_file(places.manifest, "[Driver.shared]\nplan9_vax = '/x'\n");
    CHECK_STATUS(gateway_find_driver("mine", NULL, &found, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), "no library for this machine"));
    cflight_error_free(error);
    remove_places(&places);
}

/* Goal: entry points are those that the driver manager derives.
 * Method: the names of libraries that are about. */
TEST(gateway_load, entry_points_follow_from_names)
{
    static const char *const names[][2] = {
        {"/usr/lib/libadbc_driver_sqlite.so.113", "AdbcDriverSqliteInit"},
        {"libadbc_driver_flightsql.so", "AdbcDriverFlightsqlInit"},
        {"libcflight_adbc.so", "AdbcCflightAdbcInit"},
        {"proprietary_engine", "AdbcProprietaryEngineInit"},
    };
    char name[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(gateway_entrypoint_of(names[i][0], name, sizeof name));
        assert_string_equal(name, names[i][1]);
    }
    assert_false(gateway_entrypoint_of("libaaaaaaaaaaaaaaaaaaaa.so", name, 16));
    assert_false(gateway_entrypoint_of("/x/.so", name, sizeof name));
}
