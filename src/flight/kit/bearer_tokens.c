/* SPDX-License-Identifier: Apache-2.0 */
/* The table of bearer tokens.
 *
 * A token is an id, which finds the entry by binary search, and a secret, which is compared in
 * constant time: how long a look-up takes tells something about ids only, and an id alone opens
 * nothing. Both come from the operating system's random generator. Expired tokens leave when room
 * is wanted or when they are looked up; beyond the bounds the oldest go, those of the same identity
 * first, so that no user can push out another's by asking for tokens. Who was verified before his
 * tokens were revoked gets none afterwards: the last revocations are remembered, by a hash, and
 * whoever took longer than all of them is refused as well. Memory that held a secret is wiped.
 * Thread class: free; the mutex is a leaf. */
#include "flight/kit/bearer_tokens.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/search.h"
#include "base/secrets.h"

struct cfl_token {
    uint8_t id[CFL_TOKEN_ID_BYTES];
    uint8_t secret[CFL_TOKEN_SECRET_BYTES];
    cflight_buffer *identity;
    int64_t expires_ns;
    uint64_t order;
};

bool cfl_token_table_init(struct cfl_token_table *table, const struct cflight_allocator *alloc,
                          const struct cfl_clock *clock, const struct cfl_token_limits *limits)
{
    memset(table, 0, sizeof *table);
    table->alloc = alloc;
    table->clock = clock;
    table->limits = *limits;
    return pthread_mutex_init(&table->mutex, NULL) == 0;
}

static void free_token(struct cfl_token_table *table, struct cfl_token *token)
{
    cflight_buffer_unref(token->identity);
    explicit_bzero(token, sizeof *token);
    cfl_free(table->alloc, token, sizeof *token);
}

void cfl_token_table_done(struct cfl_token_table *table)
{
    for (size_t i = 0; i < table->locked.count; i++) {
        free_token(table, table->locked.tokens[i]);
    }
    cfl_free_array(table->alloc, table->locked.tokens, table->locked.capacity,
                   sizeof *table->locked.tokens);
    (void)pthread_mutex_destroy(&table->mutex);
}

static int64_t expiry(const struct cfl_token_table *table, int64_t now_ns)
{
    return cfl_deadline_after_ms(now_ns, table->limits.lifetime_ms);
}

static int compare_id(const void *element, const void *id)
{
    const struct cfl_token *const *token = element;
    return memcmp((*token)->id, id, CFL_TOKEN_ID_BYTES);
}

static bool find_id_locked(const struct cfl_token_table *table, const uint8_t *id,
                           size_t *ret_index)
{
    return cfl_search(table->locked.tokens, table->locked.count, sizeof *table->locked.tokens, id,
                      compare_id, ret_index);
}

static void remove_locked(struct cfl_token_table *table, size_t index)
{
    struct cfl_token **place = &table->locked.tokens[index];
    free_token(table, *place);
    table->locked.count--;
    memmove(place, place + 1, (table->locked.count - index) * sizeof *place);
}

static void drop_expired_locked(struct cfl_token_table *table, int64_t now_ns)
{
    for (size_t i = table->locked.count; i-- > 0;) {
        if (table->locked.tokens[i]->expires_ns <= now_ns) {
            remove_locked(table, i);
        }
    }
}

static bool belongs_to(const struct cfl_token *token, const struct cflight_bytes *identity)
{
    return identity == NULL ||
           cflight_bytes_equal(cflight_buffer_bytes(token->identity), *identity);
}

/* Drops the oldest token of an identity (NULL: of all) when there are `max` of them. */
static void make_room_locked(struct cfl_token_table *table, const struct cflight_bytes *identity,
                             size_t max)
{
    size_t count = 0;
    size_t oldest = 0;
    for (size_t i = 0; i < table->locked.count; i++) {
        if (!belongs_to(table->locked.tokens[i], identity)) {
            continue;
        }
        if (count == 0 || table->locked.tokens[i]->order < table->locked.tokens[oldest]->order) {
            oldest = i;
        }
        count++;
    }
    if (count > 0 && count >= max) {
        remove_locked(table, oldest);
    }
}

/* Takes the token on success. */
static bool insert_locked(struct cfl_token_table *table, struct cfl_token *token)
{
    struct cflight_bytes identity = cflight_buffer_bytes(token->identity);
    int64_t now_ns = cfl_clock_now_ns(table->clock);
    size_t index = 0;
    drop_expired_locked(table, now_ns);
    make_room_locked(table, &identity, table->limits.tokens_per_identity_max);
    make_room_locked(table, NULL, table->limits.tokens_max);
    if (find_id_locked(table, token->id, &index) ||
        !cfl_grow_array(table->alloc, (void **)&table->locked.tokens, &table->locked.capacity,
                        table->locked.count + 1, sizeof *table->locked.tokens)) {
        return false;
    }
    token->expires_ns = expiry(table, now_ns);
    token->order = table->locked.next_order++;
    struct cfl_token **place = &table->locked.tokens[index];
    memmove(place + 1, place, (table->locked.count - index) * sizeof *place);
    *place = token;
    table->locked.count++;
    return true;
}

