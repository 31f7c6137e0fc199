/* Scheduling gates into sweeps; see wide_circuit.h. */
#include "engine/circuit/wide/wide_circuit.h"

#include <stdlib.h>
#include <string.h>

/* Larger tiles are for states of at least 2^SPARE_BITS of them: enough for all threads. */
#define SPARE_BITS 5

/* A sweep being filled, and what the gates put off so far do to each bit. */
struct filling {
	struct wide_sweep *sweep;
	int tile_bits;
	uint32_t turned, mapped; /* bits with a rotation about Y; bits in the second map */
	uint32_t strings;        /* bits in the diagonal */
	uint32_t flipped_later, diagonal_later;
};

/* The bits on which a gate does not commute with Z, and those on which it does but not with X. */
static uint32_t flipped_by(const struct wide_gate *gate)
{
	return gate->kind == WIDE_ROTATE_Z ? 0 : 1u << gate->target;
}

static uint32_t diagonal_on(const struct wide_gate *gate)
{
	return gate->kind == WIDE_ROTATE_Z ? gate->mask : gate->kind == WIDE_CNOT ? 1u << gate->control : 0;
}

static bool must_wait(const struct filling *filling, const struct wide_gate *gate)
{
	return (flipped_by(gate) & (filling->flipped_later | filling->diagonal_later)) != 0 ||
	       (diagonal_on(gate) & filling->flipped_later) != 0;
}

static void put_off(struct filling *filling, const struct wide_gate *gate)
{
	filling->flipped_later |= flipped_by(gate);
	filling->diagonal_later |= diagonal_on(gate);
}

/* Makes the target active; false when there is no room. */
static bool make_active(struct filling *filling, int target)
{
	uint32_t wanted = filling->sweep->active | 1u << target;
	if (__builtin_popcount(wanted) > filling->tile_bits)
		return false;
	filling->sweep->active = wanted;
	return true;
}

static void add_turn(struct wide_sweep *sweep, const struct wide_gate *gate)
{
	int at = sweep->n_turns++;
	for (; at > 0 && sweep->turns[at - 1].bit > gate->target; at--)
		sweep->turns[at] = sweep->turns[at - 1];
	sweep->turns[at] = (struct wide_turn){gate->slot, gate->target};
}

static bool take_turn(struct filling *filling, const struct wide_gate *gate)
{
	uint32_t bit = 1u << gate->target;
	if (((filling->turned | filling->mapped | filling->strings) & bit) != 0 || !make_active(filling, gate->target))
		return false;
	filling->turned |= bit;
	add_turn(filling->sweep, gate);
	return true;
}

/* A CNOT or X: into the first map while it commutes with all that the sweep has taken, else into the second. */
static bool take_map(struct filling *filling, const struct wide_gate *gate)
{
	uint32_t bits = flipped_by(gate) | diagonal_on(gate);
	if (!make_active(filling, gate->target))
		return false;
	bool first = ((filling->turned | filling->mapped | filling->strings) & bits) == 0;
	struct wide_map *map = first ? &filling->sweep->in : &filling->sweep->out;
	if (gate->kind == WIDE_CNOT)
		wide_map_cnot(map, gate->control, gate->target);
	else
		wide_map_flip(map, gate->target);
	filling->mapped |= first ? 0 : bits;
	filling->sweep->has_in |= first;
	return true;
}

/* False when out of memory: a Z-string fits any sweep. */
static bool take_string(struct filling *filling, const struct wide_gate *gate)
{
	bool negative = false;
	uint32_t mask = wide_affine_pull(&filling->sweep->out.forward, gate->mask, &negative);
	filling->strings |= mask;
	return wide_strings_add(&filling->sweep->diagonal, mask, gate->slot, negative);
}

/* Takes gates from waiting[0..n-1] into a sweep, as many as its form allows, and closes the gap. Returns how many are
 * left, or -1 when out of memory. */
