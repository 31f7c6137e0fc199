/* The wide plan's inner loops; contracts in wide_kernel.h. The amplitudes lie in the lanes. Compiled once per
 * instruction set: -DKERNEL_ISA names the table. */
#include "engine/circuit/wide_vector.h"

struct rotation {
	int place;
	double c, s;
};

INLINE void rotate_forward(enum wide_kind axis, const struct rotation *r, size_t size, const struct wide_state *psi)
{
	size_t stride = (size_t)1 << r->place;
	for (size_t base = 0; base < size && r->place >= LANE_BITS; base += 2 * stride)
		for (size_t k = base; k < base + stride; k += WIDTH) {
			struct amplitude a = load(psi, k), b = load(psi, k + stride), of_a, of_b;
			image_pair(axis, a, b, &of_a, &of_b);
			store(psi, k, turn(a, of_a, r->c, r->s));
			store(psi, k + stride, turn(b, of_b, r->c, r->s));
		}
}

INLINE void rotate_lanes_forward(enum wide_kind axis, int place, const struct rotation *r, size_t size,
                                 const struct wide_state *psi)
{
	for (size_t k = 0; k < size; k += WIDTH) {
		struct amplitude a = load(psi, k);
		store(psi, k, turn(a, image_lanes(axis, a, place), r->c, r->s));
	}
}

INLINE double rotate_backward(enum wide_kind axis, const struct rotation *r, size_t size, const struct wide_state *psi,
                              const struct wide_state *lambda)
{
	size_t stride = (size_t)1 << r->place;
	vec sum = {0};
	for (size_t base = 0; base < size; base += 2 * stride)
		for (size_t k = base; k < base + stride; k += WIDTH) {
			struct amplitude a = load(psi, k), b = load(psi, k + stride), of_a, of_b;
			struct amplitude l = load(lambda, k), m = load(lambda, k + stride), of_l, of_m;
			image_pair(axis, a, b, &of_a, &of_b);
			image_pair(axis, l, m, &of_l, &of_m);
			sum += slope(l, of_a) + slope(m, of_b);
			store(psi, k, turn(a, of_a, r->c, -r->s));
			store(psi, k + stride, turn(b, of_b, r->c, -r->s));
			store(lambda, k, turn(l, of_l, r->c, -r->s));
			store(lambda, k + stride, turn(m, of_m, r->c, -r->s));
		}
	return total(sum);
}

INLINE double rotate_lanes_backward(enum wide_kind axis, int place, const struct rotation *r, size_t size,
                                    const struct wide_state *psi, const struct wide_state *lambda)
{
	vec sum = {0};
	for (size_t k = 0; k < size; k += WIDTH) {
		struct amplitude a = load(psi, k), l = load(lambda, k), image = image_lanes(axis, a, place);
		sum += slope(l, image);
		store(psi, k, turn(a, image, r->c, -r->s));
		store(lambda, k, turn(l, image_lanes(axis, l, place), r->c, -r->s));
	}
	return total(sum);
}

/* The loops above for each axis, and for each place of the target inside a vector. */
#define AXES(X) X(x, WIDE_ROTATE_X) X(y, WIDE_ROTATE_Y) X(z, WIDE_ROTATE_Z)
#define X(name, axis)                                                                                                  \
	static void forward_##name(const struct rotation *r, size_t size, const struct wide_state *psi)                \
	{                                                                                                              \
		if (r->place >= LANE_BITS)                                                                             \
			rotate_forward(axis, r, size, psi);                                                            \
		else if (r->place == 2)                                                                                \
			rotate_lanes_forward(axis, 2, r, size, psi);                                                   \
		else if (r->place == 1)                                                                                \
			rotate_lanes_forward(axis, 1, r, size, psi);                                                   \
		else                                                                                                   \
			rotate_lanes_forward(axis, 0, r, size, psi);                                                   \
	}                                                                                                              \
	static double backward_##name(const struct rotation *r, size_t size, const struct wide_state *psi,             \
	                              const struct wide_state *lambda)                                                 \
	{                                                                                                              \
		if (r->place >= LANE_BITS)                                                                             \
			return rotate_backward(axis, r, size, psi, lambda);                                            \
		if (r->place == 2)                                                                                     \
			return rotate_lanes_backward(axis, 2, r, size, psi, lambda);                                   \
		if (r->place == 1)                                                                                     \
			return rotate_lanes_backward(axis, 1, r, size, psi, lambda);                                   \
		return rotate_lanes_backward(axis, 0, r, size, psi, lambda);                                           \
	}
AXES(X)
#undef X

