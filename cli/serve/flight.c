/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the file of a flight, and says what is wrong with it in words that may travel. */
#include "cli/serve/flight.h"

#include <fcntl.h>

#include "cli/system/message.h"
#include "cli/system/os_error.h"

cflight_status cli_flight_blame(const char *name, cflight_status status, cflight_error *cause,
                                cflight_error **reterr)
{
    status =
        cflight_error_set(reterr, status, "flight '%s': %s", name, cflight_error_message(cause));
    cflight_error_free(cause);
    return status;
}

/* What the server may not do is no matter of who asks: PERMISSION_DENIED would send a client to
 * look for a better login. */
static cflight_status blame_server(const char *name, cflight_status status, cflight_error *cause,
                                   cflight_error **reterr)
{
    if (status != CFLIGHT_PERMISSION_DENIED) {
        return cli_flight_blame(name, status, cause, reterr);
    }
    cflight_error_free(cause);
    return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                             "flight '%s': the server has no permission to read its file", name);
}

cflight_status cli_flight_open(const struct cli_serve *serve, const char *name,
                               struct cli_mapped_file *ret_file, cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    cflight_error *cause = NULL;
    int fd = -1;
    cflight_status status = cli_catalog_open(&serve->catalog, name, O_RDONLY, &path, &fd, &cause);
    if (status == CFLIGHT_NOT_FOUND || status == CFLIGHT_INVALID_ARGUMENT) {
        return cli_error_give(cause, reterr); /* it says all that there is to say */
    }
    if (status == CFLIGHT_OK) {
        status = cli_mapped_file_open_fd(ret_file, fd, cli_text_terminated(&path),
                                         serve->read_options, &cause);
    }
    cli_text_done(&path);
    return status == CFLIGHT_OK ? CFLIGHT_OK : blame_server(name, status, cause, reterr);
}

cflight_status cli_flight_check(const char *name, const struct cli_mapped_file *file,
                                cflight_error **reterr)
{
    cflight_error *cause = NULL;
    cflight_status status = cli_mapped_file_check(file, &cause);
    return status == CFLIGHT_OK ? CFLIGHT_OK : cli_flight_blame(name, status, cause, reterr);
}

cflight_status cli_flight_check_rights(const struct cli_serve *serve,
                                       const cflight_server_context *context, const char *name,
                                       cflight_error **reterr)
{
    return cli_rights_allow_caller(serve->rights, context, CLI_RIGHT_READ, name)
               ? CFLIGHT_OK
               : cli_catalog_no_flight(name, reterr);
}

cflight_status cli_flight_check_upload(const struct cli_serve *serve,
                                       cflight_server_context *context, const char *name,
                                       cflight_error **reterr)
{
    cflight_server_context_set_subject(context, cflight_bytes_from_text(name));
    return cli_rights_allow_caller(serve->rights, context, CLI_RIGHT_WRITE, name)
               ? CFLIGHT_OK
               : cflight_error_set(reterr, CFLIGHT_PERMISSION_DENIED,
                                   "you have no right to upload flight '%s'", name);
}
