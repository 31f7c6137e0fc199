/* The rotations of one qubit in one layer as one matrix, and the slopes of their angles. Included by hybrid_kernel.c
 * only. */
#ifndef QLSTM_CIRCUIT_HYBRID_HYBRID_TURN_H
#define QLSTM_CIRCUIT_HYBRID_HYBRID_TURN_H

#include "engine/circuit/amplitude_vector.h"
#include "engine/circuit/hybrid/hybrid_kernel.h"
#ifdef KERNEL_FLOAT32
/* Its encoders are not of use here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "engine/circuit/half_angles_f32.h"
#pragma GCC diagnostic pop
#else
#include "engine/circuit/half_angles.h"
#endif

/* The matrix {{a, -conj b}, {b, conj a}} with |a|^2 + |b|^2 = 1. */
struct turn {
	struct amplitude a, b;
};

/* psi = U psi on a pair of amplitudes: 16 multiply-adds. */
ALWAYS_INLINE void turn_pair(const struct turn *u, struct amplitude *zero, struct amplitude *one)
{
	struct amplitude p = *zero, q = *one;
	vec re = fnma_vec(u->a.im, p.im, u->a.re * p.re), im = fma_vec(u->a.im, p.re, u->a.re * p.im);
	zero->re = fnma_vec(u->b.im, q.im, fnma_vec(u->b.re, q.re, re));
	zero->im = fma_vec(u->b.im, q.re, fnma_vec(u->b.re, q.im, im));
	re = fma_vec(u->a.im, q.im, u->a.re * q.re);
	im = fnma_vec(u->a.im, q.re, u->a.re * q.im);
	one->re = fnma_vec(u->b.im, p.im, fma_vec(u->b.re, p.re, re));
	one->im = fma_vec(u->b.im, p.re, fma_vec(u->b.re, p.im, im));
}

/* psi = U^* psi. */
ALWAYS_INLINE void turn_pair_back(const struct turn *u, struct amplitude *zero, struct amplitude *one)
{
	struct amplitude p = *zero, q = *one;
	vec re = fma_vec(u->a.im, p.im, u->a.re * p.re), im = fnma_vec(u->a.im, p.re, u->a.re * p.im);
	zero->re = fma_vec(u->b.im, q.im, fma_vec(u->b.re, q.re, re));
	zero->im = fnma_vec(u->b.im, q.re, fma_vec(u->b.re, q.im, im));
	re = fnma_vec(u->a.im, q.im, u->a.re * q.re);
	im = fma_vec(u->a.im, q.re, u->a.re * q.im);
	one->re = fma_vec(u->b.im, p.im, fnma_vec(u->b.re, p.re, re));
	one->im = fnma_vec(u->b.im, p.re, fnma_vec(u->b.re, p.im, im));
}

/* Rotations of a set. */
static inline size_t rotations_of(const struct hybrid_shape *shape)
{
	return shape->rotations == HYBRID_RX_RY_RZ ? 3 : shape->rotations == HYBRID_RY_RZ ? 2 : 1;
}

/* What the angles of a step are made into for one tile. */
struct angle_tables {
	double *angles;     /* [angles][lanes] */
	vec *cosine, *sine; /* [angles], of half angles */
	struct turn *turns; /* [layers][qubits] */
};

static struct angle_tables tables_of(const struct hybrid_pass *pass)
{
	size_t angles = hybrid_angles(&pass->shape), per_row = WIDTH / WIDTH64;
	vec *from = (vec *)pass->tables;
	struct angle_tables tables = {.angles = (double *)from, .cosine = from + angles * per_row};
	tables.sine = tables.cosine + angles;
	tables.turns = (struct turn *)(tables.sine + angles);
	return tables;
}

/* The matrix of a qubit whose rotations' half angles begin at c and s. */
static struct turn turn_of(enum hybrid_rotations rotations, const vec *c, const vec *s)
{
	const vec zero = {0};
	if (rotations == HYBRID_RY)
		return (struct turn){{c[0], zero}, {s[0], zero}};
	struct turn u = {{c[0], zero}, {s[0], zero}};
	if (rotations == HYBRID_RX_RY_RZ) {
		/* RY RX */
		u.a = (struct amplitude){c[1] * c[0], s[1] * s[0]};
		u.b = (struct amplitude){s[1] * c[0], -(c[1] * s[0])};
		c++, s++;
	}
	/* RZ: the first row by exp(-i t / 2), the second one by its conjugate */
	u.a = multiply(u.a, (struct amplitude){c[1], -s[1]});
	u.b = multiply(u.b, (struct amplitude){c[1], s[1]});
	return u;
}

/* The angles of the samples from `first` on, `count` of them; lanes beyond are angles of 0. */
static struct angle_tables make_tables(const struct hybrid_pass *pass, size_t first, size_t count)
{
	const struct hybrid_shape *shape = &pass->shape;
	struct angle_tables tables = tables_of(pass);
	size_t angles = hybrid_angles(shape), per_qubit = rotations_of(shape);
	size_t qubits = (size_t)shape->layers * (size_t)shape->qubits;
	for (size_t k = 0; k < angles; k++) {
		const double *row = pass->angles + k * pass->batch + first;
		for (size_t l = 0; l < WIDTH; l += WIDTH64)
			*(vec64 *)(tables.angles + k * WIDTH + l) = l < count ? load64(row + l, count - l) : (vec64){0};
	}
#ifdef KERNEL_FLOAT32
	half_angles_f32(tables.angles, angles * WIDTH, tables.cosine, tables.sine);
#else
	half_angles(tables.angles, angles * WIDTH, (double *)tables.cosine, (double *)tables.sine);
#endif
	for (size_t q = 0; q < qubits; q++)
		tables.turns[q] = turn_of(shape->rotations, tables.cosine + q * per_qubit, tables.sine + q * per_qubit);
	return tables;
}

/* Im <lambda|P|psi> of a qubit, behind its rotations. */
struct slopes {
	vec x, y, z;
};

/* The slopes of a qubit's rotations, from those behind them: G_Z = Z, G_Y = RZ Y RZ^*, G_X = RZ RY X RY^* RZ^*, which
 * turn as vectors do. c and s are of half angles. */
static void angle_slopes(enum hybrid_rotations rotations, const vec *c, const vec *s, const struct slopes *at,
                         vec slopes[3])
{
	if (rotations == HYBRID_RY) {
		slopes[0] = at->y;
		return;
	}
	size_t ry = rotations == HYBRID_RX_RY_RZ ? 1 : 0, rz = ry + 1;
	vec cz = fms_vec(c[rz], c[rz], s[rz] * s[rz]), sz = (real)2.0 * (c[rz] * s[rz]);
	slopes[rz] = at->z;
	slopes[ry] = fms_vec(cz, at->y, sz * at->x);
	if (ry == 0)
		return;
	vec cy = fms_vec(c[ry], c[ry], s[ry] * s[ry]), sy = (real)2.0 * (c[ry] * s[ry]);
	vec across = fma_vec(cz, at->x, sz * at->y);
	slopes[0] = fms_vec(cy, across, sy * at->z);
}

#endif