static bool is_revoked_locked(const struct cfl_token_table *table, cflight_buffer *identity,
                              uint64_t mark)
{
    /* Two identities with one hash do no harm: a login is made again. */
    uint64_t hash = cfl_hash(cflight_buffer_bytes(identity));
    if (table->locked.revocation_count - mark > CFL_REVOCATIONS_KEPT) {
        return true;
    }
    for (uint64_t i = mark; i < table->locked.revocation_count; i++) {
        if (table->locked.revocations[i % CFL_REVOCATIONS_KEPT] == hash) {
            return true;
        }
    }
    return false;
}

uint64_t cfl_token_table_mark(struct cfl_token_table *table)
{
    (void)pthread_mutex_lock(&table->mutex);
    uint64_t mark = table->locked.revocation_count;
    (void)pthread_mutex_unlock(&table->mutex);
    return mark;
}

/* Makes a token that is in no table, with its text. */
static cflight_status new_token(struct cfl_token_table *table, cflight_buffer *identity,
                                struct cfl_token **ret_token, char *ret_text,
                                cflight_error **reterr)
{
    uint8_t random[CFL_TOKEN_ID_BYTES + CFL_TOKEN_SECRET_BYTES];
    struct cfl_token *token = cfl_alloc_zeroed(table->alloc, sizeof *token);
    if (token == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = cfl_random_bytes(random, sizeof random, reterr);
    if (status != CFLIGHT_OK) {
        free_token(table, token);
    } else {
        memcpy(token->id, random, CFL_TOKEN_ID_BYTES);
        memcpy(token->secret, random + CFL_TOKEN_ID_BYTES, CFL_TOKEN_SECRET_BYTES);
        token->identity = cflight_buffer_ref(identity);
        cfl_hex_write(random, sizeof random, ret_text);
        *ret_token = token;
    }
    explicit_bzero(random, sizeof random);
    return status;
}

cflight_status cfl_token_table_issue(struct cfl_token_table *table, cflight_buffer *identity,
                                     uint64_t mark, char ret_text[CFL_TOKEN_TEXT_BYTES + 1],
                                     cflight_error **reterr)
{
    struct cfl_token *token = NULL;
    char text[CFL_TOKEN_TEXT_BYTES + 1];
    cflight_status status = new_token(table, identity, &token, text, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&table->mutex);
    bool is_revoked = is_revoked_locked(table, identity, mark);
    bool is_in = !is_revoked && insert_locked(table, token);
    (void)pthread_mutex_unlock(&table->mutex);
    if (is_in) {
        memcpy(ret_text, text, sizeof text);
    } else {
        free_token(table, token);
        status = is_revoked ? cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED,
                                                        "The user was changed during the login")
                            : cfl_error_no_memory(reterr);
    }
    explicit_bzero(text, sizeof text);
    return status;
}

/* Index of the valid token with this id and secret. */
static bool find_bytes_locked(struct cfl_token_table *table, const uint8_t *bytes, int64_t now_ns,
                              size_t *ret_index)
{
    if (!find_id_locked(table, bytes, ret_index)) {
        return false;
    }
    const struct cfl_token *token = table->locked.tokens[*ret_index];
    if (token->expires_ns <= now_ns) {
        remove_locked(table, *ret_index);
        return false;
    }
    return cfl_equal_in_constant_time(token->secret, bytes + CFL_TOKEN_ID_BYTES,
                                      CFL_TOKEN_SECRET_BYTES);
}

/* Index of the valid token with this text. */
static bool find_locked(struct cfl_token_table *table, struct cflight_bytes text, int64_t now_ns,
                        size_t *ret_index)
{
    uint8_t bytes[CFL_TOKEN_ID_BYTES + CFL_TOKEN_SECRET_BYTES];
    bool found = cfl_hex_read(text.data, text.len_bytes, bytes, sizeof bytes) &&
                 find_bytes_locked(table, bytes, now_ns, ret_index);
    explicit_bzero(bytes, sizeof bytes);
    return found;
}

cflight_buffer *cfl_token_table_find(struct cfl_token_table *table, struct cflight_bytes text)
{
    cflight_buffer *identity = NULL;
    size_t index = 0;
    int64_t now_ns = cfl_clock_now_ns(table->clock);
    (void)pthread_mutex_lock(&table->mutex);
    if (find_locked(table, text, now_ns, &index)) {
        struct cfl_token *token = table->locked.tokens[index];
        identity = cflight_buffer_ref(token->identity);
        if (table->limits.use_extends_lifetime) {
            token->expires_ns = expiry(table, now_ns);
        }
    }
    (void)pthread_mutex_unlock(&table->mutex);
    return identity;
}

bool cfl_token_table_revoke(struct cfl_token_table *table, struct cflight_bytes text)
{
    size_t index = 0;
    (void)pthread_mutex_lock(&table->mutex);
    bool found = find_locked(table, text, cfl_clock_now_ns(table->clock), &index);
    if (found) {
        remove_locked(table, index);
    }
    (void)pthread_mutex_unlock(&table->mutex);
    return found;
}

size_t cfl_token_table_revoke_identity(struct cfl_token_table *table, struct cflight_bytes identity)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&table->mutex);
    table->locked.revocations[table->locked.revocation_count++ % CFL_REVOCATIONS_KEPT] =
        cfl_hash(identity);
    drop_expired_locked(table, cfl_clock_now_ns(table->clock));
    for (size_t i = table->locked.count; i-- > 0;) {
        if (belongs_to(table->locked.tokens[i], &identity)) {
            remove_locked(table, i);
            count++;
        }
    }
    (void)pthread_mutex_unlock(&table->mutex);
    return count;
}
