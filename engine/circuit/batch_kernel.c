/* The batch plan's inner loops. The samples of a tile lie innermost, so that every gate is the same arithmetic on whole
 * vectors: no shuffles, and every wire costs the same. Compiled once per instruction set: -DKERNEL_ISA names the table.
 */
#include "engine/circuit/batch_trig.h"
#include "engine/circuit/batch_vector.h"

/* WIDTH samples of a tile, whose first is `lane`. The states of the parts follow one another in the same memory. */
struct part {
	const struct batch_circuit *circuit;
	const struct batch_tile *tile;
	size_t lane, size; /* size: 2^n */
	struct amplitude *psi, *lambda, *phases;
	vec *sums;
};

static vec *row(double *rows, int index, size_t lane)
{
	return (vec *)(rows + (size_t)index * BATCH_LANES + lane);
}

static struct amplitude *wire_vector(const struct part *part, int wire)
{
	return (struct amplitude *)part->tile->vectors + 2 * wire;
}

static void prepare_vector(const struct part *part, int wire)
{
	const struct batch_circuit *circuit = part->circuit;
	struct amplitude zero = {(vec){0} + 1.0, (vec){0}}, one = {(vec){0}, (vec){0}};
	for (int i = circuit->prefix_start[wire]; i < circuit->prefix_start[wire + 1]; i++) {
		int slot = circuit->prefix[i].slot;
		turn(circuit->prefix[i].axis, &zero, &one, *row(part->tile->cosine, slot, part->lane),
		     *row(part->tile->sine, slot, part->lane));
	}
	wire_vector(part, wire)[0] = zero;
	wire_vector(part, wire)[1] = one;
}

/* psi = the product of the wires' states, wire by wire, growing in place from the top down. */
static void prepare_product(const struct part *part)
{
	struct amplitude *psi = part->psi;
	prepare_vector(part, 0);
	psi[0] = wire_vector(part, 0)[0];
	psi[1] = wire_vector(part, 0)[1];
	for (int w = 1; w < part->circuit->n_wires; w++) {
		prepare_vector(part, w);
		struct amplitude zero = wire_vector(part, w)[0], one = wire_vector(part, w)[1];
		for (size_t j = (size_t)1 << w; j-- > 0;) {
			struct amplitude a = psi[j];
			psi[2 * j + 1] = multiply(a, one);
			psi[2 * j] = multiply(a, zero);
		}
	}
}

/* One-wire adjoint: g0 and g1 are lambda contracted with the states of all other wires. */
static void backward_vector(const struct part *part, int wire, struct amplitude g0, struct amplitude g1)
{
	const struct batch_circuit *circuit = part->circuit;
	struct amplitude zero = wire_vector(part, wire)[0], one = wire_vector(part, wire)[1];
	for (int i = circuit->prefix_start[wire + 1] - 1; i >= circuit->prefix_start[wire]; i--) {
		int slot = circuit->prefix[i].slot;
		enum pauli axis = circuit->prefix[i].axis;
		vec c = *row(part->tile->cosine, slot, part->lane), s = *row(part->tile->sine, slot, part->lane);
		*row(part->tile->gradient, slot, part->lane) += slope(axis, &g0, &g1, &zero, &one);
		turn(axis, &zero, &one, c, -s);
		turn(axis, &g0, &g1, c, -s);
	}
}

/* Reverse of prepare_product. The memory of psi, no longer needed, takes the products of the first m wires at 2^m;
 * lambda is contracted with one wire after the other, the last one first. */
static void backward_product(const struct part *part)
{
	int n = part->circuit->n_wires;
	struct amplitude *psi = part->psi, *lambda = part->lambda;
	psi[1] = (struct amplitude){(vec){0} + 1.0, (vec){0}};
	for (int w = 0; w + 1 < n; w++) {
		struct amplitude *from = psi + ((size_t)1 << w), *to = from + ((size_t)1 << w);
		struct amplitude zero = wire_vector(part, w)[0], one = wire_vector(part, w)[1];
		for (size_t j = 0; j < (size_t)1 << w; j++) {
			to[2 * j] = multiply(from[j], zero);
			to[2 * j + 1] = multiply(from[j], one);
		}
	}
	for (int w = n - 1; w >= 0; w--) {
		const struct amplitude *others = psi + ((size_t)1 << w);
		struct amplitude zero = wire_vector(part, w)[0], one = wire_vector(part, w)[1];
		struct amplitude g0 = {{0}, {0}}, g1 = {{0}, {0}};
		for (size_t j = 0; j < (size_t)1 << w; j++) {
			struct amplitude l0 = lambda[2 * j], l1 = lambda[2 * j + 1];
			g0 = add(g0, multiply_conj(others[j], l0));
			g1 = add(g1, multiply_conj(others[j], l1));
			lambda[j] = add(multiply_conj(zero, l0), multiply_conj(one, l1));
		}
		backward_vector(part, w, g0, g1);
	}
}

