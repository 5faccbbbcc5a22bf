/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_HANDLES_H
#define CFL_SQL_SERVER_HANDLES_H

#include "sql/server/kit.h"

/* What clients name by 16 random bytes: prepared statements, transactions, results. The first
 * member of each. Locks: the server's protects all that is not said to be constant. */
struct cfl_sql_handle {
    struct cfl_refcount refs; /* the table's, and one of each who uses it */
    cflight_sql_server *server;
    enum cfl_sql_handle_kind kind;
    uint8_t id[CFL_SQL_ID_BYTES];
    void (*release)(struct cfl_sql_handle *handle); /* of the last reference */
    void (*end)(struct cfl_sql_handle *handle);     /* its time is over; or NULL */
    int64_t idle_ms;
    int64_t ends_ns; /* whatever happens */
    int64_t used_ns;
    uint32_t user_count;
    bool is_listed;
    bool is_taken; /* its client has it: while nobody uses it, it may make room */
    struct cfl_list node;
    struct cfl_list spare_node; /* of the server's that may make room, the longest unused first */
    struct cfl_list owner_spare_node; /* of its owner's */
    struct cfl_sql_owner *owner;      /* while it is listed */
};

/* Lists a new handle, with a reference for the table; the caller keeps his. Its bytes are those of
 * `id`, or random for NULL. Where there are too many, a result that was taken makes room;
 * RESOURCE_EXHAUSTED when there is none. */
cflight_status cfl_sql_handle_add(struct cfl_sql_handle *handle, const cflight_sql_call *call,
                                  const uint8_t *id, cflight_error **reterr);
/* Finds one of the caller's; to be put back. NOT_FOUND */
cflight_status cfl_sql_handle_find(const cflight_sql_call *call, enum cfl_sql_handle_kind kind,
                                   struct cflight_bytes id, struct cfl_sql_handle **ret_handle,
                                   cflight_error **reterr);
/* Ends a use; NULL is ignored. */
void cfl_sql_handle_put(struct cfl_sql_handle *handle);
/* Takes it out of the table; false when somebody else has. */
bool cfl_sql_handle_remove(struct cfl_sql_handle *handle);
/* NULL is ignored. */
void cfl_sql_handle_unref(struct cfl_sql_handle *handle);
/* Tells whether it is still in the table. */
bool cfl_sql_handle_is_listed(struct cfl_sql_handle *handle);
/* Its client has what it stands for: from now on a result may make room for others. */
void cfl_sql_handle_set_taken(struct cfl_sql_handle *handle);
/* Ends the result that was taken and is unused for the longest; false when there is none. */
bool cfl_sql_handles_make_room(cflight_sql_server *server);
/* It ends this long from now, whatever happens, and not before. */
void cfl_sql_handle_extend(struct cfl_sql_handle *handle, int64_t total_ms);
/* Ends what has not been used for too long, or everything; returns when something is due. */
int64_t cfl_sql_handles_sweep(cflight_sql_server *server, bool is_over);
/* Wakes the clock if something is due before it looks again. Under the server's lock. */
void cfl_sql_handles_wake_locked(cflight_sql_server *server, int64_t next_ns);

#endif /* CFL_SQL_SERVER_HANDLES_H */
