/* The loops of the cell, compiled once per instruction set and precision from neuron_kernel.c. Private to
 * engine/circuit/neuron. */
#ifndef QLSTM_CIRCUIT_NEURON_NEURON_KERNEL_H
#define QLSTM_CIRCUIT_NEURON_NEURON_KERNEL_H

#include "engine/circuit/neuron/neuron_layout.h"

/* What the projected row of a step was divided by. */
struct projection {
	double norm;
	bool floored; /* the word had a probability below the floor */
};

/* One sample's way through all steps; arrays of words as in struct neuron_sequence, at this sample's place. */
struct neuron_pass {
	const struct neuron_layout *layout;
	const void *tables;             /* of the kernel's precision, as are the next two */
	void *sums;                     /* backward: added to */
	void *states;                   /* [steps][row]: before each step */
	void *scratch;                  /* neuron_scratch_rows rows */
	struct projection *projections; /* [steps] */
	size_t steps, stride;
	const uint8_t *inputs;
	uint8_t *outcomes;
	const double *uniforms;
	double *probabilities;         /* forward */
	const double *d_probabilities; /* backward */
};

struct neuron_kernels {
	size_t lanes;  /* numbers in 64 bytes */
	size_t number; /* bytes of one */
	/* Cosines and sines of eta / 2. */
	void (*half_angles)(const double *eta, size_t count, double *cosines, double *sines);
	/* Of float64 to the kernel's precision; the arrays are aligned, count is a multiple of `lanes`. */
	void (*convert)(const double *from, size_t count, void *to);
	/* totals += sums, sums = 0. */
	void (*flush)(void *sums, size_t count, double *totals);
	size_t (*forward)(const struct neuron_pass *pass); /* postselections below the floor */
	void (*backward)(const struct neuron_pass *pass);
};

/* States inside a step, of which the last is the root of the output's tree; the tree; its gradient; one gradient. */
static inline size_t neuron_scratch_rows(const struct neuron_layout *layout)
{
	return layout->neurons + 2 * (2 * layout->words - 1) + 1;
}

#endif