static void forward_rotate_x(const struct part *part, const struct batch_step *step)
{
	vec c = *row(part->tile->cosine, step->gates->slot, part->lane);
	vec s = *row(part->tile->sine, step->gates->slot, part->lane);
	struct amplitude *psi = part->psi;
	const struct batch_pair *pairs = step->pairs.items;
	for (size_t i = 0, count = step->pairs.count; i < count; i++)
		turn_x(&psi[pairs[i].zero], &psi[pairs[i].one], c, s);
}

static void forward_rotate_y(const struct part *part, const struct batch_step *step)
{
	vec c = *row(part->tile->cosine, step->gates->slot, part->lane);
	vec s = *row(part->tile->sine, step->gates->slot, part->lane);
	struct amplitude *psi = part->psi;
	const struct batch_pair *pairs = step->pairs.items;
	for (size_t i = 0, count = step->pairs.count; i < count; i++)
		turn_y(&psi[pairs[i].zero], &psi[pairs[i].one], c, s);
}

static void backward_rotate_x(const struct part *part, const struct batch_step *step)
{
	int slot = step->gates->slot;
	vec c = *row(part->tile->cosine, slot, part->lane), s = *row(part->tile->sine, slot, part->lane), sum = {0};
	struct amplitude *psi = part->psi, *lambda = part->lambda;
	const struct batch_pair *pairs = step->pairs.items;
	for (size_t i = 0, count = step->pairs.count; i < count; i++) {
		uint32_t zero = pairs[i].zero, one = pairs[i].one;
		sum += slope_x(&lambda[zero], &lambda[one], &psi[zero], &psi[one]);
		turn_x(&psi[zero], &psi[one], c, -s);
		turn_x(&lambda[zero], &lambda[one], c, -s);
	}
	*row(part->tile->gradient, slot, part->lane) += sum;
}

static void backward_rotate_y(const struct part *part, const struct batch_step *step)
{
	int slot = step->gates->slot;
	vec c = *row(part->tile->cosine, slot, part->lane), s = *row(part->tile->sine, slot, part->lane), sum = {0};
	struct amplitude *psi = part->psi, *lambda = part->lambda;
	const struct batch_pair *pairs = step->pairs.items;
	for (size_t i = 0, count = step->pairs.count; i < count; i++) {
		uint32_t zero = pairs[i].zero, one = pairs[i].one;
		sum += slope_y(&lambda[zero], &lambda[one], &psi[zero], &psi[one]);
		turn_y(&psi[zero], &psi[one], c, -s);
		turn_y(&lambda[zero], &lambda[one], c, -s);
	}
	*row(part->tile->gradient, slot, part->lane) += sum;
}

static void forward_diagonal(const struct part *part, const struct batch_step *step)
{
	const double *re = step->phases, *im = step->phases + part->size;
	struct amplitude *psi = part->psi;
	for (size_t k = 0, size = part->size; k < size; k++)
		psi[k] = multiply(psi[k], (struct amplitude){(vec){0} + re[k], (vec){0} + im[k]});
}

/* Z-type gates: their derivatives are parity sums of Im(conj(lambda_k) psi_k), found in `sums`. */
static void collect_diagonal(const struct part *part, const struct batch_step *step)
{
	parity_sums(part->sums, part->size);
	for (int i = 0; i < step->n_gates; i++) {
		vec sum = part->sums[step->gates[i].string.z];
		*row(part->tile->gradient, step->gates[i].slot, part->lane) +=
		    step->gates[i].string.negative ? -sum : sum;
	}
}

/* Un-applies a phase and returns the amplitude's share of the derivatives. */
static vec backward_phase(struct amplitude *psi, struct amplitude *lambda, struct amplitude phase)
{
	vec slope = lambda->re * psi->im - lambda->im * psi->re;
	*psi = multiply_conj(phase, *psi);
	*lambda = multiply_conj(phase, *lambda);
	return slope;
}

