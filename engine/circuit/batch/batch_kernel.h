/* The batch plan's inner loops, compiled once per instruction set and precision from batch_kernel.c. Internal to
 * engine/circuit. */
#ifndef QLSTM_CIRCUIT_BATCH_KERNEL_H
#define QLSTM_CIRCUIT_BATCH_KERNEL_H

#include "engine/circuit/batch/batch_circuit.h"

/* Sets of weights in one call of a kernel at most. */
#define BATCH_SETS 8
/* Bytes of a row of virtual lanes (lanes.h); a register holds a piece of it, at least a quarter. */
#define BATCH_ROW_BYTES  64
#define BATCH_PIECES_MAX 4
/* Rows of virtual lanes whose features are loaded together, and after which gradients move on to their float64 totals.
 */
#define BATCH_ROWS 16

/* Memory of one set of weights. A row holds one number per sample of a tile. */
struct batch_set {
	void *cosine, *sine; /* rows of the slots that are not features: of half the angle */
	/* Accumulated over tiles, for each piece of the virtual lanes; one behind the other: */
	void *gradient;    /* [pieces] rows of the same slots */
	void *turn_slopes; /* [pieces][n_gates] rows: Im <lambda|P|psi> of rotations by such slots */
	void *slopes;      /* [pieces][n_diagonals][2^n] rows: Im(conj(lambda_k) psi_k) */
	void *turns;       /* [n_gates] struct block_turn, of rotations by such slots */
	void *phases;      /* [n_diagonals][2^n][re, im] numbers */
	double *weights;   /* that cosine, sine and phases are of; only while loaded */
	bool loaded;
	double *totals; /* of the same slots: the sums of gradient and slopes so far */
};

/* A tile is as many samples as a register has lanes, a row a register. Everything is aligned to 64 bytes. */
struct batch_memory {
	/* Before step i at i, [2^n][parts] rows; neighbours may be the same memory. kept_states: for the backward pass.
	 */
	void **states, **kept_states;
	/* Where state i > 0 stands in a record, in bytes, and the record's size; 0: states are undone, not kept. */
	size_t *record_at, record;
	void **record_states; /* [n_steps + 1]: room for the states of a record */
	void *lambda;         /* [2^n][re, im] rows: the observables applied to the state */
	void *lambda_sum;     /* the same over all sets, at the prefix */
	void *halves;         /* [4][2^(n - n/2)][prefix_parts] rows, see struct halves */
	void *others;         /* [2^(n - n/2)][prefix_parts] rows */
	void *sums;           /* [2^n] rows */
	void *vectors;        /* [n_wires][2][prefix_parts] rows: the states of the prefix */
	void **lane_phases;   /* of a STEP_DIAGONAL_LANES at its index, [2^n_gates][re, im] rows */
	void *cosine, *sine;  /* [feature slots][tiles] rows: of half the angle */
	void *gradient;       /* [feature slots][tiles] rows: d(sum_o g_o <O_o>) / d angle */
	void *turns;          /* [n_gates] struct block_turn, of rotations by features */
	/* Three arrays of a number for each virtual lane of BATCH_ROWS * n_slots rows; or of 2^n rows where sets are
	 * packed, else of 2^n numbers. */
	double *scratch;
	struct batch_set sets[BATCH_SETS];
	/* Packed tiles (batch_pack.h): a table for each piece of the virtual lanes whose sets are others; phases are
	 * rows. All accumulate where the first one does. NULL where sets are not packed. */
	struct batch_set packed[BATCH_PIECES_MAX];
	double *packed_weights; /* that the tables of packed are of */
	int packed_sets;
	double *pairs; /* outputs or their gradients for BATCH_ROWS rows of virtual lanes */
};

/* One call of the plan: arrays as in plan.h, for at most BATCH_SETS sets of weights. */
struct batch_call {
	const double *features, *weights;
	size_t batch;
	int n_sets;
	double *outputs;         /* forward */
	const double *d_outputs; /* backward */
	double *d_features;      /* backward; may be NULL */
	double *d_weights;       /* backward; may be NULL */
	size_t weights_per_set;  /* n_weights of the program */
	size_t packed;           /* of pairs of a sample and a set (batch_pack.h): how many tables; else 0 */
	/* Forward leaves here, and backward finds, aligned to 64 bytes, what is kept of the first kept_tiles tiles: for
	 * every group of tiles whose features are loaded together the cosines and sines of these, then for each tile
	 * and set a record, the states that backward reads. Forward takes the last tile first, so that what backward
	 * begins with is still in the caches. NULL: nothing is kept, and backward begins by going forward. */
	char *kept;
	size_t kept_tiles;
};

struct batch_kernels {
	size_t row_bytes, number_bytes;
	void (*forward)(const struct batch_circuit *circuit, struct batch_memory *memory,
	                const struct batch_call *call);
	void (*backward)(const struct batch_circuit *circuit, struct batch_memory *memory,
	                 const struct batch_call *call);
};

#endif
