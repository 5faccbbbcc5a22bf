/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_VALIDATE_H
#define CFL_IPC_VALIDATE_H

#include "cflight/arrow_abi.h"
#include "cflight/error.h"
#include "cflight/ipc.h"
#include "ipc/schema.h"

/* Validation of values, at the levels SAFE and FULL: after it, no offset, view, index or type id
 * leads outside the array's memory; after FULL, text is UTF-8 too. What is
 * wrong is reported as `bad_status`, naming the field. All of these pass over every value once, at
 * most. Thread class: free. */

/* A column; of a dictionary-encoded one its indices, not the dictionary, which was checked when it
 * arrived. */
cflight_status cfl_validate_values(const struct cfl_field *field, const struct ArrowArray *array,
                                   enum cflight_validation level, cflight_status bad_status,
                                   cflight_error **reterr);
/* The same, FULL, with all dictionaries. */
cflight_status cfl_validate_all_values(const struct cfl_field *field,
                                       const struct ArrowArray *array, cflight_status bad_status,
                                       cflight_error **reterr);
/* The dictionary of a field: an array of its value type. */
cflight_status cfl_validate_dictionary_values(const struct cfl_field *field,
                                              const struct ArrowArray *values,
                                              enum cflight_validation level,
                                              cflight_status bad_status, cflight_error **reterr);

/* Structure of an array of unknown origin: counts and pointers of buffers and children, lengths,
 * first and last offsets, dictionaries included. To be called before the others, which rely on it;
 * the decoder's arrays have it. */
cflight_status cfl_validate_shape(const struct cfl_field *field, const struct ArrowArray *array,
                                  cflight_status bad_status, cflight_error **reterr);

#endif /* CFL_IPC_VALIDATE_H */
