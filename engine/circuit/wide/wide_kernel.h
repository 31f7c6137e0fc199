/* The wide plan's inner loops, compiled once per instruction set from wide_kernel.c, and once more for float32
 * (wide_kernel_f32.c). Internal to engine/circuit.
 *
 * Amplitudes are `real`, float64 or float32, in rows: WIDE_ROW real parts, then as many imaginary parts. The place of a
 * number is its offset in such an array; amplitude k has its real part at the place that k becomes when a 0 is put in
 * at bit WIDE_ROW_BITS, and that bit set is the imaginary part's. A tile lies in a buffer of its own, its active bits
 * moved together. Buffers are aligned to 64 bytes. */
#ifndef QLSTM_CIRCUIT_WIDE_KERNEL_H
#define QLSTM_CIRCUIT_WIDE_KERNEL_H

#include "engine/circuit/wide/wide_strings.h"

/* What the next tile is read from, asked for while this one is worked on: rows of one state or of two. All zero: none.
 * Its lines are cache lines of 64 bytes. */
struct wide_ahead {
	const void *states[2]; /* the second may be NULL */
	uint32_t place;        /* of the row that is next, as in wide_move; row_step by bit of the row's number */
	uint32_t row_step[WIDE_TILE_BITS_MOST];
	uint32_t row, line; /* how far it is */
	size_t left;        /* lines not asked for yet */
	uint32_t each;      /* how many at a time: at every block of a rotation, or at every row stored */
};

/* Reads amplitudes from wherever a linear map says: all numbers are places that are combined by exclusive or. */
struct wide_move {
	uint32_t from, to;                      /* of the first row */
	uint32_t from_row[WIDE_TILE_BITS_MOST]; /* by bit of the row's number */
	uint32_t to_row[WIDE_TILE_BITS_MOST];   /* the same; rows are written as a whole */
	uint32_t from_low[WIDE_ROW_BITS];       /* by bit inside the row written */
	int n_rows_log2;
	bool from_memory;         /* not in the nearest cache: read ahead */
	bool past_caches;         /* what is written is not read again before the caches have lost it */
	struct wide_ahead *ahead; /* asked for meanwhile, with past_caches only */
};

/* A rotation about Y of the bit at a place, by cosine and sine of half the angle. */
struct wide_rotation {
	int place;
	double c, s;
};

/* A number for every amplitude of a tile: a row's number, times (for diagonals; plus, for readouts) that of every group
 * in the row, whose sign is the parity of the row's number and group.high and of base and group.out. */
struct wide_factors {
	int n_groups;
	const struct wide_group *groups;
	uint32_t base;
	const void *low;              /* real, diagonals: [n_groups][re, im][WIDE_ROW], the negative sign conjugates;
	                               * readouts: [n_groups][WIDE_ROW] */
	const double *rows, *rows_im; /* [n_rows]; rows_im for diagonals only */
};

/* What a sweep does to a tile between its moves. */
struct wide_work {
	const struct wide_rotation *rotations; /* [n], by rising place */
	int n;
	const struct wide_factors *diagonal; /* NULL: none */
	struct wide_ahead *ahead;
};

/* Sums over the amplitudes of a tile; see wide_strings_collect. */
struct wide_sums {
	double *low;  /* [n_groups][WIDE_ROW], added to */
	double *rows; /* [n_rows], set */
};

struct wide_kernels {
	size_t real_size;
	/* Copies `count` float64 numbers, a multiple of WIDE_ROW, to real. */
	void (*narrow)(void *to, const double *from, size_t count);
	/* Moves a tile and multiplies it by `scale`. */
	void (*move)(const struct wide_move *move, const void *from, void *to, double scale);
	/* tile = a row's number times that in the row, of one group that is always positive. */
	void (*fill)(const struct wide_factors *factors, void *tile, size_t n_rows);
	/* Rotations, then the diagonal. Returns what the tile remains to be multiplied by. */
	double (*forward)(const struct wide_work *work, void *tile, size_t n_rows);
	/* Undoes both on two states. slopes[i] += Im <lambda|Y|psi>, and the sums of Im(conj(lambda) psi) for the
	 * diagonal. `scale` is what both remain to be multiplied by before, the result after. */
	double (*backward)(const struct wide_work *work, double scale, void *psi, void *lambda, size_t n_rows,
	                   double *slopes, const struct wide_sums *sums);
	/* Expectation values of Z-strings: sums of scale * |psi|^2 for the groups of a readout. */
	void (*measure)(const struct wide_factors *readout, const void *psi, size_t n_rows, double scale,
	                const struct wide_sums *sums);
	/* lambda = readout psi, where the adjoint method starts. */
	void (*seed_adjoint)(const struct wide_factors *readout, const void *psi, void *lambda, size_t n_rows);
	/* The transpose of fill, u being a row's number and v that in the row:
	 * low_re + i low_im [WIDE_ROW] += sum over rows of conj(u) lambda, rows_re + i rows_im [n_rows] = sum over the
	 * row of conj(v) lambda, all times scale. */
	void (*contract)(const struct wide_factors *factors, const void *lambda, size_t n_rows, double scale,
	                 double *low_re, double *low_im, double *rows_re, double *rows_im);
	/* On a whole state in memory: <psi|P|psi>, and image += factor P psi, of a string that is not diagonal. */
	double (*expect)(const struct pauli_string *string, const void *psi, int n_bits);
	void (*add_image)(const struct pauli_string *string, double factor, const void *psi, void *image, int n_bits);
};

#endif