static int fill_sweep(const struct wide_circuit *circuit, struct wide_sweep *sweep, struct wide_gate *waiting, int n)
{
	struct filling filling = {.sweep = sweep, .tile_bits = circuit->tile_bits};
	const uint32_t all = (uint32_t)((1ull << circuit->n_bits) - 1);
	int left = 0;
	for (int i = 0; i < n; i++) {
		if (filling.flipped_later == all) {
			memmove(waiting + left, waiting + i, (size_t)(n - i) * sizeof *waiting);
			return left + n - i;
		}
		struct wide_gate gate = waiting[i];
		bool taken = !must_wait(&filling, &gate);
		if (taken && gate.kind == WIDE_ROTATE_Z && !take_string(&filling, &gate))
			return -1;
		if (taken && gate.kind == WIDE_ROTATE_Y)
			taken = take_turn(&filling, &gate);
		if (taken && (gate.kind == WIDE_CNOT || gate.kind == WIDE_FLIP))
			taken = take_map(&filling, &gate);
		if (taken)
			continue;
		put_off(&filling, &gate);
		waiting[left++] = gate;
	}
	return left;
}

static struct wide_sweep *add_sweep(struct wide_circuit *circuit)
{
	struct wide_sweep *grown = realloc(circuit->sweeps, (size_t)(circuit->n_sweeps + 1) * sizeof *grown);
	if (grown == NULL)
		return NULL;
	circuit->sweeps = grown;
	struct wide_sweep *sweep = &grown[circuit->n_sweeps++];
	*sweep = (struct wide_sweep){.active = WIDE_ROW - 1, .in = wide_map_identity(), .out = wide_map_identity()};
	return sweep;
}

/* All of `gates` in tiles of circuit->tile_bits bits; overwrites them. */
static bool fill_sweeps(struct wide_circuit *circuit, struct wide_gate *gates)
{
	int left = circuit->n_gates;
	do {
		struct wide_sweep *sweep = add_sweep(circuit);
		left = sweep != NULL ? fill_sweep(circuit, sweep, gates, left) : -1;
		if (left < 0)
			return false;
		/* Bits to spare make longer rows. */
		for (int bit = 0; __builtin_popcount(sweep->active) < circuit->tile_bits; bit++)
			sweep->active |= 1u << bit;
		if (!wide_strings_split(&sweep->diagonal, sweep->active))
			return false;
	} while (left > 0);
	return true;
}

void wide_sweeps_free(struct wide_circuit *circuit)
{
	for (int i = 0; i < circuit->n_sweeps; i++)
		wide_strings_free(&circuit->sweeps[i].diagonal);
	free(circuit->sweeps);
	circuit->sweeps = NULL;
	circuit->n_sweeps = 0;
}

/* The sweeps of `bits`, if they save a quarter of those that the circuit has: a larger tile stays less well in the
 * caches, so that one of five saved gains nothing. False when out of memory. */
static bool try_bits(struct wide_circuit *circuit, int bits, struct wide_gate *gates)
{
	struct wide_circuit other = *circuit;
	other.tile_bits = bits;
	other.sweeps = NULL;
	other.n_sweeps = 0;
	memcpy(gates, circuit->gates, (size_t)circuit->n_gates * sizeof *gates);
	if (!fill_sweeps(&other, gates)) {
		wide_sweeps_free(&other);
		return false;
	}
	bool fewer = circuit->n_sweeps == 0 || 4 * other.n_sweeps <= 3 * circuit->n_sweeps;
	wide_sweeps_free(fewer ? circuit : &other);
	if (fewer)
		*circuit = other;
	return true;
}

bool wide_schedule(struct wide_circuit *circuit)
{
	int least = circuit->n_bits < WIDE_TILE_BITS ? circuit->n_bits : WIDE_TILE_BITS;
	struct wide_gate *gates = calloc((size_t)circuit->n_gates + 1, sizeof *gates);
	bool complete = gates != NULL && try_bits(circuit, least, gates);
	for (int bits = least + 1; complete && bits <= WIDE_TILE_BITS_MOST && circuit->n_bits >= bits + SPARE_BITS;
	     bits++)
		complete = try_bits(circuit, bits, gates);
	free(gates);
	return complete;
}