static void backward_diagonal(const struct part *part, const struct batch_step *step)
{
	const double *re = step->phases, *im = step->phases + part->size;
	struct amplitude *psi = part->psi, *lambda = part->lambda;
	vec *sums = part->sums;
	for (size_t k = 0, size = part->size; k < size; k++)
		sums[k] = backward_phase(&psi[k], &lambda[k], (struct amplitude){(vec){0} + re[k], (vec){0} + im[k]});
	collect_diagonal(part, step);
}

/* The product of the gates' phases when they differ from sample to sample. */
static void fill_lane_phases(const struct part *part, const struct batch_step *step)
{
	for (size_t k = 0; k < part->size; k++)
		part->phases[k] = (struct amplitude){(vec){0} + 1.0, (vec){0}};
	for (int i = 0; i < step->n_gates; i++) {
		const struct batch_gate *gate = &step->gates[i];
		vec c = *row(part->tile->cosine, gate->slot, part->lane);
		vec s = *row(part->tile->sine, gate->slot, part->lane);
		struct amplitude phases[2] = {{c, -s}, {c, s}};
		for (size_t k = 0; k < part->size; k++) {
			int odd = __builtin_parity((uint32_t)k & gate->string.z) ^ (int)gate->string.negative;
			part->phases[k] = multiply(part->phases[k], phases[odd]);
		}
	}
}

static void forward_diagonal_lanes(const struct part *part, const struct batch_step *step)
{
	fill_lane_phases(part, step);
	for (size_t k = 0; k < part->size; k++)
		part->psi[k] = multiply(part->psi[k], part->phases[k]);
}

static void backward_diagonal_lanes(const struct part *part, const struct batch_step *step)
{
	fill_lane_phases(part, step);
	for (size_t k = 0; k < part->size; k++)
		part->sums[k] = backward_phase(&part->psi[k], &part->lambda[k], part->phases[k]);
	collect_diagonal(part, step);
}

static const struct {
	void (*forward)(const struct part *part, const struct batch_step *step);
	void (*backward)(const struct part *part, const struct batch_step *step);
} steps[STEP_KINDS] = {
    [STEP_DIAGONAL] = {forward_diagonal, backward_diagonal},
    [STEP_DIAGONAL_LANES] = {forward_diagonal_lanes, backward_diagonal_lanes},
    [STEP_ROTATE_X] = {forward_rotate_x, backward_rotate_x},
    [STEP_ROTATE_Y] = {forward_rotate_y, backward_rotate_y},
};

static void prepare(const struct part *part)
{
	const struct batch_circuit *circuit = part->circuit;
	prepare_product(part);
	for (int i = 0; i < circuit->n_steps; i++)
		steps[circuit->steps[i].kind].forward(part, &circuit->steps[i]);
}

/* <P> of a string with x != 0. */
static vec expect_pairs(const struct part *part, const struct batch_observable *observable)
{
	const struct amplitude *psi = part->psi;
	const struct batch_pair *pairs = observable->pairs.items;
	vec sum = {0};
	for (size_t i = 0; i < observable->pairs.count; i++) {
		struct amplitude a = psi[pairs[i].zero], b = psi[pairs[i].one];
		vec value = observable->string.odd ? b.im * a.re - b.re * a.im : a.re * b.re + a.im * b.im;
		sum += i < observable->pairs.n_positive ? value : -value;
	}
	return 2.0 * sum;
}

static void measure(const struct part *part)
{
	const struct batch_circuit *circuit = part->circuit;
	if (circuit->n_diagonal_observables > 0) {
		for (size_t k = 0; k < part->size; k++)
			part->sums[k] = part->psi[k].re * part->psi[k].re + part->psi[k].im * part->psi[k].im;
		parity_sums(part->sums, part->size);
	}
	for (int o = 0; o < circuit->n_observables; o++) {
		const struct batch_observable *observable = &circuit->observables[o];
		const struct batch_string *string = &observable->string;
		vec value = string->x != 0 ? expect_pairs(part, observable) : part->sums[string->z];
		*row(part->tile->outputs, o, part->lane) = string->x == 0 && string->negative ? -value : value;
	}
}

