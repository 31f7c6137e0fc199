/* Moving tiles between a state and a buffer, through an affine map. Included by wide_kernel.c only. */
#ifndef QLSTM_CIRCUIT_WIDE_MOVE_H
#define QLSTM_CIRCUIT_WIDE_MOVE_H

#include "engine/circuit/wide/wide_ahead.h"

/* Registers that the lanes of one register come from, at most. */
enum { MOVE_SOURCES = WIDTH };
/* Rows asked for before they are needed. */
enum { READ_AHEAD = 8 };

/* How the lanes of every register written are found: lane l is lane (l's own ^ that of the place read) of the register
 * at (place read ^ source). */
struct move_lanes {
	bool straight; /* whole registers as they are */
	int n_sources;
	uint32_t sources[MOVE_SOURCES];
	bits64 chosen[MOVE_SOURCES];        /* masks of the lanes that come from each */
	union lane_sources permuted[WIDTH]; /* by lane of the place read */
};

static bool is_straight(const struct wide_move *move)
{
	uint32_t others = move->from;
	for (int i = 0; i < move->n_rows_log2; i++)
		others |= move->from_row[i];
	for (int i = LANE_BITS; i < WIDE_ROW_BITS; i++)
		others |= move->from_low[i];
	for (int i = 0; i < LANE_BITS; i++)
		if (move->from_low[i] != 1u << i)
			return false;
	return (others & (WIDTH - 1)) == 0;
}

static void find_source(struct move_lanes *lanes, uint32_t source, int lane)
{
	int c = 0;
	while (c < lanes->n_sources && lanes->sources[c] != source)
		c++;
	if (c == lanes->n_sources) {
		lanes->sources[lanes->n_sources++] = source;
		lanes->chosen[c] = (bits64){0};
	}
	__builtin_memset((char *)&lanes->chosen[c] + (size_t)lane * REAL_BYTES, 0xff, REAL_BYTES);
}

static void find_lanes(const struct wide_move *move, struct move_lanes *lanes)
{
	uint32_t own[WIDTH] = {0};
	lanes->straight = is_straight(move);
	lanes->n_sources = 0;
	if (lanes->straight)
		return;
	for (int l = 0; l < WIDTH; l++) {
		for (int i = 0; i < LANE_BITS; i++)
			own[l] ^= (l >> i & 1) != 0 ? move->from_low[i] : 0;
		find_source(lanes, own[l] & ~(uint32_t)(WIDTH - 1), l);
	}
	for (uint32_t at = 0; at < WIDTH; at++) {
		uint32_t numbers[WIDTH];
		for (int l = 0; l < WIDTH; l++)
			numbers[l] = (own[l] ^ at) & (WIDTH - 1);
		lanes->permuted[at] = lane_sources(numbers);
	}
}

/* How a register is read: as it is, from one register with its lanes permuted, from two, from more. */
enum reading { READ_STRAIGHT, READ_ONE, READ_TWO, READ_MANY };

ALWAYS_INLINE vec read_lanes(const struct move_lanes *lanes, const real *from, uint32_t place, enum reading reading)
{
	if (reading == READ_STRAIGHT)
		return *(const vec *)(from + place);
	const union lane_sources *permuted = &lanes->permuted[place & (WIDTH - 1)];
	place &= ~(uint32_t)(WIDTH - 1);
	if (reading == READ_ONE)
		return permute(*(const vec *)(from + (place ^ lanes->sources[0])), permuted);
	bits64 all = {0};
	for (int c = 0; c < (reading == READ_TWO ? 2 : lanes->n_sources); c++)
		all |= (bits64)permute(*(const vec *)(from + (place ^ lanes->sources[c])), permuted) & lanes->chosen[c];
	return (vec)all;
}

ALWAYS_INLINE void move_row(const struct move_lanes *lanes, const uint32_t *low, const real *from, uint32_t place,
                            real *to, real scale, enum reading reading, bool past)
{
	for (int part = 0; part < 2; part++, place ^= WIDE_ROW, to += WIDE_ROW)
		for (int v = 0; v < ROW_VECS; v++) {
			vec numbers = scale * read_lanes(lanes, from, place ^ low[v], reading);
			if (past)
				store_past((vec *)to + v, numbers);
			else
				*((vec *)to + v) = numbers;
		}
}

/* Asks for the row around a place. */
ALWAYS_INLINE void ask_row(const real *from, uint32_t place)
{
	for (uint32_t line = 0; line < ROW_LINES; line++)
		ask_line(from, place, line);
}

ALWAYS_INLINE void move_rows(const struct wide_move *move, const struct move_lanes *lanes, const real *from, real *to,
                             real scale, enum reading reading, bool past)
{
	uint32_t low[ROW_VECS] = {0}, place = move->from, written = move->to;
	for (int v = 0; v < ROW_VECS; v++)
		for (int i = LANE_BITS; i < WIDE_ROW_BITS; i++)
			low[v] ^= (v * WIDTH >> i & 1) != 0 ? move->from_low[i] : 0;
	uint32_t n_rows = 1u << move->n_rows_log2, ahead = place;
	for (uint32_t row = 1; row < READ_AHEAD && row < n_rows && move->from_memory; row++)
		ask_row(from, ahead ^= step_to(move->from_row, row));
	for (uint32_t row = 0; row < n_rows; row++) {
		if (move->from_memory && row + READ_AHEAD < n_rows)
			ask_row(from, ahead ^= step_to(move->from_row, row + READ_AHEAD));
		if (past)
			ask_ahead(move->ahead);
		move_row(lanes, low, from, place, to + written, scale, reading, past);
		if (row + 1 < n_rows) {
			place ^= step_to(move->from_row, row + 1);
			written ^= step_to(move->to_row, row + 1);
		}
	}
}

/* The loops for every way to read and to write. */
#define WAYS(X) X(STRAIGHT) X(ONE) X(TWO) X(MANY)
#define X(way)                                                                                                         \
	static void move_##way(const struct wide_move *move, const struct move_lanes *lanes, const real *from,         \
	                       real *to, real scale)                                                                   \
	{                                                                                                              \
		move_rows(move, lanes, from, to, scale, READ_##way, false);                                            \
	}                                                                                                              \
	static void move_##way##_past(const struct wide_move *move, const struct move_lanes *lanes, const real *from,  \
	                              real *to, real scale)                                                            \
	{                                                                                                              \
		move_rows(move, lanes, from, to, scale, READ_##way, true);                                             \
	}
WAYS(X)
#undef X

typedef void (*move_fn)(const struct wide_move *move, const struct move_lanes *lanes, const real *from, real *to,
                        real scale);

/* In the order of enum reading. */
#define X(way) {move_##way, move_##way##_past},
static const move_fn moves[][2] = {WAYS(X)};
#undef X
#undef WAYS

static void move_tile(const struct wide_move *move, const void *from, void *to, double scale)
{
	struct move_lanes lanes;
	find_lanes(move, &lanes);
	real s = (real)scale;
	enum reading reading = lanes.straight         ? READ_STRAIGHT
	                       : lanes.n_sources == 1 ? READ_ONE
	                       : lanes.n_sources == 2 ? READ_TWO
	                                              : READ_MANY;
	moves[reading][move->past_caches](move, &lanes, from, to, s);
	if (move->past_caches)
		stores_past_end();
}

#endif
