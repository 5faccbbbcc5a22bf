/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the options of cflight serve make sense together. What cannot be meant is refused before
 * anything is opened. */
#include "cli/commands/serving.h"

static cflight_status refuse(struct cli_serving *serving, const char *message,
                             cflight_error **reterr)
{
    return cli_run_refuse(serving->run, message, reterr);
}

/* Passwords that cross a network in plain text are the user's wish, or a mistake. */
static cflight_status check_passwords(struct cli_serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    if (given->auth_path == NULL) {
        return !given->takes_plain_passwords && !given->takes_writable_auth_file
                   ? CFLIGHT_OK
                   : refuse(serving,
                            "--allow-plain-passwords and --allow-writable-auth-file need "
                            "--auth-file",
                            reterr);
    }
    if (serving->places.is_exposed && !given->takes_plain_passwords) {
        return refuse(serving,
                      "--auth-file on an address that other machines reach needs --tls-cert and "
                      "--tls-key, or --allow-plain-passwords, since passwords and tokens travel "
                      "as they are",
                      reterr);
    }
    return CFLIGHT_OK;
}

/* Rights are those of somebody. */
static cflight_status check_rights(struct cli_serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    return given->rights_path == NULL || given->auth_path != NULL || given->ca_path != NULL
               ? CFLIGHT_OK
               : refuse(serving, "--rights needs --auth-file or --tls-ca, which tell users apart",
                        reterr);
}

/* What is said of one kind of source must not be lost on the other. */
static cflight_status check_source(struct cli_serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    const struct cli_database_options *database = &given->database;
    bool is_of_database = database->is_read_only || database->init_path != NULL ||
                          database->query_ms != 0 || database->result_rows_max != 0 ||
                          database->connections_max != 0 || database->transaction_idle_ms != 0;
    if (!serving->is_database && is_of_database) {
        return refuse(serving,
                      "--read-only, --init, --query-timeout, --transaction-timeout, "
                      "--result-rows-max and --database-connections-max are of databases, not of "
                      "a directory",
                      reterr);
    }
    if (serving->is_database && given->advertise.count > 0) {
        return refuse(serving,
                      "--advertise is of directories: the results of a database are fetched where "
                      "they were asked for",
                      reterr);
    }
    if (serving->is_database && given->is_writable) {
        return refuse(serving,
                      "--writable is of directories; a database is written to unless --read-only "
                      "says otherwise",
                      reterr);
    }
    return CFLIGHT_OK;
}

/* TLS options and a location without TLS would end in plain text where the user expects none. */
static cflight_status check_options(struct cli_serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    const struct cli_tls_options *tls = &serving->run->arguments->tls;
    bool has_cert = given->cert_path != NULL;
    if (has_cert != (given->key_path != NULL) ||
        (!has_cert && (given->ca_path != NULL || cli_tls_option_given(tls) != NULL))) {
        return refuse(serving,
                      "--tls-cert and --tls-key belong together, other TLS options need both",
                      reterr);
    }
    if (tls->crl_path != NULL && given->ca_path == NULL) {
        return refuse(serving, "--tls-crl needs --tls-ca", reterr);
    }
    if (cli_quota_is_on(&serving->serve.quota) && !given->is_writable) {
        return refuse(serving, "limits on uploads need --writable", reterr);
    }
    if (given->may_overwrite && !given->is_writable) {
        return refuse(serving, "--overwrite needs --writable", reterr);
    }
    cflight_status status = check_source(serving, reterr);
    if (status == CFLIGHT_OK) {
        status = check_rights(serving, reterr);
    }
    return status;
}

static cflight_status choose_places(struct cli_serving *serving, cflight_error **reterr)
{
    cflight_status status = cli_passed_sockets_take(&serving->passed, reterr);
    if (status == CFLIGHT_OK) {
        status =
            cli_serve_places_choose(serving->given, &serving->passed, &serving->places, reterr);
    }
    if (status == CFLIGHT_INVALID_ARGUMENT) {
        serving->run->exit_code = CLI_EXIT_USAGE;
    }
    serving->serve.advertised = serving->places.advertised;
    serving->serve.advertised_count = serving->places.advertised_count;
    serving->serve.endpoint_bytes = serving->given->endpoint_bytes;
    return status;
}

cflight_status cli_serving_check(struct cli_serving *serving, cflight_error **reterr)
{
    bool has_cert = serving->given->cert_path != NULL;
    cflight_status status = check_options(serving, reterr);
    if (status == CFLIGHT_OK) {
        status = choose_places(serving, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (has_cert && !serving->places.has_tls) {
        return refuse(serving, "--tls-cert needs a grpc+tls:// location to listen on", reterr);
    }
    if (serving->places.has_tls && !has_cert) {
        return refuse(serving, "a grpc+tls:// location needs --tls-cert and --tls-key", reterr);
    }
    return check_passwords(serving, reterr);
}
