/* Built-in tasks that need a long memory, drawn anew from a fixed seed.
 *
 * copying: the copying memory task (Arjovsky, Shah and Bengio, arXiv 1511.06464), as sequences of words of 4 bits. The
 * symbols 0 to 7 are data, 8 is a blank, 9 the delimiter. Ten random data symbols, T - 1 blanks, the delimiter and ten
 * blanks come in; the target is a blank T + 10 times and then the ten symbols, and every step is scored. A model
 * without a memory has a loss of 10 ln 8 / (T + 20) at best. Columns as in words.h, whose targets stand one row
 * further: a sequence has T + 21 rows, of which the last input and the first target are never read. T = 50, 100, 200.
 *
 * adding: the adding problem (Hochreiter and Schmidhuber 1997), a row a sample: the columns value_0, mark_0, value_1,
 * ... are T pairs, values uniform in [0, 1), marks 0 but for one 1 in each half; `sum` is the sum of the two marked
 * values. Saying 1 always has a mean square error of 1/6. T = 50, 100. */
#ifndef QLSTM_DATA_MEMORY_TASKS_H
#define QLSTM_DATA_MEMORY_TASKS_H

#include <stddef.h>

#include "engine/error.h"

enum { COPYING_SYMBOLS = 10, COPYING_BLANK = 8, COPYING_DELIMITER = 9 };
/* Rows of a sequence. */
#define COPYING_LENGTH(t) ((t) + 2 * COPYING_SYMBOLS + 1)
enum { COPYING_50_ROWS = 2560 * COPYING_LENGTH(50) };
enum { COPYING_100_ROWS = 1280 * COPYING_LENGTH(100) };
enum { COPYING_200_ROWS = 640 * COPYING_LENGTH(200) };
enum { ADDING_ROWS = 3200 };

/* values [3][n]. */
int memory_task_copying_50(double *values, size_t n, struct qlstm_error *error);
int memory_task_copying_100(double *values, size_t n, struct qlstm_error *error);
int memory_task_copying_200(double *values, size_t n, struct qlstm_error *error);
/* values [2 T + 1][n]. */
int memory_task_adding_50(double *values, size_t n, struct qlstm_error *error);
int memory_task_adding_100(double *values, size_t n, struct qlstm_error *error);

#endif
