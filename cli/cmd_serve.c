/* SPDX-License-Identifier: Apache-2.0 */
/* cflight serve: starts the server over a directory and waits for signals.
 *
 * The directory becomes the working directory of the process, so all paths that handlers use are
 * relative to it; the paths of TLS files are made absolute before. Signals are blocked in all
 * threads and taken here. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/file_content.h"
#include "cli/memory.h"
#include "cli/message.h"
#include "cli/os_error.h"
#include "cli/serve.h"

#define DEFAULT_LOCATION "grpc://localhost:32010"

enum { DEFAULT_GRACE_MS = 30000, POLL_MS = 50 };

/* The TLS files, and what was read from them last. */
struct tls_files {
    char *cert_path;
    char *key_path;
    char *ca_path;
    struct cli_text cert;
    struct cli_text key;
    struct cli_text ca;
    struct cflight_tls_key_pair pair;
};

static cflight_status keep_path(const struct cli_arguments *arguments, enum cli_option_id option,
                                char **ret_path, cflight_error **reterr)
{
    if (!cli_has(arguments, option)) {
        return CFLIGHT_OK;
    }
    char *absolute = realpath(arguments->values[option], NULL);
    if (absolute == NULL) {
        return cli_error_from_errno(reterr, errno, "read", arguments->values[option]);
    }
    *ret_path = cli_strdup(absolute);
    free(absolute);
    return *ret_path == NULL ? cli_error_no_memory(reterr, "starting") : CFLIGHT_OK;
}

static cflight_status keep_paths(struct cli_run *run, struct tls_files *files,
                                 cflight_error **reterr)
{
    const struct cli_arguments *arguments = run->arguments;
    bool has_cert = cli_has(arguments, CLI_OPTION_SERVER_TLS_CERT);
    if (has_cert != cli_has(arguments, CLI_OPTION_SERVER_TLS_KEY) ||
        (!has_cert && cli_has(arguments, CLI_OPTION_TLS_CA))) {
        run->exit_code = CLI_EXIT_USAGE;
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "--tls-cert and --tls-key belong together, --tls-ca needs both");
    }
    cflight_status status =
        keep_path(arguments, CLI_OPTION_SERVER_TLS_CERT, &files->cert_path, reterr);
    if (status == CFLIGHT_OK) {
        status = keep_path(arguments, CLI_OPTION_SERVER_TLS_KEY, &files->key_path, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = keep_path(arguments, CLI_OPTION_TLS_CA, &files->ca_path, reterr);
    }
    return status;
}

static cflight_status read_again(struct cli_text *content, const char *path, cflight_error **reterr)
{
    cli_text_done(content);
    return path == NULL ? CFLIGHT_OK : cli_file_read(content, path, reterr);
}

