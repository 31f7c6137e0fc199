/* Finds the dialect of a CSV text from its head: the first 1000 records, 256 KiB at most.
 *
 * The separator and the format of numbers are those by which most fields of the head are numbers, dates or missing, in
 * records of one width; the header is what stands over columns of another kind. What leaves two readings is refused
 * with both, unless the options say which. For example "50,00" in each line: one column with a decimal comma, or two.
 */
#ifndef QLSTM_DATA_CSV_DETECT_H
#define QLSTM_DATA_CSV_DETECT_H

#include "engine/data/csv/cells.h"
#include "engine/data/csv/number.h"

/* What the head says beside the dialect. */
struct csv_head {
	int date_column;  /* holds dates, with or without times; -1: none */
	int clock_column; /* beside a date without times: holds times alone; -1: none */
};

/* The rest of the text behind the lines that dialect->skip_rows leaves out; *line is the number of its first line. */
const char *csv_skip_rows(const char *text, const char *end, size_t skip_rows, size_t *line);

/* What is not said in `options` is found. ERR_INVALID for two readings and for lines in front of the rows that look
 * like a title, with how to say what is meant. */
int csv_detect(const char *text, size_t length, const struct csv_options *options, struct csv_dialect *out,
               struct csv_head *head, struct qlstm_error *error);

#endif
