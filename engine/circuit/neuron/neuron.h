/* The cell of a quantum recurrent network of quantum neurons (Bausch, arXiv 2006.14619, NeurIPS 2020), simulated
 * exactly, with its gradient.
 *
 * A cell has I in/out lanes, on which a word of I bits comes in and a word goes out, and W workspace lanes, its memory;
 * the in/out lanes come first, lane 0 is the most significant bit of a basis index. All amplitudes are real. The state
 * before the first step is |0...0>. A *neuron* turns one lane, its target, by an amount that the other lanes, its
 * sources, choose: for each pattern x of the n - 1 sources, n = W + I,
 *
 *     eta(x) = bias + theta + the sum of phi_S over the sets S of at most `degree` sources that are all 1 in x
 *     c = cos(eta / 2)^q,   s = sin(eta / 2)^q,   q = 2^order
 *     z0 = c psi0 - s psi1,   z1 = s psi0 + c psi1          0 and 1: the value of the target
 *
 * and the state is normalised; it is what a circuit with `order` ancillas does that are each measured as 0. Not
 * unitary: branches differ in weight. One step with the input word x:
 *
 *     1  the in/out lanes carry x; one neuron on each workspace lane
 *     2  `stages` times: a rotation RY of its own on each workspace lane, then one neuron on each of them
 *     3  the in/out lanes carry 0; one neuron on each of them
 *     4  p = the distribution of the word on the in/out lanes; an outcome is drawn from it or postselected, the state
 * is projected on it and normalised, the in/out lanes are set to 0
 *
 * The gradient goes through every normalisation, projection and step. What is exact and cheap about it: until 3 only
 * the 2^W amplitudes at the known word exist; 3 is diagonal on them; everything before 4 is linear, so that one
 * normalisation a step is enough (a power of two after each stage keeps numbers in range); c and s depend on
 * parameters alone.
 *
 * Samples never meet but in the sums of the gradient: what is computed for a sample is the same to the bit whatever
 * other samples there are. The same bytes on x86-64-v3, x86-64-v4 and arm64. */
#ifndef QLSTM_CIRCUIT_NEURON_NEURON_H
#define QLSTM_CIRCUIT_NEURON_NEURON_H

#include <stddef.h>
#include <stdint.h>

#include "engine/arena.h"
#include "engine/circuit/plan.h"
#include "engine/error.h"

enum { NEURON_WORKSPACE_MOST = 10, NEURON_BITS_MOST = 6, NEURON_STAGES_MOST = 16, NEURON_ORDER_MOST = 4 };

struct neuron_shape {
	int workspace;  /* W, 1 to NEURON_WORKSPACE_MOST */
	int stages;     /* 1 to NEURON_STAGES_MOST */
	int order;      /* 1 to NEURON_ORDER_MOST */
	int degree;     /* 1 or more; from n - 1 on all sets of sources */
	int input_bits; /* I, 1 to NEURON_BITS_MOST */
	double bias;    /* radians; pi / 2 is where a neuron is steepest */
};

/* Pointers such as "/workspace"; ERR_OUT_OF_RANGE. */
int neuron_check(const struct neuron_shape *shape, struct qlstm_error *error);
/* The weights phi of one neuron: sets of 1 to `degree` of n - 1 sources. */
size_t neuron_weights(const struct neuron_shape *shape);
/* All parameters. Their order, that of the author's program: the neurons of step 1, of each its weights and then theta;
 * for each stage the angles of its rotations, then its neurons; the output neurons. Sources are counted workspace lanes
 * first, then in/out lanes; sets by size, those of one size in lexicographic order. */
size_t neuron_parameters(const struct neuron_shape *shape);

struct neuron_cell;

/* Cheap. ERR_OUT_OF_MEMORY. */
int neuron_open(struct neuron_cell **out, const struct neuron_shape *shape, enum precision precision,
                struct qlstm_error *error);
void neuron_close(struct neuron_cell *cell);

/* Takes all that a cell computes with, from an arena whose memory is zeroed. Tables: about 40 bytes (float32: 32) for
 * each of (W + stages W + I) 2^n numbers. And the states that a backward pass starts from: one a step and sample, of
 * 2^W numbers, at least 64 bytes; all others are computed again, a step at a time. */
void neuron_lay_out(struct neuron_cell *cell, struct arena *arena, int steps, int samples);

/* The part of it that does not depend on steps and samples. */
size_t neuron_table_bytes(const struct neuron_cell *cell);

/* Reads the parameters; builds the tables when they are not those of the last call. */
void neuron_set(struct neuron_cell *cell, const double *parameters);

/* An outcome that is to be drawn. */
#define NEURON_DRAW 255

struct neuron_sequence {
	int steps, samples;
	const uint8_t *inputs; /* [steps][samples]: words */
	/* [steps][samples]: the outcome that a step is postselected on; NEURON_DRAW is replaced by what was drawn. */
	uint8_t *outcomes;
	const double *uniforms; /* [steps][samples], 0 <= u < 1, read where an outcome is drawn; NULL: none is */
};

/* p below this is not divided by: the state keeps a norm below 1, and its gradient is noise. */
#define NEURON_PROBABILITY_FLOOR 1e-30

/* Runs sample `sample` through all steps, by the parameters of neuron_set: probabilities [steps][2^I][samples] of its
 * words. Returns how many of its steps were postselected on a word with p below the floor. */
size_t neuron_forward(struct neuron_cell *cell, const struct neuron_sequence *sequence, size_t sample,
                      double *probabilities);

/* For the last forward of this sample, whose outcomes are all known by now; after neuron_gradient_clear of the batch.
 * d_probabilities as probabilities; a step where all are 0 costs less. */
void neuron_backward(struct neuron_cell *cell, const struct neuron_sequence *sequence, size_t sample,
                     const double *d_probabilities);
void neuron_gradient_clear(struct neuron_cell *cell);
/* d_parameters += the gradient of the samples since neuron_gradient_clear. */
void neuron_gradient_take(struct neuron_cell *cell, double *d_parameters);

/* Nanoseconds of forward and backward of one step of one sample, a rough guess, on the machine that
 * engine/circuit/planner.c names. */
double neuron_cost(const struct neuron_shape *shape, enum precision precision);
/* The same of tables and their gradient, once for a set of parameters. */
double neuron_table_cost(const struct neuron_shape *shape);

#endif
