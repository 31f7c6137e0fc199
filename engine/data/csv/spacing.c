/* The order and the spacing of times. */
#include "engine/data/csv/spacing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;
	return (first > second) - (first < second);
}

/* Months, quarters and years are not of one length. */
static bool is_usual(double step, double usual)
{
	double slack = usual >= 27 * 86400.0 ? 0.12 * usual : 1e-6 * usual;
	return fabs(step - usual) <= slack;
}

static void judge(struct spacing_order *order, double step, size_t line)
{
	if (is_usual(fabs(step), order->usual))
		return;
	if (order->uneven++ == 0) {
		order->first_uneven = line;
		order->uneven_step = fabs(step);
	}
}

static void find_usual(struct spacing_order *order)
{
	double sorted[SPACING_FIRST];
	for (size_t i = 0; i < order->n_steps; i++)
		sorted[i] = fabs(order->steps[i]);
	qsort(sorted, order->n_steps, sizeof *sorted, compare);
	order->usual = order->n_steps > 0 ? sorted[order->n_steps / 2] : 0;
	for (size_t i = 0; i < order->n_steps; i++)
		judge(order, order->steps[i], order->lines[i]);
}

static void add_step(struct spacing_order *order, double step, size_t line)
{
	if (step > 0 && order->rises++ == 0)
		order->first_rise = line;
	if (step < 0 && order->falls++ == 0)
		order->first_fall = line;
	if (step == 0 && order->equals++ == 0)
		order->first_equal = line;
	if (order->n_steps == SPACING_FIRST) {
		judge(order, step, line);
		return;
	}
	order->steps[order->n_steps] = step;
	order->lines[order->n_steps++] = line;
	if (order->n_steps == SPACING_FIRST)
		find_usual(order);
}

static void add(struct spacing_order *order, bool first, bool possible, double seconds, size_t line)
{
	order->possible = (first || order->possible) && possible;
	if (!first && order->possible)
		add_step(order, seconds - order->previous, line);
	order->previous = seconds;
}

void spacing_add(struct spacing *spacing, const struct timestamp *time, size_t line)
{
	bool first = spacing->n++ == 0;
	add(&spacing->day_first, first, time->day_first, time->seconds_day_first, line);
	add(&spacing->month_first, first, time->month_first, time->seconds_month_first, line);
}

static bool goes_one_way(const struct spacing_order *order)
{
	return order->rises == 0 || order->falls == 0;
}

static bool differ(const struct spacing_order *a, const struct spacing_order *b)
{
	for (size_t i = 0; i < a->n_steps && i < b->n_steps; i++)
		if (a->steps[i] < b->steps[i] || a->steps[i] > b->steps[i])
			return true;
	return false;
}

const struct spacing_order *spacing_finish(struct spacing *spacing, bool *ambiguous)
{
	struct spacing_order *day = &spacing->day_first, *month = &spacing->month_first;
	struct spacing_order *const orders[] = {day, month};
	for (size_t i = 0; i < 2; i++)
		if (orders[i]->n_steps < SPACING_FIRST)
			find_usual(orders[i]);
	bool both = day->possible && month->possible;
	*ambiguous = both && differ(day, month) && goes_one_way(day) == goes_one_way(month);
	if (!both)
		return month->possible ? month : day;
	return !goes_one_way(day) && goes_one_way(month) ? month : day;
}

void spacing_words(double seconds, char out[32])
{
	static const struct {
		double seconds;
		const char *word;
	} units[] = {{86400, "days"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	size_t i = 0;
	while (i < 3 && fmod(seconds, units[i].seconds) != 0)
		i++;
	double count = seconds / units[i].seconds;
	snprintf(out, 32, "%.6g %s", count, i == 0 && count == 1 ? "day" : units[i].word);
}
