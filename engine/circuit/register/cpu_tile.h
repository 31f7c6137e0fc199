/* A tile of samples at work: its rows, and the numbers that operations read and gradients go to. Included by
 * cpu_kernel.c only. */
#ifndef QLSTM_CIRCUIT_REGISTER_CPU_TILE_H
#define QLSTM_CIRCUIT_REGISTER_CPU_TILE_H

#include "engine/circuit/half_angles.h"
#include "engine/circuit/amplitude_vector.h"
#include "engine/circuit/register/cpu.h"

/* A number of samples are in the first lanes; what the other lanes compute is never read. */
struct tile {
	size_t first, count, samples;
	size_t size;                       /* 2^n */
	struct amplitude *psi, *cotangent; /* [size] */
	const struct register_inputs *inputs;
	double *d_features; /* NULL: not wanted */
	vec *d_weights;     /* row i belongs to shared number first_weight + i; NULL: not wanted */
	int first_weight;
};

static struct amplitude *state_at(const struct register_cpu *cpu, size_t state, size_t tile)
{
	return (void *)((char *)cpu->states + (state * cpu->tiles + tile) * cpu->tile_bytes);
}

/* The cotangent is there only where the shape has gradients: it is for backward functions. */
static struct tile tile_at(const struct register_cpu *cpu, size_t tile)
{
	size_t first = tile * WIDTH, left = cpu->samples - first;
	return (struct tile){.first = first,
	                     .count = left < WIDTH ? left : WIDTH,
	                     .samples = cpu->samples,
	                     .size = (size_t)1 << cpu->n_wires,
	                     .psi = state_at(cpu, REGISTER_PSI, tile),
	                     .cotangent = state_at(cpu, REGISTER_COTANGENT, tile)};
}

/* The tile's part of row i of a caller's array [rows][samples]. */
static vec load_samples(const struct tile *tile, const double *array, size_t row)
{
	return load_row(array + row * tile->samples + tile->first, tile->count);
}

static void store_samples(const struct tile *tile, double *array, size_t row, vec v)
{
	store_row(array + row * tile->samples + tile->first, v, tile->count);
}

static void add_samples(const struct tile *tile, double *array, size_t row, vec v)
{
	double *to = array + row * tile->samples + tile->first;
	for (size_t l = 0; l < tile->count; l++)
		to[l] += (double)v[l];
}

/* *to += v, one sample after the other. */
static void add_sum(const struct tile *tile, double *to, vec v)
{
	for (size_t l = 0; l < tile->count; l++)
		*to += (double)v[l];
}

/* As many bits as a number of a row: all ones or all zero in a lane. */
#ifdef KERNEL_FLOAT32
typedef int lane_bits;
#else
typedef long long lane_bits;
#endif
typedef lane_bits lane_mask __attribute__((vector_size(VECTOR_BYTES)));

static inline vec choose(lane_mask where, vec yes, vec no)
{
	return (vec)((where & (lane_mask)yes) | (~where & (lane_mask)no));
}

/* Number i of a step's table, and its gradient. */
static vec load_number(const struct tile *tile, const struct register_step *step, size_t i)
{
	size_t number = (size_t)step->number + i;
	if (step->source == ANGLE_FEATURE)
		return load_samples(tile, tile->inputs->features, number);
	double value = step->source == ANGLE_WEIGHT ? tile->inputs->weights[number] : step->constant[i];
	return SPLAT((real)value);
}

static void add_number(const struct tile *tile, const struct register_step *step, size_t i, vec gradient)
{
	size_t number = (size_t)step->number + i;
	if (step->source == ANGLE_FEATURE && tile->d_features != NULL)
		add_samples(tile, tile->d_features, number, gradient);
	if (step->source == ANGLE_WEIGHT && tile->d_weights != NULL)
		tile->d_weights[number - (size_t)tile->first_weight] += gradient;
}

/* What an angle is made of, before the encoder; lanes left over are 0. */
static void load_angle(const struct tile *tile, const struct angle *angle, double *x)
{
	for (size_t l = 0; l < WIDTH; l++)
		x[l] = angle->source == ANGLE_WEIGHT ? tile->inputs->weights[angle->index] : angle->value;
	for (size_t l = 0; l < WIDTH && angle->source == ANGLE_FEATURE; l++)
		x[l] = l < tile->count ? tile->inputs->features[(size_t)angle->index * tile->samples + tile->first + l]
		                       : 0.0;
}

/* Cosine and sine of half the angle. */
static void load_turn(const struct tile *tile, const struct angle *angle, vec *cosine, vec *sine)
{
	_Alignas(64) double x[WIDTH], c[WIDTH], s[WIDTH];
	load_angle(tile, angle, x);
	encode(angle->source == ANGLE_FEATURE ? angle->encoder : ENCODER_X, x, WIDTH, c, s);
	*cosine = load_row(c, WIDTH);
	*sine = load_row(s, WIDTH);
}

/* The gradient with respect to the angle goes to what the angle is made of. */
static void add_turn(const struct tile *tile, const struct angle *angle, vec gradient)
{
	_Alignas(64) double x[WIDTH], slopes[WIDTH];
	if (angle->source == ANGLE_WEIGHT && tile->d_weights != NULL)
		tile->d_weights[angle->index - tile->first_weight] += gradient;
	if (angle->source != ANGLE_FEATURE || tile->d_features == NULL)
		return;
	double *to = tile->d_features + (size_t)angle->index * tile->samples + tile->first;
	load_angle(tile, angle, x);
	encoder_slopes(angle->encoder, x, WIDTH, slopes);
	for (size_t l = 0; l < tile->count; l++)
		to[l] += (double)gradient[l] * (angle->encoder == ENCODER_X ? 1.0 : slopes[l]);
}

#endif
