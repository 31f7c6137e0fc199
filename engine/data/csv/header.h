/* Which lines of a CSV text hold the names. */
#ifndef QLSTM_DATA_CSV_HEADER_H
#define QLSTM_DATA_CSV_HEADER_H

#include "engine/data/csv/detect.h"

/* Sets header_lines and names_in_comment of a dialect that is known otherwise, unless the options say them, and *head.
 *
 * The first record is data where each of its fields has the kind of the column below, a date over dates, a number over
 * numbers; else it holds the names. Further header lines hold no number and no date, and text over a column of such.
 * Without a header the last comment before the rows holds the names where it has as many fields as they have.
 * ERR_OUT_OF_MEMORY. */
int csv_find_header(const char *text, const char *end, size_t line, const struct csv_options *options,
                    struct csv_dialect *dialect, struct csv_head *head);

/* Whether no field of the first record is a number or a date, and one is text. */
bool csv_first_is_text(const char *text, const char *end, size_t line, const struct csv_dialect *dialect);

#endif
