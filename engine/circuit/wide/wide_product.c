/* Product states and their transpose; see wide_product.h. */
#include "engine/circuit/wide/wide_product.h"

/* A gate of the prefix on its bit; `turns` is 1, or -1 to undo it. */
static void turn_bit(const struct wide_gate *gate, const double *cosine, const double *sine, double turns,
                     struct wide_bit *v)
{
	struct wide_bit was = *v;
	if (gate->kind == WIDE_FLIP) {
		*v = (struct wide_bit){{was.re[1], was.re[0]}, {was.im[1], was.im[0]}};
		return;
	}
	double c = cosine[gate->slot], s = turns * sine[gate->slot];
	if (gate->kind == WIDE_ROTATE_Y)
		*v = (struct wide_bit){{c * was.re[0] - s * was.re[1], s * was.re[0] + c * was.re[1]},
		                       {c * was.im[0] - s * was.im[1], s * was.im[0] + c * was.im[1]}};
	else
		*v = (struct wide_bit){{c * was.re[0] + s * was.im[0], c * was.re[1] - s * was.im[1]},
		                       {c * was.im[0] - s * was.re[0], c * was.im[1] + s * was.re[1]}};
}

/* Im <lambda|P|v>. */
static double slope(enum wide_kind axis, const struct wide_bit *lambda, const struct wide_bit *v)
{
	const double *lr = lambda->re, *li = lambda->im, *r = v->re, *i = v->im;
	if (axis == WIDE_ROTATE_Y)
		return lr[1] * r[0] + li[1] * i[0] - lr[0] * r[1] - li[0] * i[1];
	return lr[0] * i[0] - li[0] * r[0] - lr[1] * i[1] + li[1] * r[1];
}

void wide_product_forward(const struct wide_circuit *circuit, const double *cosine, const double *sine,
                          struct wide_bit *bits)
{
	for (int bit = 0; bit < circuit->n_bits; bit++)
		bits[bit] = (struct wide_bit){{1.0, 0.0}, {0.0, 0.0}};
	for (int i = 0; i < circuit->n_prefix; i++)
		turn_bit(&circuit->prefix[i], cosine, sine, 1.0, &bits[circuit->prefix[i].target]);
}

void wide_product_backward(const struct wide_circuit *circuit, const double *cosine, const double *sine,
                           struct wide_bit *bits, struct wide_bit *cotangents, double *gradient)
{
	for (int i = circuit->n_prefix - 1; i >= 0; i--) {
		const struct wide_gate *gate = &circuit->prefix[i];
		struct wide_bit *v = &bits[gate->target], *lambda = &cotangents[gate->target];
		if (gate->slot >= 0)
			gradient[gate->slot] += slope(gate->kind, lambda, v);
		turn_bit(gate, cosine, sine, -1.0, v);
		turn_bit(gate, cosine, sine, -1.0, lambda);
	}
}

void wide_product_expand(const struct wide_bit *bits, uint32_t which, double *re, double *im)
{
	size_t size = 1;
	re[0] = 1.0;
	im[0] = 0.0;
	for (; which != 0; which &= which - 1, size *= 2) {
		const struct wide_bit *v = &bits[__builtin_ctz(which)];
		for (size_t j = 0; j < size; j++) {
			double a = re[j], b = im[j];
			re[j + size] = v->re[1] * a - v->im[1] * b;
			im[j + size] = v->re[1] * b + v->im[1] * a;
			re[j] = v->re[0] * a - v->im[0] * b;
			im[j] = v->re[0] * b + v->im[0] * a;
		}
	}
}

/* One step for the highest of the bits: its cotangents, and what remains for the others, whose product is o. */
static struct wide_bit contract_bit(const struct wide_bit *v, size_t size, const double *o_re, const double *o_im,
                                    double *re, double *im)
{
	struct wide_bit sums = {{0.0}, {0.0}};
	for (size_t j = 0; j < size; j++) {
		double rest_re = 0.0, rest_im = 0.0;
		for (size_t s = 0; s < 2; s++) {
			double a = re[j + s * size], b = im[j + s * size];
			sums.re[s] += o_re[j] * a + o_im[j] * b;
			sums.im[s] += o_re[j] * b - o_im[j] * a;
			rest_re += v->re[s] * a + v->im[s] * b;
			rest_im += v->re[s] * b - v->im[s] * a;
		}
		re[j] = rest_re;
		im[j] = rest_im;
	}
	return sums;
}

void wide_product_contract(const struct wide_bit *bits, uint32_t which, double *re, double *im, double *work,
                           struct wide_bit *cotangents)
{
	while (which != 0) {
		int top = 31 - __builtin_clz(which);
		which &= ~(1u << top);
		size_t size = (size_t)1 << __builtin_popcount(which);
		wide_product_expand(bits, which, work, work + size);
		cotangents[top] = contract_bit(&bits[top], size, work, work + size, re, im);
	}
}
