/* Ansatz builders: the only code that knows which gates an ansatz has. A builder turns a configuration into a program.
 *
 * To add one: write ansatz_NAME.c with a build function and add one row to ANSATZE (ansatz_parts.h). It then works in
 * every cell and on every plan. Sources of the definitions stand beside each builder. */
#ifndef QLSTM_CIRCUIT_ANSATZ_H
#define QLSTM_CIRCUIT_ANSATZ_H

#include <stdbool.h>

#include "engine/circuit/program.h"

enum entangling { ENTANGLING_BASIC, ENTANGLING_STRONG };

/* Not every ansatz reads every field; the table in engine/circuit/README.md says which. */
struct ansatz_config {
	int n_wires;     /* 1 .. CIRCUIT_MAX_WIRES */
	int n_features;  /* features to encode: at most ansatz->features(config); 0 means all of them */
	int n_blocks;    /* repetitions of the block (n_qlayers) */
	int depth;       /* variational layers inside a block */
	int n_outputs;   /* wires measured: 0, output_step, 2 output_step, ..; 0 means as many as there are */
	int output_step; /* 0 means 1: one wire after the other */
	bool hadamard;   /* chen2020, chen2024: start with Hadamard gates */
	enum pauli rotation, measure;
	enum encoder encoder;       /* from a feature to the angle of its rotation */
	enum entangling entangling; /* qdi */
};

/* Row-major shape of the trainable angles of one circuit; the product of dims is program->n_weights. */
struct ansatz_shape {
	int rank;
	int dims[4];
};

struct ansatz {
	const char *name;
	const char *summary; /* one line for documentation */
	/* How many features the circuit can take at most. */
	int (*features)(const struct ansatz_config *config);
	void (*shape)(const struct ansatz_config *config, struct ansatz_shape *shape);
	/* Appends the operations and observables to an empty program of config->n_wires wires. */
	void (*build)(const struct ansatz_config *config, struct circuit_program *program);
};

/* NULL when unknown. */
const struct ansatz *ansatz_find(const char *name);
/* The i-th row of the table, NULL past its end. */
const struct ansatz *ansatz_at(int index);

/* Builds and checks. *out is owned by the caller (program_free). */
int ansatz_build(const struct ansatz *ansatz, const struct ansatz_config *config, struct circuit_program **out,
                 struct qlstm_error *error);

#endif
