/* Training, validation and test part. */
#include "engine/data/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/csv/timestamp.h"
#include "engine/data/samples.h"
#include "engine/philox.h"

bool split_seconds(const char *text, bool day_first, double *out)
{
	struct timestamp time;
	if (!timestamp_parse(text, strlen(text), &time))
		return false;
	bool by_day = time.day_first && (day_first || !time.month_first);
	*out = by_day ? time.seconds_day_first : time.seconds_month_first;
	return true;
}

bool split_day_first(const struct table *table)
{
	struct timestamp time;
	for (size_t row = 0; row < table->n_rows; row++) {
		const char *text = table_time(table, row);
		if (timestamp_parse(text, strlen(text), &time) && time.day_first != time.month_first)
			return time.day_first;
	}
	return true;
}

static int resolve_time(struct split_until *until, const char *pointer, const struct table *table,
                        struct qlstm_error *error)
{
	double wanted, seconds;
	bool day_first = split_day_first(table);
	if (table->times.starts == NULL)
		return error_set(error, ERR_INVALID, pointer,
		                 "it is a time, and the rows have none; a row can be said");
	if (!split_seconds(until->time, day_first, &wanted))
		return error_set(error, ERR_INVALID, pointer, "'%s' is no time; one is 2020-01-31 or 2020-01-31 17:24",
		                 until->time);
	until->row = 0;
	while (until->row < table->n_rows && split_seconds(table_time(table, until->row), day_first, &seconds) &&
	       seconds < wanted)
		until->row++;
	return 0;
}

/* With rows left out those that are left keep their numbers; where the file's rows were turned round their new order
 * counts. */
static void resolve_row(struct split_until *until, const struct table *table)
{
	size_t row = 0;
	if (table->rows == NULL || table->n_rows == 0 || table->rows[0] > table->rows[table->n_rows - 1])
		return;
	while (row < table->n_rows && table->rows[row] < until->row)
		row++;
	until->row = row;
}

static int resolve(struct split_until *until, const char *pointer, const struct table *table, struct qlstm_error *error)
{
	if (!until->said)
		return 0;
	if (until->time[0] != '\0')
		return resolve_time(until, pointer, table, error);
	resolve_row(until, table);
	return 0;
}

int split_resolve(struct split *split, const struct table *table, struct qlstm_error *error)
{
	int rc = resolve(&split->train_until, "/split/train_until", table, error);
	if (rc == 0)
		rc = resolve(&split->validation_until, "/split/validation_until", table, error);
	split->resolved = rc == 0;
	return rc;
}

/* Samples whose row is before `until`. */
static size_t before(const struct split_until *until, struct split_rows rows, size_t count)
{
	if (until->row <= rows.first)
		return 0;
	size_t n = (until->row - rows.first + rows.stride - 1) / rows.stride;
	return n < count ? n : count;
}

static int check_fractions(const struct split *split, struct qlstm_error *error)
{
	if (!(split->train > 0 && split->train < 1))
		return error_set(error, ERR_OUT_OF_RANGE, "/split/train", "train is %g, it must lie between 0 and 1",
		                 split->train);
	if (!(split->validation >= 0 && split->validation < 1))
		return error_set(error, ERR_OUT_OF_RANGE, "/split/validation",
		                 "validation is %g, it must be at least 0 and below 1", split->validation);
	return 0;
}

/* How a boundary is said in messages: "train 0.67" or "train_until 2020-01-31". */
static void boundary_words(const struct split_until *until, const char *name, double fraction, char *out, size_t size)
{
	if (!until->said)
		snprintf(out, size, "%s %g", name, fraction);
	else if (until->time[0] != '\0')
		snprintf(out, size, "%s_until %s", name, until->time);
	else
		snprintf(out, size, "%s_until %zu", name, until->row);
}

static int refuse_train(const struct split *split, size_t count, const char *what, bool training,
                        struct qlstm_error *error)
{
	char words[64];
	boundary_words(&split->train_until, "train", split->train, words, sizeof words);
	return error_set(error, ERR_INVALID, split->train_until.said ? "/split/train_until" : "/split/train",
	                 "%s of %zu %ss leaves no %s %s: at least one of each is needed", words, count, what,
	                 training ? "training" : "test", what);
}

static int refuse_validation(const struct split *split, size_t count, const char *what, bool validation,
                             struct qlstm_error *error)
{
	char words[64];
	boundary_words(&split->validation_until, "validation", split->validation, words, sizeof words);
	return error_set(error, ERR_INVALID,
	                 split->validation_until.said ? "/split/validation_until" : "/split/validation",
	                 "%s of %zu %ss leaves no %s %s: at least one of each is needed", words, count, what,
	                 validation ? "validation" : "test", what);
}

int split_parts(const struct split *split, size_t count, struct split_rows rows, const char *what, struct parts *out,
                struct qlstm_error *error)
{
	int rc = check_fractions(split, error);
	if (rc == 0 && split->fold.index > 0)
		return fold_parts(&split->fold, count, split->validation, what, out, error);
	if (rc != 0)
		return rc;
	size_t train = split->train_until.said ? before(&split->train_until, rows, count)
	                                       : samples_train_count(split->train, count);
	if (train == 0 || train >= count)
		return refuse_train(split, count, what, train == 0, error);
	bool asked = split->validation_until.said || split->validation > 0;
	size_t end = train;
	if (split->validation_until.said)
		end = before(&split->validation_until, rows, count);
	else if (asked)
		end = train + samples_train_count(split->validation, count);
	if (end >= count || (asked && end <= train))
		return refuse_validation(split, count, what, end <= train, error);
	*out = (struct parts){.train = train, .validation = end - train, .test = count - end};
	return 0;
}

static int shuffled(const struct split *split, size_t count, size_t **out, struct qlstm_error *error)
{
	*out = NULL;
	if (!split->shuffle)
		return 0;
	struct philox rng;
	*out = malloc((count + 1) * sizeof **out);
	if (*out == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "/split/shuffle", "out of memory for %zu samples", count);
	philox_open(&rng, split->seed, PHILOX_SPLIT, 0);
	philox_permute(&rng, *out, count);
	return 0;
}

int split_order(const struct split *split, size_t count, size_t **out, struct qlstm_error *error)
{
	size_t *base;
	int rc = shuffled(split, count, &base, error);
	*out = base;
	if (rc != 0 || split->fold.index == 0 || (base == NULL && fold_in_order(&split->fold)))
		return rc;
	*out = malloc((count + 1) * sizeof **out);
	if (*out != NULL)
		fold_order(&split->fold, count, base, *out);
	else
		rc = error_set(error, ERR_OUT_OF_MEMORY, "/folds", "out of memory for %zu samples", count);
	free(base);
	return rc;
}