/* Reads the files and makes the settings that point at them. */
static cflight_status read_tls(struct tls_files *files, struct cflight_server_tls *ret_tls,
                               cflight_error **reterr)
{
    cflight_status status = read_again(&files->cert, files->cert_path, reterr);
    if (status == CFLIGHT_OK) {
        status = read_again(&files->key, files->key_path, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_again(&files->ca, files->ca_path, reterr);
    }
    if (status != CFLIGHT_OK || files->cert_path == NULL) {
        return status;
    }
    files->pair =
        (struct cflight_tls_key_pair){cli_text_bytes(&files->cert), cli_text_bytes(&files->key)};
    *ret_tls = (struct cflight_server_tls){.key_pairs = &files->pair, .key_pair_count = 1};
    if (files->ca_path != NULL) {
        ret_tls->client_certificate = CFLIGHT_CLIENT_CERTIFICATE_REQUIRED;
        ret_tls->client_root_certs = cli_text_bytes(&files->ca);
    }
    return CFLIGHT_OK;
}

static void tls_files_done(struct tls_files *files)
{
    cli_free(files->cert_path);
    cli_free(files->key_path);
    cli_free(files->ca_path);
    cli_text_done(&files->cert);
    cli_text_done(&files->key);
    cli_text_done(&files->ca);
}

static cflight_status start(struct cli_run *run, struct cli_serve *serve, struct tls_files *files,
                            cflight_server **ret_server, cflight_error **reterr)
{
    const struct cli_arguments *arguments = run->arguments;
    const char *location = arguments->values[CLI_OPTION_LISTEN];
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_ipc_write_options write_options = CFLIGHT_IPC_WRITE_OPTIONS_INIT;
    handlers.user_data = serve;
    cli_serve_add_handlers(&handlers);
    if (cli_has(arguments, CLI_OPTION_WRITABLE)) {
        handlers.do_put = cli_serve_do_put;
    }
    write_options.compression = cli_compression(arguments);
    options.write_options = &write_options;
    cflight_status status = read_tls(files, &options.tls, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return cflight_server_new(location == NULL ? DEFAULT_LOCATION : location, &handlers, &options,
                              ret_server, reterr);
}

static void reload_tls(cflight_server *server, struct tls_files *files)
{
    struct cflight_server_tls tls = {0};
    cflight_error *error = NULL;
    if (files->cert_path == NULL) {
        return;
    }
    cflight_status status = read_tls(files, &tls, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_server_reload_tls(server, &tls, &error);
    }
    if (status == CFLIGHT_OK) {
        cli_message("read the TLS files again");
    } else {
        cli_message_error("the TLS files were not taken, the old ones stay", error);
    }
    cflight_error_free(error);
}

static void make_signal_set(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
}

/* Waits for SIGINT or SIGTERM; SIGHUP reads the TLS files again. */
static void wait_for_end(cflight_server *server, struct tls_files *files)
{
    sigset_t set;
    int number = 0;
    make_signal_set(&set);
    while (number != SIGINT && number != SIGTERM) {
        number = sigwaitinfo(&set, NULL);
        if (number == SIGHUP) {
            reload_tls(server, files);
        }
    }
}

/* Lets running calls finish; another signal cuts them. */
static void drain(cflight_server *server, int64_t grace_ms)
{
    const struct timespec at_once = {0};
    sigset_t set;
    make_signal_set(&set);
    cflight_server_shutdown(server, grace_ms);
    while (!cflight_server_wait_for(server, POLL_MS)) {
        int number = sigtimedwait(&set, NULL, &at_once);
        if (number == SIGINT || number == SIGTERM) {
            cflight_server_shutdown(server, 0);
        }
    }
}

static cflight_status announce(struct cli_run *run, const cflight_server *server,
                               cflight_error **reterr)
{
    struct cli_text line = CLI_TEXT_INIT;
    cli_text_append_format(&line, "Listening on %s\n", cflight_server_location(server));
    cflight_status status = cli_run_print(run, &line, reterr);
    cli_text_done(&line);
    return status;
}

cflight_status cli_run_serve(struct cli_run *run, cflight_error **reterr)
{
    const struct cli_arguments *arguments = run->arguments;
    struct tls_files files = {0};
    cflight_server *server = NULL;
    struct cli_serve serve = {.may_overwrite = cli_has(arguments, CLI_OPTION_OVERWRITE),
                              .is_quiet = cli_has(arguments, CLI_OPTION_QUIET),
                              .commit_mutex = PTHREAD_MUTEX_INITIALIZER};

    run->exit_code = CLI_EXIT_FAILURE; /* whatever goes wrong here, no server said it */
    cflight_status status = keep_paths(run, &files, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    if (chdir(arguments->positionals[0]) != 0) {
        status = cli_error_from_errno(reterr, errno, "serve", arguments->positionals[0]);
        goto done;
    }
    status = cli_catalog_init(&serve.catalog, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    status = start(run, &serve, &files, &server, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    status = announce(run, server, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    wait_for_end(server, &files);
    drain(server, cli_milliseconds(arguments, CLI_OPTION_GRACE, DEFAULT_GRACE_MS));
    run->exit_code = CLI_EXIT_OK;

done:
    cflight_server_free(server);
    cli_catalog_done(&serve.catalog);
    tls_files_done(&files);
    return status;
}
