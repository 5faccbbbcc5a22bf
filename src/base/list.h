/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_LIST_H
#define CFL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* An intrusive, circular, doubly linked list. A zeroed node is "in no list"; a head must be
 * initialised. */
struct cfl_list {
    struct cfl_list *next;
    struct cfl_list *prev;
};

#define CFL_LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void cfl_list_init(struct cfl_list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool cfl_list_is_empty(const struct cfl_list *head)
{
    return head->next == head;
}

static inline bool cfl_list_is_linked(const struct cfl_list *node)
{
    return node->next != NULL && node->next != node;
}

static inline void cfl_list_append(struct cfl_list *head, struct cfl_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Safe on a node that is in no list. */
static inline void cfl_list_remove(struct cfl_list *node)
{
    if (node->next != NULL) {
        node->prev->next = node->next;
        node->next->prev = node->prev;
        node->next = NULL;
        node->prev = NULL;
    }
}

/* Unlinks and returns the first node, or NULL. */
static inline struct cfl_list *cfl_list_take_first(struct cfl_list *head)
{
    if (cfl_list_is_empty(head)) {
        return NULL;
    }
    struct cfl_list *node = head->next;
    cfl_list_remove(node);
    return node;
}

#endif /* CFL_BASE_LIST_H */