/* Whether the gate acts on this tile at all, as far as a control outside decides. */
static bool controlled(const struct wide_gate *gate, size_t index)
{
	return gate->control >= 0 || (index & gate->outside) != 0;
}

INLINE mask control_mask(const struct wide_gate *gate, size_t k)
{
	if (gate->control >= 0)
		return bit_mask(k, gate->control);
	return (mask){0} - 1;
}

/* Both bits above the lanes: whole vectors change places, and only those with the control set are touched. */
static void flip_far(const struct wide_gate *gate, size_t size, const struct wide_state *state)
{
	size_t target = (size_t)1 << gate->target, control = (size_t)1 << gate->control;
	size_t low = target < control ? target : control, high = target < control ? control : target;
	for (size_t i = control; i < size; i += 2 * high)
		for (size_t j = i; j < i + high; j += 2 * low)
			for (size_t k = j; k < j + low; k += WIDTH) {
				struct amplitude a = load(state, k), b = load(state, k + target);
				store(state, k, b);
				store(state, k + target, a);
			}
}

static void flip_pairs(const struct wide_gate *gate, size_t size, const struct wide_state *state)
{
	size_t stride = (size_t)1 << gate->target;
	for (size_t base = 0; base < size; base += 2 * stride)
		for (size_t k = base; k < base + stride; k += WIDTH) {
			mask where = control_mask(gate, k);
			struct amplitude a = load(state, k), b = load(state, k + stride);
			store(state, k, (struct amplitude){choose(where, b.re, a.re), choose(where, b.im, a.im)});
			store(state, k + stride,
			      (struct amplitude){choose(where, a.re, b.re), choose(where, a.im, b.im)});
		}
}

INLINE void flip_lanes(int place, const struct wide_gate *gate, size_t size, const struct wide_state *state)
{
	for (size_t k = 0; k < size; k += WIDTH) {
		mask where = control_mask(gate, k);
		struct amplitude a = load(state, k);
		store(state, k,
		      (struct amplitude){choose(where, exchange(a.re, place), a.re),
		                         choose(where, exchange(a.im, place), a.im)});
	}
}

static void apply_cnot(const struct wide_gate *gate, size_t size, const struct wide_state *state)
{
	if (gate->target >= LANE_BITS && gate->control >= LANE_BITS)
		flip_far(gate, size, state);
	else if (gate->target >= LANE_BITS)
		flip_pairs(gate, size, state);
	else if (gate->target == 2)
		flip_lanes(2, gate, size, state);
	else if (gate->target == 1)
		flip_lanes(1, gate, size, state);
	else
		flip_lanes(0, gate, size, state);
}

static void apply_cz(const struct wide_gate *gate, size_t size, const struct wide_state *state)
{
	for (size_t k = 0; k < size; k += WIDTH) {
		mask where = control_mask(gate, k) & bit_mask(k, gate->target);
		struct amplitude a = load(state, k);
		store(state, k, (struct amplitude){negate_where(where, a.re), negate_where(where, a.im)});
	}
}

/* CNOT and CZ undo themselves. */
static void apply_controlled(const struct wide_gate *gate, size_t index, size_t size, const struct wide_state *state)
{
	if (!controlled(gate, index))
		return;
	if (gate->kind == WIDE_CNOT)
		apply_cnot(gate, size, state);
	else
		apply_cz(gate, size, state);
}

static struct rotation rotation_of(const struct wide_gate *gate, const struct wide_angles *angles)
{
	return (struct rotation){gate->target, angles->cosine[gate->slot], angles->sine[gate->slot]};
}

static void forward(const struct wide_sweep *sweep, const struct wide_angles *angles, size_t index,
                    const struct wide_state *psi)
{
	static void (*const rotate[])(const struct rotation *, size_t, const struct wide_state *) = {
	    [WIDE_ROTATE_X] = forward_x, [WIDE_ROTATE_Y] = forward_y, [WIDE_ROTATE_Z] = forward_z};
	size_t size = (size_t)1 << sweep->n_tile_bits;
	for (int i = 0; i < sweep->n_gates; i++) {
		const struct wide_gate *gate = &sweep->gates[i];
		if (gate->slot < 0) {
			apply_controlled(gate, index, size, psi);
			continue;
		}
		struct rotation r = rotation_of(gate, angles);
		rotate[gate->kind](&r, size, psi);
	}
}

