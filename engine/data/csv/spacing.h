/* Whether the times of the rows rise, fall, and are evenly spaced; found while the rows are read, in constant memory.
 */
#ifndef QLSTM_DATA_CSV_SPACING_H
#define QLSTM_DATA_CSV_SPACING_H

#include "engine/data/csv/timestamp.h"

enum { SPACING_FIRST = 32 }; /* steps from which the usual one is taken: their median */

/* By one order of day and month. */
struct spacing_order {
	bool possible;
	double previous;
	size_t rises, falls, equals;
	size_t first_fall, first_rise, first_equal; /* lines */
	double steps[SPACING_FIRST];
	size_t lines[SPACING_FIRST], n_steps;
	double usual; /* seconds between two rows; 0: not known yet */
	size_t uneven, first_uneven;
	double uneven_step;
};

struct spacing {
	size_t n;
	struct spacing_order day_first, month_first;
};

/* The time of one more row, which stands in `line`. */
void spacing_add(struct spacing *spacing, const struct timestamp *time, size_t line);
/* The order of day and month that all times allow; where both do, one by which the times only rise or only fall, else
 * day first. Call it once, after the last time. *ambiguous: both were possible and differ. */
const struct spacing_order *spacing_finish(struct spacing *spacing, bool *ambiguous);

/* "1 day", "90 s", "2 h": a length of time in words. */
void spacing_words(double seconds, char out[32]);

#endif
