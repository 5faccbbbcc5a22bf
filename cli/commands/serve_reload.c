/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a server that are read again: when SIGHUP says so, and those of certificates, users and
 * rights also when they have changed. What cannot be read leaves what was read before. */
#include <time.h>

#include "cli/commands/serving.h"
#include "cli/serve/staging.h"
#include "cli/system/clock.h"
#include "cli/system/message.h"

enum watched { WATCHED_TLS = 1, WATCHED_USERS = 2, WATCHED_RIGHTS = 4 };

static void reload_certificates(struct cli_serving *serving)
{
    cflight_error *error = NULL;
    if (!cli_serve_tls_is_on(&serving->tls)) {
        return;
    }
    if (cli_serve_tls_reload(&serving->tls, serving->server, &error) == CFLIGHT_OK) {
        cli_message("certificates were read again");
    } else {
        cli_message_error("certificates were not taken, what was read before stays", error);
    }
    cflight_error_free(error);
}

static void reload_users(struct cli_serving *serving)
{
    cflight_error *error = NULL;
    size_t ended_count = 0;
    if (serving->auth.users == NULL) {
        return;
    }
    if (cli_serve_auth_reload(&serving->auth, &ended_count, &error) == CFLIGHT_OK) {
        cli_message("users were read again; %zu %s ended", ended_count,
                    ended_count == 1 ? "token" : "tokens");
    } else {
        cli_message_error("users were not taken, what was read before stays", error);
    }
    cflight_error_free(error);
}

static void reopen_access_log(struct cli_serving *serving)
{
    cflight_error *error = NULL;
    if (cli_access_log_reopen(&serving->access_log, &error) != CFLIGHT_OK) {
        cli_message_error("the access log was not opened again, the old one goes on", error);
    }
    cflight_error_free(error);
}

/* Files that were removed by hand make room again. */
static void count_again(struct cli_serving *serving)
{
    struct cli_serve *serve = &serving->serve;
    if (serving->is_database) {
        return;
    }
    (void)pthread_mutex_lock(&serve->commit_mutex);
    cflight_status status = cli_staging_count(serve, NULL);
    (void)pthread_mutex_unlock(&serve->commit_mutex);
    if (status == CFLIGHT_OK && cli_quota_is_on(&serve->quota)) {
        cli_message("flights were counted again");
    }
}

static void reload_rights(struct cli_serving *serving)
{
    cflight_error *error = NULL;
    if (serving->serve.rights == NULL) {
        return;
    }
    if (cli_rights_reload(serving->serve.rights, &error) == CFLIGHT_OK) {
        cli_message("rights were read again");
    } else {
        cli_message_error("rights were not taken, what was read before stays", error);
    }
    cflight_error_free(error);
}

void cli_serving_watch(struct cli_serving *serving)
{
    struct cli_watch *watch = &serving->watch;
    for (size_t i = 0; i < CLI_TLS_FILE_COUNT; i++) {
        cli_watch_add(watch, serving->tls.files[i].path, WATCHED_TLS);
    }
    cli_watch_add(watch, serving->users_path, WATCHED_USERS);
    cli_watch_add(watch, serving->rights_path, WATCHED_RIGHTS);
    cli_watch_note(watch);
}

void cli_serving_look(struct cli_serving *serving)
{
    unsigned due = cli_watch_look(&serving->watch);
    if ((due & WATCHED_TLS) != 0) {
        reload_certificates(serving);
    }
    if ((due & WATCHED_USERS) != 0) {
        reload_users(serving);
    }
    if ((due & WATCHED_RIGHTS) != 0) {
        reload_rights(serving);
    }
}

/* Each for itself: a certificate that is being renewed must not keep a user in who was removed. */
void cli_serving_reload(struct cli_serving *serving)
{
    cli_manager_tell("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(cli_now_ns() / 1000));
    if (serving->watch.count == 0 && !cli_quota_is_on(&serving->serve.quota) &&
        !cli_access_log_is_on(&serving->access_log)) {
        cli_message("there are no certificates and no users to read again");
    }
    cli_watch_note(&serving->watch); /* before they are read: what changes later is seen */
    reload_certificates(serving);
    reload_users(serving);
    reload_rights(serving);
    reopen_access_log(serving);
    count_again(serving);
    cli_manager_tell("READY=1");
}
