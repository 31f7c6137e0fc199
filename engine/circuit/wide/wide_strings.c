/* Sums over Z-strings; see wide_strings.h. */
#include "engine/circuit/wide/wide_strings.h"

#include <stdlib.h>
#include <string.h>

#include "engine/circuit/parity.h"

bool wide_strings_add(struct wide_strings *strings, uint32_t mask, int index, bool negative)
{
	if (strings->n_strings == strings->capacity) {
		int capacity = strings->capacity > 0 ? 2 * strings->capacity : 8;
		struct wide_string *grown = realloc(strings->strings, (size_t)capacity * sizeof *grown);
		if (grown == NULL)
			return false;
		strings->strings = grown;
		strings->capacity = capacity;
	}
	strings->strings[strings->n_strings++] =
	    (struct wide_string){.mask = mask, .index = index, .negative = negative};
	return true;
}

/* The bits of `mask` that `among` has, moved together. */
static uint32_t compress(uint32_t mask, uint32_t among)
{
	uint32_t out = 0;
	for (int place = 0; among != 0; among &= among - 1, place++)
		out |= (mask >> __builtin_ctz(among) & 1) << place;
	return out;
}

static int find_group(struct wide_group *groups, int *count, uint32_t high, uint32_t out)
{
	int g = 0;
	while (g < *count && (groups[g].high != high || groups[g].out != out))
		g++;
	if (g == *count)
		groups[(*count)++] = (struct wide_group){high, out};
	return g;
}

bool wide_strings_split(struct wide_strings *strings, uint32_t active)
{
	size_t room = (size_t)strings->n_strings + 1;
	strings->low = calloc(room, sizeof *strings->low);
	strings->high = calloc(room, sizeof *strings->high);
	if (strings->low == NULL || strings->high == NULL)
		return false;
	const uint32_t row = WIDE_ROW - 1;
	strings->n_rows = (size_t)1 << __builtin_popcount(active & ~row);
	for (int i = 0; i < strings->n_strings; i++) {
		struct wide_string *string = &strings->strings[i];
		string->low = string->mask & row;
		string->high = compress(string->mask, active & ~row);
		string->out = string->mask & ~active & ~row;
		if (string->low != 0)
			string->group = find_group(strings->low, &strings->n_low, string->high, string->out);
		else if (string->high != 0)
			string->group = find_group(strings->high, &strings->n_high, 0, string->out);
	}
	return true;
}

void wide_strings_free(struct wide_strings *strings)
{
	free(strings->strings);
	free(strings->low);
	free(strings->high);
}

static double signed_by(bool negative, double x)
{
	return negative ? -x : x;
}

void wide_strings_tables(const struct wide_strings *strings, const double *numbers, size_t stride, double *low,
                         double *high)
{
	memset(low, 0, (size_t)strings->n_low * WIDE_ROW * sizeof *low);
	memset(high, 0, (size_t)strings->n_high * strings->n_rows * sizeof *high);
	for (int i = 0; i < strings->n_strings; i++) {
		const struct wide_string *string = &strings->strings[i];
		double number = signed_by(string->negative, numbers[(size_t)string->index * stride]);
		if (string->low != 0)
			low[string->group * WIDE_ROW + (int)string->low] += number;
		else if (string->high != 0)
			high[(size_t)string->group * strings->n_rows + string->high] += number;
	}
	for (int g = 0; g < strings->n_low; g++)
		walsh_hadamard(low + (size_t)g * WIDE_ROW, WIDE_ROW, 1);
	for (int g = 0; g < strings->n_high; g++)
		walsh_hadamard(high + (size_t)g * strings->n_rows, strings->n_rows, 1);
}

void wide_strings_rows(const struct wide_strings *strings, const double *numbers, size_t stride, const double *high,
                       uint32_t base, double *rows)
{
	double flat = 0.0;
	for (int i = 0; i < strings->n_strings; i++) {
		const struct wide_string *string = &strings->strings[i];
		if (string->low == 0 && string->high == 0)
			flat += signed_by(string->negative != parity(base & string->out),
			                  numbers[(size_t)string->index * stride]);
	}
	for (size_t r = 0; r < strings->n_rows; r++)
		rows[r] = flat;
	for (int g = 0; g < strings->n_high; g++, high += strings->n_rows) {
		double sign = signed_by(parity(base & strings->high[g].out), 1.0);
		for (size_t r = 0; r < strings->n_rows; r++)
			rows[r] += sign * high[r];
	}
}

void wide_strings_phases(const struct wide_strings *strings, const double *cosine, const double *sine,
                         const double *high_cos, const double *high_sin, uint32_t base, double *rows_re,
                         double *rows_im)
{
	double re = 1.0, im = 0.0;
	for (int i = 0; i < strings->n_strings; i++) {
		const struct wide_string *string = &strings->strings[i];
		if (string->low != 0 || string->high != 0)
			continue;
		double c = cosine[string->index], was = re;
		double s = signed_by(string->negative != parity(base & string->out), sine[string->index]);
		re = c * was + s * im;
		im = c * im - s * was;
	}
	for (size_t r = 0; r < strings->n_rows; r++) {
		rows_re[r] = re;
		rows_im[r] = im;
	}
	for (int g = 0; g < strings->n_high; g++, high_cos += strings->n_rows, high_sin += strings->n_rows) {
		double sign = signed_by(parity(base & strings->high[g].out), 1.0);
		for (size_t r = 0; r < strings->n_rows; r++) {
			double c = high_cos[r], s = sign * high_sin[r];
			double was = rows_re[r];
			rows_re[r] = c * was + s * rows_im[r];
			rows_im[r] = c * rows_im[r] - s * was;
		}
	}
}

void wide_strings_collect(const struct wide_strings *strings, uint32_t base, double *low, double *rows, double *sums)
{
	for (int g = 0; g < strings->n_low; g++)
		walsh_hadamard(low + (size_t)g * WIDE_ROW, WIDE_ROW, 1);
	walsh_hadamard(rows, strings->n_rows, 1);
	for (int i = 0; i < strings->n_strings; i++) {
		const struct wide_string *string = &strings->strings[i];
		double sum = string->low != 0 ? low[string->group * WIDE_ROW + (int)string->low] : rows[string->high];
		sums[string->index] += signed_by(string->negative != parity(base & string->out), sum);
	}
}
