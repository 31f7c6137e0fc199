/* A file of weights (safetensors) as a data set: what an experiment may start from (init_from). Its table is the column
 * "value", all numbers in the order of the file; which tensor they are of is engine/export's to say. */
#ifndef QLSTM_DATA_WEIGHTS_H
#define QLSTM_DATA_WEIGHTS_H

#include "engine/data/table.h"

bool weights_sniff(const unsigned char *bytes, size_t length);
/* As data_kind.parse. ERR_SYNTAX for a header that does not fit the file, ERR_INVALID for numbers that are neither all
 * F64 nor all F32, for none, and for one that is not finite. */
int weights_parse(const unsigned char *bytes, size_t length, int values, struct table *out, struct qlstm_error *error);

#endif
