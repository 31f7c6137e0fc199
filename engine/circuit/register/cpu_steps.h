/* The steps of a sequence on one tile, forward and backward. Included by cpu_kernel.c only.
 *
 * Backward, the cotangent l of the amplitudes z = M p goes back as l := M^* l, and M's own is l p^*, with p before the
 * step and l after it. For a rotation exp(-i t P / 2) that is dL/dt = Im <l|P|p> / 2, with both after it or both
 * before. */
#ifndef QLSTM_CIRCUIT_REGISTER_CPU_STEPS_H
#define QLSTM_CIRCUIT_REGISTER_CPU_STEPS_H

#include "engine/circuit/register/cpu_tile.h"

static void apply_turn(const struct tile *tile, const struct register_step *step)
{
	vec c, s;
	load_turn(tile, &step->angle, &c, &s);
	size_t rest = 0;
	do {
		struct amplitude *psi = tile->psi + (step->ones | rest);
		turn(step->axis, psi, psi + step->second, c, s);
	} while (next_subset(&rest, step->free));
}

static void backward_turn(const struct tile *tile, const struct register_step *step)
{
	vec c, s, sum = {0};
	load_turn(tile, &step->angle, &c, &s);
	size_t rest = 0;
	do {
		struct amplitude *psi = tile->psi + (step->ones | rest);
		struct amplitude *cotangent = tile->cotangent + (step->ones | rest);
		sum += slope(step->axis, cotangent, cotangent + step->second, psi, psi + step->second);
		turn(step->axis, psi, psi + step->second, c, -s);
		turn(step->axis, cotangent, cotangent + step->second, c, -s);
	} while (next_subset(&rest, step->free));
	add_turn(tile, &step->angle, sum * (real)0.5);
}

struct matrix {
	struct amplitude at[2][2];
};

static struct matrix load_matrix(const struct tile *tile, const struct register_step *step, size_t entry)
{
	struct matrix m;
	for (size_t i = 0; i < 4; i++)
		m.at[i / 2][i % 2] = (struct amplitude){load_number(tile, step, 8 * entry + 2 * i),
		                                        load_number(tile, step, 8 * entry + 2 * i + 1)};
	return m;
}

static struct amplitude conjugate(struct amplitude a)
{
	return (struct amplitude){a.re, -a.im};
}

static struct matrix conjugate_transpose(const struct matrix *m)
{
	return (struct matrix){
	    {{conjugate(m->at[0][0]), conjugate(m->at[1][0])}, {conjugate(m->at[0][1]), conjugate(m->at[1][1])}}};
}

static inline void multiply_pair(const struct matrix *m, struct amplitude *zero, struct amplitude *one)
{
	struct amplitude a = *zero, b = *one;
	*zero = add_product(multiply(m->at[0][0], a), m->at[0][1], b);
	*one = add_product(multiply(m->at[1][0], a), m->at[1][1], b);
}

static void apply_matrix(const struct tile *tile, const struct register_step *step)
{
	size_t chosen = 0, entry = 0;
	do {
		struct matrix m = load_matrix(tile, step, entry++);
		size_t rest = 0;
		do {
			struct amplitude *psi = tile->psi + (step->ones | chosen | rest);
			multiply_pair(&m, psi, psi + step->second);
		} while (next_subset(&rest, step->free));
	} while (next_subset(&chosen, step->selectors));
}

static void backward_matrix(const struct tile *tile, const struct register_step *step)
{
	size_t chosen = 0, entry = 0;
	do {
		struct matrix m = load_matrix(tile, step, entry), back = conjugate_transpose(&m), sum = {0};
		size_t rest = 0;
		do {
			size_t k = step->ones | chosen | rest;
			struct amplitude *p[2] = {tile->psi + k, tile->psi + k + step->second};
			struct amplitude *l[2] = {tile->cotangent + k, tile->cotangent + k + step->second};
			if (step->unitary)
				multiply_pair(&back, p[0], p[1]);
			for (size_t i = 0; i < 4; i++)
				sum.at[i / 2][i % 2] = add_product_conj(sum.at[i / 2][i % 2], *p[i % 2], *l[i / 2]);
			multiply_pair(&back, l[0], l[1]);
		} while (next_subset(&rest, step->free));
		for (size_t i = 0; i < 4; i++) {
			add_number(tile, step, 8 * entry + 2 * i, sum.at[i / 2][i % 2].re);
			add_number(tile, step, 8 * entry + 2 * i + 1, sum.at[i / 2][i % 2].im);
		}
		entry++;
	} while (next_subset(&chosen, step->selectors));
}

static void apply_plane(const struct tile *tile, const struct register_step *step)
{
	size_t chosen = 0, entry = 0;
	do {
		vec c = load_number(tile, step, 2 * entry), s = load_number(tile, step, 2 * entry + 1);
		size_t rest = 0;
		do {
			struct amplitude *psi = tile->psi + (step->ones | chosen | rest);
			turn_y(psi, psi + step->second, c, s);
		} while (next_subset(&rest, step->free));
		entry++;
	} while (next_subset(&chosen, step->selectors));
}

static void backward_plane(const struct tile *tile, const struct register_step *step)
{
	size_t chosen = 0, entry = 0;
	do {
		vec c = load_number(tile, step, 2 * entry), s = load_number(tile, step, 2 * entry + 1);
		vec dc = {0}, ds = {0};
		size_t rest = 0;
		do {
			size_t k = step->ones | chosen | rest;
			struct amplitude *p0 = tile->psi + k, *p1 = p0 + step->second;
			struct amplitude *l0 = tile->cotangent + k, *l1 = l0 + step->second;
			if (step->unitary)
				turn_y(p0, p1, c, -s);
			dc = fma_vec(l0->im, p0->im, fma_vec(l0->re, p0->re, dc));
			dc = fma_vec(l1->im, p1->im, fma_vec(l1->re, p1->re, dc));
			ds += slope_y(l0, l1, p0, p1);
			turn_y(l0, l1, c, -s);
		} while (next_subset(&rest, step->free));
		add_number(tile, step, 2 * entry, dc);
		add_number(tile, step, 2 * entry + 1, ds);
		entry++;
	} while (next_subset(&chosen, step->selectors));
}

static void apply_scale(const struct tile *tile, const struct register_step *step)
{
	size_t chosen = 0, entry = 0;
	do {
		struct amplitude d = {load_number(tile, step, 2 * entry), load_number(tile, step, 2 * entry + 1)};
		size_t rest = 0;
		do {
			struct amplitude *psi = tile->psi + (step->ones | chosen | rest);
			*psi = multiply(d, *psi);
		} while (next_subset(&rest, step->free));
		entry++;
	} while (next_subset(&chosen, step->selectors));
}

static void backward_scale(const struct tile *tile, const struct register_step *step)
{
	size_t chosen = 0, entry = 0;
	do {
		struct amplitude d = {load_number(tile, step, 2 * entry), load_number(tile, step, 2 * entry + 1)};
		struct amplitude sum = {{0}, {0}};
		size_t rest = 0;
		do {
			size_t k = step->ones | chosen | rest;
			if (step->unitary)
				tile->psi[k] = multiply_conj(d, tile->psi[k]);
			sum = add_product_conj(sum, tile->psi[k], tile->cotangent[k]);
			tile->cotangent[k] = multiply_conj(d, tile->cotangent[k]);
		} while (next_subset(&rest, step->free));
		add_number(tile, step, 2 * entry, sum.re);
		add_number(tile, step, 2 * entry + 1, sum.im);
		entry++;
	} while (next_subset(&chosen, step->selectors));
}

#endif
