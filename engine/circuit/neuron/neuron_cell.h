/* A cell's fields, shared by its passes (neuron.c) and its tables (neuron_tables.c). Private to engine/circuit/neuron.
 */
#ifndef QLSTM_CIRCUIT_NEURON_NEURON_CELL_H
#define QLSTM_CIRCUIT_NEURON_NEURON_CELL_H

#include "engine/circuit/neuron/neuron_kernel.h"

struct neuron_cell {
	struct neuron_layout layout;
	const struct neuron_kernels *kernels;
	size_t weights, parameters, patterns; /* of a neuron, of the cell; of a neuron's sources */
	bool built;
	double *values;                 /* [parameters]: those that the tables are of */
	uint32_t *sets[2];              /* [weights]: masks of a work neuron's, of an output neuron's */
	double *eta;                    /* [patterns]: scratch */
	double *cosines, *sines;        /* [neurons + I][patterns], of eta / 2 */
	double *numbers;                /* [layout.size]: scratch; the tables in float64 */
	double *totals;                 /* [layout.size]: of the gradient */
	void *tables, *sums;            /* [layout.size], of the kernels' precision */
	void *scratch;                  /* rows */
	size_t unflushed;               /* steps in `sums` */
	void *states;                   /* [samples][steps][row], the arena's */
	struct projection *projections; /* [samples][steps], the arena's */
	size_t steps;                   /* of what was laid out */
};

/* Tables of the parameters in cell->values. */
void neuron_tables_build(struct neuron_cell *cell);
/* d_parameters += from cell->totals. */
void neuron_tables_gradient(struct neuron_cell *cell, double *d_parameters);

#endif
