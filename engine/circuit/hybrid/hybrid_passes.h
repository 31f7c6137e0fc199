/* A layer on the state of one tile, two qubits a pass over it; the entangler is a part of the last pass forward and of
 * the first one back. Included by hybrid_kernel.c only.
 *
 * Passes are the same on every instruction set, also where its registers are too few for them, since sums over
 * amplitudes are taken on the way. */
#ifndef QLSTM_CIRCUIT_HYBRID_HYBRID_PASSES_H
#define QLSTM_CIRCUIT_HYBRID_HYBRID_PASSES_H

#include "engine/circuit/hybrid/hybrid_turn.h"

/* What a pass does with the entangler. */
enum crossing { CROSS_NOTHING, CROSS_MOVES, CROSS_SIGNS };

static enum crossing crossing_of(const struct hybrid_pass *pass)
{
	return pass->moves != NULL ? CROSS_MOVES : pass->signs != NULL ? CROSS_SIGNS : CROSS_NOTHING;
}

ALWAYS_INLINE void leave(const struct hybrid_pass *pass, enum crossing crossing, size_t i, struct amplitude value,
                         struct amplitude *to)
{
	if (crossing == CROSS_MOVES)
		to[pass->moves[i]] = value;
	else
		to[i] = crossing == CROSS_SIGNS ? scale(value, SPLAT((real)pass->signs[i])) : value;
}

ALWAYS_INLINE struct amplitude enter(const struct hybrid_pass *pass, enum crossing crossing, size_t i,
                                     const struct amplitude *from)
{
	if (crossing == CROSS_MOVES)
		return from[pass->moves[i]];
	return crossing == CROSS_SIGNS ? scale(from[i], SPLAT((real)pass->signs[i])) : from[i];
}

/* Qubits `qubit` and `qubit` + 1; `from` may be `to` unless something is moved. */
ALWAYS_INLINE void turn_two(const struct hybrid_pass *pass, enum crossing crossing, size_t qubit,
                            const struct turn *turns, const struct amplitude *from, struct amplitude *to)
{
	const struct turn high = turns[qubit], low = turns[qubit + 1];
	size_t size = (size_t)1 << pass->shape.qubits, second = size >> (qubit + 2), first = 2 * second;
	for (size_t block = 0; block < size; block += 2 * first)
		for (size_t i = block; i < block + second; i++) {
			struct amplitude p[4] = {from[i], from[i + second], from[i + first], from[i + first + second]};
			turn_pair(&high, &p[0], &p[2]);
			turn_pair(&high, &p[1], &p[3]);
			turn_pair(&low, &p[0], &p[1]);
			turn_pair(&low, &p[2], &p[3]);
			leave(pass, crossing, i, p[0], to);
			leave(pass, crossing, i + second, p[1], to);
			leave(pass, crossing, i + first, p[2], to);
			leave(pass, crossing, i + first + second, p[3], to);
		}
}

/* Qubit 0 alone, where there is an odd number of them. */
static void turn_first(const struct hybrid_pass *pass, const struct turn *turns, struct amplitude *psi)
{
	const struct turn u = turns[0];
	size_t half = (size_t)1 << (pass->shape.qubits - 1);
	for (size_t i = 0; i < half; i++)
		turn_pair(&u, &psi[i], &psi[i + half]);
}

/* One layer; the state is in `to` afterwards where something is moved, else in `psi`. */
static void layer_forward(const struct hybrid_pass *pass, const struct turn *turns, struct amplitude *psi,
                          struct amplitude *to)
{
	size_t n = (size_t)pass->shape.qubits, qubit = n % 2;
	if (qubit == 1)
		turn_first(pass, turns, psi);
	for (; qubit + 2 < n; qubit += 2)
		turn_two(pass, CROSS_NOTHING, qubit, turns, psi, psi);
	if (n == 1)
		return;
	switch (crossing_of(pass)) {
	case CROSS_MOVES:
		turn_two(pass, CROSS_MOVES, qubit, turns, psi, to);
		break;
	case CROSS_SIGNS:
		turn_two(pass, CROSS_SIGNS, qubit, turns, psi, psi);
		break;
	default:
		turn_two(pass, CROSS_NOTHING, qubit, turns, psi, psi);
	}
}

/* ---- Back ---- */

/* The two states that go back together. */
struct states {
	struct amplitude *psi, *lambda;
};

