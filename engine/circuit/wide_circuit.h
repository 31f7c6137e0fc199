/* A program compiled for the wide plan: a schedule of sweeps over the statevector. Internal to engine/circuit.
 *
 * A sweep moves every amplitude through the cache once. It works on tiles: the amplitudes that differ in the sweep's
 * active bits only. The lowest WIDE_ROW_BITS bits are always active, so a tile is gathered from whole rows of memory.
 * A gate belongs to a sweep when the bit that it turns or flips is active; the control of a CNOT or CZ need not be.
 * Bits are bits of a basis index, not wires.
 *
 * Gates that no output depends on are dropped, and the CNOTs after the last rotation move into diagonal observables. */
#ifndef QLSTM_CIRCUIT_WIDE_CIRCUIT_H
#define QLSTM_CIRCUIT_WIDE_CIRCUIT_H

#include <stddef.h>

#include "engine/circuit/program.h"

#define WIDE_ROW_BITS  6  /* 512 bytes a row */
#define WIDE_TILE_BITS 13 /* 128 KiB a state: two of them fit the L2 cache */
#define WIDE_BITS_MIN  3  /* the widest vector has 8 amplitudes */

enum wide_kind { WIDE_ROTATE_X, WIDE_ROTATE_Y, WIDE_ROTATE_Z, WIDE_CNOT, WIDE_CZ };

struct wide_gate {
	enum wide_kind kind;
	int slot;         /* of the rotation's angle */
	int target;       /* the bit turned or flipped; inside a sweep its place in the tile */
	int control;      /* CNOT, CZ; inside a sweep its place in the tile, or -1 when it is not active */
	uint32_t outside; /* a control that is not active: its mask in the basis index */
};

struct wide_sweep {
	uint32_t active; /* mask of bits */
	int n_tile_bits;
	const struct wide_gate *gates;
	int n_gates;
};

struct wide_circuit {
	const struct circuit_program *program;
	int n_bits; /* of a basis index: the wires, and bits that stay 0 to make WIDE_BITS_MIN */
	int n_slots, n_gates, n_prefix, n_sweeps, n_observables;
	struct angle *slots;
	struct wide_gate *prefix; /* rotations that only prepare a product state, in time order */
	struct wide_gate *gates;  /* by sweep */
	struct wide_sweep *sweeps;
	struct pauli_string
	    *observables; /* on bits; all of them diagonal (x = 0) when no wire is measured along two axes */
};

/* NULL when out of memory. */
struct wide_circuit *wide_circuit_new(const struct circuit_program *program);
void wide_circuit_free(struct wide_circuit *circuit);

#endif