/* lambda += g P psi of a string with x != 0. */
static void apply_pairs(const struct part *part, const struct batch_observable *observable, vec g)
{
	const struct amplitude *psi = part->psi;
	struct amplitude *lambda = part->lambda;
	for (size_t i = 0; i < observable->pairs.count; i++) {
		struct batch_pair pair = observable->pairs.items[i];
		struct amplitude a = scale(psi[pair.zero], i < observable->pairs.n_positive ? g : -g);
		struct amplitude b = scale(psi[pair.one], i < observable->pairs.n_positive ? g : -g);
		if (observable->string.odd) {
			a = (struct amplitude){-a.im, a.re};
			b = (struct amplitude){b.im, -b.re};
		}
		lambda[pair.zero] = add(lambda[pair.zero], b);
		lambda[pair.one] = add(lambda[pair.one], a);
	}
}

/* lambda = (sum_o g_o O_o) psi. All Z-type observables together are one real factor per basis state. */
static void prepare_lambda(const struct part *part)
{
	const struct batch_circuit *circuit = part->circuit;
	for (size_t k = 0; k < part->size; k++)
		part->sums[k] = (vec){0};
	for (int o = 0; o < circuit->n_observables; o++) {
		const struct batch_string *string = &circuit->observables[o].string;
		vec g = *row(part->tile->cotangents, o, part->lane);
		if (string->x == 0)
			part->sums[string->z] += string->negative ? -g : g;
	}
	if (circuit->n_diagonal_observables > 0)
		parity_sums(part->sums, part->size);
	for (size_t k = 0; k < part->size; k++)
		part->lambda[k] = scale(part->psi[k], part->sums[k]);
	for (int o = 0; o < circuit->n_observables; o++)
		if (circuit->observables[o].string.x != 0)
			apply_pairs(part, &circuit->observables[o], *row(part->tile->cotangents, o, part->lane));
}

static struct part part_of(const struct batch_circuit *circuit, const struct batch_tile *tile, size_t lane)
{
	return (struct part){
	    .circuit = circuit,
	    .tile = tile,
	    .lane = lane,
	    .size = (size_t)1 << circuit->n_wires,
	    .psi = (struct amplitude *)tile->psi,
	    .lambda = (struct amplitude *)tile->lambda,
	    .phases = (struct amplitude *)tile->phases,
	    .sums = (vec *)tile->sums,
	};
}

static void forward(const struct batch_circuit *circuit, const struct batch_tile *tile)
{
	for (size_t lane = 0; lane < tile->used; lane += WIDTH) {
		struct part part = part_of(circuit, tile, lane);
		prepare(&part);
		measure(&part);
	}
}

static void backward(const struct batch_circuit *circuit, const struct batch_tile *tile)
{
	for (size_t lane = 0; lane < tile->used; lane += WIDTH) {
		struct part part = part_of(circuit, tile, lane);
		prepare(&part);
		prepare_lambda(&part);
		for (int i = circuit->n_steps - 1; i >= 0; i--)
			steps[circuit->steps[i].kind].backward(&part, &circuit->steps[i]);
		backward_product(&part);
	}
}

static void fill_phases(const struct batch_circuit *circuit, struct batch_step *step, const struct batch_tile *tile)
{
	uint32_t size = 1u << circuit->n_wires;
	double *re = step->phases, *im = step->phases + size;
	for (uint32_t k = 0; k < size; k++) {
		re[k] = 1.0;
		im[k] = 0.0;
	}
	for (int i = 0; i < step->n_gates; i++) {
		const struct batch_gate *gate = &step->gates[i];
		double c = tile->cosine[(size_t)gate->slot * BATCH_LANES];
		double s = tile->sine[(size_t)gate->slot * BATCH_LANES];
		double sign = gate->string.negative ? s : -s;
		for (uint32_t k = 0; k < size; k++) {
			double sine = __builtin_parity(k & gate->string.z) ? -sign : sign;
			double old = re[k];
			re[k] = old * c - im[k] * sine;
			im[k] = old * sine + im[k] * c;
		}
	}
}

#define TABLE_NAME(isa) batch_kernels_##isa
#define TABLE(isa)      TABLE_NAME(isa)

extern const struct batch_kernels TABLE(KERNEL_ISA);

const struct batch_kernels TABLE(KERNEL_ISA) = {
    .half_angles = half_angles,
    .half_angles_atan = half_angles_atan,
    .fill_phases = fill_phases,
    .forward = forward,
    .backward = backward,
};
