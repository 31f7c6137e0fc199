/* NumPy's .npy (numpy.lib.format), versions 1.0, 2.0 and 3.0: arrays of one and two dimensions of booleans, integers
 * and reals, in both byte orders and both orders of indices. Nothing is ever unpickled. */
#ifndef QLSTM_DATA_NPY_H
#define QLSTM_DATA_NPY_H

#include "engine/data/table.h"

bool npy_sniff(const unsigned char *bytes, size_t length);

/* As data_kind.parse. ERR_SYNTAX with the byte where the file is not .npy; ERR_INVALID with the dtype or the shape
 * where it is one that is not read: objects, structures, complex numbers, text, dates; no dimension, or more than two.
 */
int npy_parse(const unsigned char *bytes, size_t length, int values, struct table *out, struct qlstm_error *error);

#endif