ALWAYS_INLINE void add_slopes(struct slopes *sum, const struct amplitude *l0, const struct amplitude *l1,
                              const struct amplitude *p0, const struct amplitude *p1)
{
	sum->x += slope_x(l0, l1, p0, p1);
	sum->y += slope_y(l0, l1, p0, p1);
	sum->z += slope_z(l0, l1, p0, p1);
}

/* Slopes of both qubits, then their rotations taken back; four amplitudes at a time. */
ALWAYS_INLINE void take_back_four(const struct turn *high, const struct turn *low, struct amplitude p[4],
                                  struct amplitude l[4], struct slopes sums[2])
{
	add_slopes(&sums[0], &l[0], &l[2], &p[0], &p[2]);
	add_slopes(&sums[0], &l[1], &l[3], &p[1], &p[3]);
	add_slopes(&sums[1], &l[0], &l[1], &p[0], &p[1]);
	add_slopes(&sums[1], &l[2], &l[3], &p[2], &p[3]);
	turn_pair_back(low, &p[0], &p[1]);
	turn_pair_back(low, &p[2], &p[3]);
	turn_pair_back(high, &p[0], &p[2]);
	turn_pair_back(high, &p[1], &p[3]);
	turn_pair_back(low, &l[0], &l[1]);
	turn_pair_back(low, &l[2], &l[3]);
	turn_pair_back(high, &l[0], &l[2]);
	turn_pair_back(high, &l[1], &l[3]);
}

ALWAYS_INLINE void take_back_two(const struct hybrid_pass *pass, enum crossing crossing, size_t qubit,
                                 const struct turn *turns, struct states from, struct states to, struct slopes *slopes)
{
	const struct turn high = turns[qubit], low = turns[qubit + 1];
	size_t size = (size_t)1 << pass->shape.qubits, second = size >> (qubit + 2), first = 2 * second;
	struct slopes sums[2] = {{{0}, {0}, {0}}, {{0}, {0}, {0}}};
	for (size_t block = 0; block < size; block += 2 * first)
		for (size_t i = block; i < block + second; i++) {
			const size_t at[4] = {i, i + second, i + first, i + first + second};
			struct amplitude p[4], l[4];
			UNROLL for (size_t k = 0; k < 4; k++)
			{
				p[k] = enter(pass, crossing, at[k], from.psi);
				l[k] = enter(pass, crossing, at[k], from.lambda);
			}
			take_back_four(&high, &low, p, l, sums);
			UNROLL for (size_t k = 0; k < 4; k++)
			{
				to.psi[at[k]] = p[k];
				to.lambda[at[k]] = l[k];
			}
		}
	slopes[qubit] = sums[0];
	slopes[qubit + 1] = sums[1];
}

static void take_back_first(const struct hybrid_pass *pass, const struct turn *turns, struct states states,
                            struct slopes *slopes)
{
	const struct turn u = turns[0];
	size_t half = (size_t)1 << (pass->shape.qubits - 1);
	struct slopes sum = {{0}, {0}, {0}};
	for (size_t i = 0; i < half; i++) {
		struct amplitude *psi = states.psi + i, *lambda = states.lambda + i;
		add_slopes(&sum, lambda, lambda + half, psi, psi + half);
		turn_pair_back(&u, psi, psi + half);
		turn_pair_back(&u, lambda, lambda + half);
	}
	slopes[0] = sum;
}

/* One layer; the states are in `to` afterwards where something was moved, else where they were. slopes [qubits]. */
static void layer_back(const struct hybrid_pass *pass, const struct turn *turns, struct states states, struct states to,
                       struct slopes *slopes)
{
	size_t n = (size_t)pass->shape.qubits;
	if (n > 1) {
		switch (crossing_of(pass)) {
		case CROSS_MOVES:
			take_back_two(pass, CROSS_MOVES, n - 2, turns, states, to, slopes);
			states = to;
			break;
		case CROSS_SIGNS:
			take_back_two(pass, CROSS_SIGNS, n - 2, turns, states, states, slopes);
			break;
		default:
			take_back_two(pass, CROSS_NOTHING, n - 2, turns, states, states, slopes);
		}
		for (size_t left = n - 2; left >= 2; left -= 2)
			take_back_two(pass, CROSS_NOTHING, left - 2, turns, states, states, slopes);
	}
	if (n % 2 == 1)
		take_back_first(pass, turns, states, slopes);
}

#endif
