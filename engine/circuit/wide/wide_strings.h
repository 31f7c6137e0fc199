/* Z-strings as a tile of the wide plan sees them. Internal to engine/circuit.
 *
 * A string is a sign for every basis index: (-1)^parity(index & mask). A tile is rows of 2^row_bits amplitudes; inside
 * it the mask falls into the bits of a row (low), the bits of the row's number (high) and those that are the same for
 * the whole tile (out). Strings with low bits that share high and out are a group, and so are those without low bits
 * that share out: then numbers summed over the strings of a group are one table, whose sign alone depends on the tile
 * and the row. */
#ifndef QLSTM_CIRCUIT_WIDE_STRINGS_H
#define QLSTM_CIRCUIT_WIDE_STRINGS_H

#include <stddef.h>

#include "engine/circuit/program.h"

#define WIDE_ROW_BITS 6 /* 512 bytes of float64, real parts, then as many imaginary parts */
#define WIDE_ROW      (1 << WIDE_ROW_BITS)
/* 128 KiB of float64 a state: two of them fit the L2 cache. Circuits that then need fewer sweeps over memory have
 * larger tiles, 1 MiB at most. */
#define WIDE_TILE_BITS      13
#define WIDE_TILE_BITS_MOST 16

struct wide_string {
	uint32_t mask;
	int index; /* of the string's own number: a slot or an observable */
	bool negative;
	/* by wide_strings_split: */
	uint32_t low, high, out;
	int group; /* among the low groups when `low` is not 0, among the high ones when only `high` is not */
};

struct wide_group {
	uint32_t high, out; /* high is 0 in a high group */
};

struct wide_strings {
	struct wide_string *strings;
	struct wide_group *low, *high;
	int n_strings, capacity, n_low, n_high;
	size_t n_rows; /* of a tile */
};

/* False when out of memory. */
bool wide_strings_add(struct wide_strings *strings, uint32_t mask, int index, bool negative);
/* Fills in what depends on the tile; `active` are its bits. To be called once. False when out of memory. */
bool wide_strings_split(struct wide_strings *strings, uint32_t active);
void wide_strings_free(struct wide_strings *strings);

/* The groups' tables of sums over k of numbers[k * stride] times sign: low [n_low][WIDE_ROW], high [n_high][n_rows]. */
void wide_strings_tables(const struct wide_strings *strings, const double *numbers, size_t stride, double *low,
                         double *high);
/* What the high groups and the strings of `out` bits only add up to in the tile at `base`: rows [n_rows]. */
void wide_strings_rows(const struct wide_strings *strings, const double *numbers, size_t stride, const double *high,
                       uint32_t base, double *rows);
/* The same where the numbers are angles, as a factor exp(-i sum / 2): high_cos, high_sin [n_high][n_rows] are of
 * half the tables' angles, cosine and sine those of half of every number. */
void wide_strings_phases(const struct wide_strings *strings, const double *cosine, const double *sine,
                         const double *high_cos, const double *high_sin, uint32_t base, double *rows_re,
                         double *rows_im);
/* The transpose on one tile: sums[index] += sum over its amplitudes of sign times weight, given for every low group the
 * weights summed over the rows with their signs of `high` [n_low][WIDE_ROW], and those of each row [n_rows]. Both
 * are overwritten. */
void wide_strings_collect(const struct wide_strings *strings, uint32_t base, double *low, double *rows, double *sums);

#endif