static void backward(const struct wide_sweep *sweep, const struct wide_angles *angles, size_t index,
                     const struct wide_state *psi, const struct wide_state *lambda, double *gradient)
{
	static double (*const rotate[])(const struct rotation *, size_t, const struct wide_state *,
	                                const struct wide_state *) = {
	    [WIDE_ROTATE_X] = backward_x, [WIDE_ROTATE_Y] = backward_y, [WIDE_ROTATE_Z] = backward_z};
	size_t size = (size_t)1 << sweep->n_tile_bits;
	for (int i = sweep->n_gates - 1; i >= 0; i--) {
		const struct wide_gate *gate = &sweep->gates[i];
		if (gate->slot < 0) {
			apply_controlled(gate, index, size, psi);
			apply_controlled(gate, index, size, lambda);
			continue;
		}
		struct rotation r = rotation_of(gate, angles);
		gradient[gate->slot] += rotate[gate->kind](&r, size, psi, lambda);
	}
}

/* Below a vector's width, one amplitude at a time. */
static void extend_few(const struct wide_state *to, const struct wide_state *from, size_t size,
                       const struct wide_vector *v)
{
	for (size_t j = 0; j < size; j++) {
		double re = from->re[j], im = from->im[j];
		for (size_t s = 0; s < 2; s++) {
			to->re[j + s * size] = v->re[s] * re - v->im[s] * im;
			to->im[j + s * size] = v->re[s] * im + v->im[s] * re;
		}
	}
}

static void extend(const struct wide_state *to, const struct wide_state *from, size_t size, const struct wide_vector *v)
{
	if (size < WIDTH) {
		extend_few(to, from, size, v);
		return;
	}
	for (size_t j = 0; j < size; j += WIDTH) {
		struct amplitude a = load(from, j);
		for (size_t s = 0; s < 2; s++)
			store(to, j + s * size,
			      (struct amplitude){v->re[s] * a.re - v->im[s] * a.im, v->re[s] * a.im + v->im[s] * a.re});
	}
}

static struct wide_vector contract_few(const struct wide_state *lambda, const struct wide_state *others, size_t size,
                                       const struct wide_vector *v)
{
	struct wide_vector sums = {{0.0}, {0.0}};
	for (size_t j = 0; j < size; j++) {
		double re = 0.0, im = 0.0;
		for (size_t s = 0; s < 2; s++) {
			double l_re = lambda->re[j + s * size], l_im = lambda->im[j + s * size];
			sums.re[s] += others->re[j] * l_re + others->im[j] * l_im;
			sums.im[s] += others->re[j] * l_im - others->im[j] * l_re;
			re += v->re[s] * l_re + v->im[s] * l_im;
			im += v->re[s] * l_im - v->im[s] * l_re;
		}
		lambda->re[j] = re;
		lambda->im[j] = im;
	}
	return sums;
}

static struct wide_vector contract(const struct wide_state *lambda, const struct wide_state *others, size_t size,
                                   const struct wide_vector *v)
{
	if (size < WIDTH)
		return contract_few(lambda, others, size, v);
	vec sums_re[2] = {{0}, {0}}, sums_im[2] = {{0}, {0}};
	for (size_t j = 0; j < size; j += WIDTH) {
		struct amplitude o = load(others, j), folded = {{0}, {0}};
		for (size_t s = 0; s < 2; s++) {
			struct amplitude l = load(lambda, j + s * size);
			sums_re[s] += o.re * l.re + o.im * l.im;
			sums_im[s] += o.re * l.im - o.im * l.re;
			folded.re += v->re[s] * l.re + v->im[s] * l.im;
			folded.im += v->re[s] * l.im - v->im[s] * l.re;
		}
		store(lambda, j, folded);
	}
	return (struct wide_vector){{total(sums_re[0]), total(sums_re[1])}, {total(sums_im[0]), total(sums_im[1])}};
}

static double weigh(const struct wide_state *psi, size_t size, double sign, double *out)
{
	vec sum = {0};
	for (size_t k = 0; k < size; k += WIDTH) {
		struct amplitude a = load(psi, k);
		vec weight = a.re * a.re + a.im * a.im;
		sum += weight;
		if (out != NULL)
			*(vec *)(out + k) += sign * weight;
	}
	return total(sum);
}

static void scale(const struct wide_state *lambda, const struct wide_state *psi, size_t size, double constant,
                  const double *factors)
{
	for (size_t k = 0; k < size; k += WIDTH) {
		vec factor = constant + *(const vec *)(factors + k);
		struct amplitude a = load(psi, k);
		store(lambda, k, (struct amplitude){factor * a.re, factor * a.im});
	}
}

#define TABLE_NAME(isa) wide_kernels_##isa
#define TABLE(isa)      TABLE_NAME(isa)

extern const struct wide_kernels TABLE(KERNEL_ISA);

const struct wide_kernels TABLE(KERNEL_ISA) = {
    .extend = extend,
    .contract = contract,
    .forward = forward,
    .backward = backward,
    .weigh = weigh,
    .scale = scale,
};
