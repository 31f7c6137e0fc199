/* IDX, the format of MNIST (Y. LeCun, "The MNIST database"): two bytes 0, one of the element's type, one with the
 * number of dimensions, the sizes as 32-bit integers, the elements; everything big-endian. Row i of the table is index
 * i of the first dimension: an image of 28 x 28 is a row of 784 columns. */
#ifndef QLSTM_DATA_IDX_H
#define QLSTM_DATA_IDX_H

#include "engine/data/table.h"

bool idx_sniff(const unsigned char *bytes, size_t length);

/* As data_kind.parse. ERR_INVALID past TABLE_MAX_DIMENSIONS. */
int idx_parse(const unsigned char *bytes, size_t length, int values, struct table *out, struct qlstm_error *error);

#endif
