/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_OAUTH_OPTIONS_H
#define CFL_OAUTH_OPTIONS_H

#include "cflight/oauth.h"

/* The texts of the options: their names, where they are, and what they are called in a form. */
struct cfl_oauth_text {
    const char *name;
    size_t offset;         /* in struct cflight_oauth_options */
    const char *form_name; /* NULL: it is not sent in the form by itself */
    bool is_secret;
    bool is_exchange_only;
};

enum { CFL_OAUTH_TEXT_COUNT = 11 };
extern const struct cfl_oauth_text cfl_oauth_texts[CFL_OAUTH_TEXT_COUNT];

/* A text of the options; NULL for none. */
static inline const char *cfl_oauth_text_of(const struct cflight_oauth_options *options,
                                            const struct cfl_oauth_text *text)
{
    return *(const char *const *)((const char *)options + text->offset);
}

/* Whether what is needed is there. INVALID_ARGUMENT. */
cflight_status cfl_oauth_options_check(const struct cflight_oauth_options *options,
                                       cflight_error **reterr);

#endif /* CFL_OAUTH_OPTIONS_H */
