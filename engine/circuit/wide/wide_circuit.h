/* A program compiled for the wide plan: a product state, then sweeps over the statevector, then Pauli strings to
 * measure. Internal to engine/circuit. Bits are bits of a basis index, not wires.
 *
 * Everything becomes rotations about Y, rotations about Z-strings, CNOTs and X: RX(t) = RZ(-pi/2) RY(t) RZ(pi/2), H =
 * RY(pi/2) Z, CZ is three Z-strings, SWAP exchanges names. Gates that no output depends on are dropped, and CNOTs with
 * nothing behind them move into diagonal observables.
 *
 * A sweep moves every amplitude through the cache once. It works on tiles: the amplitudes that differ in the sweep's
 * active bits only. The lowest WIDE_ROW_BITS bits are always active, so a tile is gathered from whole rows of memory.
 * In time order a sweep is
 *   - a map: CNOTs and X whose targets are active (a control need not be), done by where amplitudes are read from;
 *   - one rotation about Y on some of the active bits;
 *   - one diagonal of any number of Z-strings;
 *   - a second map, done by where amplitudes are written to.
 * Gates move forward past delayed ones that they commute with bit by bit, so layers overlap. */
#ifndef QLSTM_CIRCUIT_WIDE_CIRCUIT_H
#define QLSTM_CIRCUIT_WIDE_CIRCUIT_H

#include "engine/circuit/wide/wide_map.h"
#include "engine/circuit/wide/wide_strings.h"

enum wide_kind { WIDE_ROTATE_Y, WIDE_ROTATE_Z, WIDE_CNOT, WIDE_FLIP };

struct wide_gate {
	enum wide_kind kind;
	int slot;      /* of a rotation's angle */
	int target;    /* the bit turned or flipped */
	int control;   /* CNOT */
	uint32_t mask; /* WIDE_ROTATE_Z: the string */
};

/* A rotation about Y in a sweep. */
struct wide_turn {
	int slot, bit;
};

struct wide_sweep {
	uint32_t active; /* mask of bits */
	struct wide_map in, out;
	bool has_in;                                 /* the first map has gates */
	struct wide_turn turns[WIDE_TILE_BITS_MOST]; /* by rising bit */
	int n_turns;
	struct wide_strings diagonal; /* indices are slots */
};

struct wide_circuit {
	const struct circuit_program *program;
	int n_bits;    /* of a basis index: the wires, and bits that stay 0 to fill a row */
	int tile_bits; /* active in every sweep: WIDE_TILE_BITS, fewer or a few more */
	int n_slots, n_gates, n_prefix, n_sweeps, n_observables;
	struct angle *slots;
	struct wide_gate *prefix;  /* on one bit each, preparing a product state, in time order */
	struct wide_gate *gates;   /* the others */
	struct wide_sweep *sweeps; /* at least one */
	/* On bits, after the last sweep. All of them are diagonal (x = 0) when no wire is measured along two axes. */
	struct pauli_string *observables;
	bool diagonal;
	/* Of the diagonal observables, on the last sweep's tiles before its second map; indices are observables. */
	struct wide_strings readout;
};

/* NULL when out of memory. */
struct wide_circuit *wide_circuit_new(const struct circuit_program *program);
void wide_circuit_free(struct wide_circuit *circuit);

/* For wide_circuit_new: chooses tile_bits and puts circuit->gates into sweeps. False when out of memory. */
bool wide_schedule(struct wide_circuit *circuit);
void wide_sweeps_free(struct wide_circuit *circuit);

#endif
