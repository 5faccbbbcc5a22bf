/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_GUIDE_FRAME_H
#define CFLIGHT_TESTS_GUIDE_FRAME_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cflight/cflight.h"

/* What the snippets of a page of the guide run in: a server on loopback with the flight "weather",
 * a client of it, and the file weather.arrow in the working directory. tools/check_snippets writes
 * the rest of the program: a function for each section of the page, which is given what it names.
 */

enum guide_needs {
    GUIDE_READER = 1,   /* a DoGet under way */
    GUIDE_WRITER = 2,   /* runs in the handler of a DoGet */
    GUIDE_RESPONSE = 4, /* runs in the handler of an action */
    GUIDE_INFO = 8,     /* the table's */
};

struct guide {
    cflight_client *client;
    cflight_server *server;
    struct ArrowSchema *schema;
    struct ArrowArray *batch;
    const struct cflight_descriptor *descriptor;
    struct cflight_info *info;
    cflight_reader *reader;
    cflight_writer *writer;
    cflight_server_context *context;
    cflight_response *response;
    const struct cflight_action *action;
};

struct guide_section {
    void (*run)(struct guide *guide);
    unsigned needs;
};

/* The page's. The list of sections ends with an empty one; handlers that the page has come before
 * those of the frame, and are called once. With passwords the server asks for alice's. */
extern const struct guide_section guide_sections[];
extern const struct cflight_server_handlers guide_handlers;
extern const bool guide_has_tls;
extern const bool guide_has_passwords;

/* Ends the program unless `status` is OK. Frees the error. */
void guide_check(const char *place, cflight_status status, cflight_error *error);

/* What stands for locations in the page, and for the wait until somebody ends a server. */
const char *guide_location(void);
const char *guide_tls_location(void);
void guide_server_wait(cflight_server *server);

#endif /* CFLIGHT_TESTS_GUIDE_FRAME_H */
