/* Dates and times as CSV files write them, as seconds that can be compared. */
#ifndef QLSTM_DATA_CSV_TIMESTAMP_H
#define QLSTM_DATA_CSV_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>

struct timestamp {
	bool has_date, has_time;
	/* Of 16/12/2006 and the like: which of day and month can stand first. Both are true of 2006-12-16. */
	bool day_first, month_first;
	/* Since 1970-01-01 00:00 (of a time alone since midnight), read by either order. A zone is taken into account.
	 */
	double seconds_day_first, seconds_month_first;
};

/* 2020-01-31, 2020/01/31, 2020-01, 31/01/2020, 01/31/2020, 31.01.2020, 31-Jan-2020, 31. Januar 2020, January 31, 2020,
 * Jan 2020, each alone or, behind a blank or T, with a time: 17:24, 17:24:00.5, 5:24 PM, with Z or +02:00; the first
 * day of a quarter (2020-Q1, 2020Q1, Q1 2020) or of a week as ISO 8601 has it (2020-W05); or a time alone. Names of
 * months are English or German. */
bool timestamp_parse(const char *text, size_t length, struct timestamp *out);

#endif
