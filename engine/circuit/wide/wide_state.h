/* The wide plan's memory and how a sweep runs on it. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_WIDE_STATE_H
#define QLSTM_CIRCUIT_WIDE_STATE_H

#include "engine/circuit/wide/wide_kernel.h"
#include "engine/circuit/wide/wide_product.h"
#include "engine/team.h"

/* A sweep's tiles in parts, whose sums are added up in their order, whatever the number of threads. */
#define WIDE_PARTS_MAX 32
/* Threads that work on one sample. */
#define WIDE_WORKERS_MAX 8

/* A diagonal's groups, for the angles of one sample. */
struct wide_diagonal {
	void *low;                   /* real [n_low][cosine, -sine][WIDE_ROW] */
	double *high_cos, *high_sin; /* [n_high][n_rows] */
};

/* What the tiles of a part add up to. */
struct wide_part {
	double *gradient, *outputs; /* by slot, by observable */
	double *low_re, *low_im;    /* [WIDE_ROW]: lambda contracted with the product state of all other bits, */
	double *rows_re, *rows_im;  /* [n_rows] */
};

/* Scratch memory of a thread. */
struct wide_worker {
	void *psi, *lambda;        /* a tile */
	double *rows_re, *rows_im; /* [n_rows] */
	double *low, *more_rows_re, *more_rows_im;
};

struct wide {
	struct wide_circuit *circuit;
	const struct wide_kernels *kernels;
	struct team *team;
	int n_parts, n_workers;
	size_t n_rows, n_tiles;
	bool prepared;    /* psi in memory is that of `angle` before the last sweep */
	bool past_caches; /* a state is larger than any cache, so tiles are stored past them */
	char *memory;     /* what the pointers below point to */
	void *psi, *lambda;
	double *angle, *cosine, *sine, *gradient; /* by slot; cosine and sine of half the angle */
	struct wide_bit *bits, *cotangents;
	struct wide_diagonal *diagonals;             /* by sweep */
	void *product_low;                           /* real [re, im][WIDE_ROW] */
	double *product_rows_re, *product_rows_im;   /* [n_rows] */
	double *product_tiles_re, *product_tiles_im; /* [n_tiles] */
	double *tiles_re, *tiles_im;                 /* [n_tiles]: lambda contracted with all bits of a tile */
	void *readout_low;                           /* real [n_low][WIDE_ROW] */
	double *readout_high;
	const double *readout_numbers; /* the cotangents of one sample, not owned */
	size_t readout_stride;
	double *work; /* for tables */
	struct wide_part parts[WIDE_PARTS_MAX];
	struct wide_worker workers[WIDE_WORKERS_MAX];
};

/* Bytes that wide_state_lay_out takes; sets what depends on the circuit alone. */
size_t wide_state_bytes(struct wide *self);
/* False when out of memory. */
bool wide_state_lay_out(struct wide *self);

void wide_state_clear_parts(struct wide *self);
/* After a sample's last visit: adds the product state's gradients to self->gradient. */
void wide_state_contract(struct wide *self);

/* One sample's tables: of the angles, then of the cotangents. */
void wide_tables_angles(struct wide *self);
void wide_tables_readout(struct wide *self, const double *cotangents, size_t stride);

/* What a sweep over all tiles does, in this order. The first sweep makes the product state instead of reading psi, and
 * contracts lambda with it instead of writing. */
struct wide_visit {
	int sweep;
	bool forward;      /* psi after it from psi before it */
	bool measure;      /* then: expectation values, added to the outputs */
	bool keep;         /* psi goes back to memory */
	bool seed_adjoint; /* lambda = readout psi, where the adjoint method starts */
	bool keep_lambda;  /* lambda goes to memory */
	bool backward;     /* undoes the sweep on both states and adds to the gradient */
};

/* Adds to self->parts and, at the first sweep, sets the tiles' contractions. */
void wide_sweep_run(struct wide *self, const struct wide_visit *visit);

#endif
