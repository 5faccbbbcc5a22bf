/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_VIEWS_H
#define CFL_IPC_VIEWS_H

/* What a view of text or bytes is made of: its length, and the value when that is short; else its
 * first bytes, the index of a data buffer and an offset in it (Arrow columnar: Variable-size Binary
 * View Layout). */
enum {
    CFL_VIEW_BYTES = 16,
    CFL_VIEW_INLINE_BYTES_MAX = 12,
    CFL_VIEW_PREFIX_BYTES = 4,
    CFL_VIEW_PREFIX_AT = 4,
    CFL_VIEW_INDEX_AT = 8,
    CFL_VIEW_OFFSET_AT = 12,
    CFL_VIEW_BUFFERS_BEFORE = 2, /* validity and views, before the data buffers */
    CFL_VIEW_BUFFERS_OTHER = 3,  /* and the sizes, behind them */
};

#endif /* CFL_IPC_VIEWS_H */
