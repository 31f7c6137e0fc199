/* Whole states: set, copied, written and read. Included by cpu_kernel.c only. */
#ifndef QLSTM_CIRCUIT_REGISTER_CPU_STATES_H
#define QLSTM_CIRCUIT_REGISTER_CPU_STATES_H

#include <string.h>

#include "engine/circuit/register/cpu_tile.h"

static void clear(void *memory, size_t state)
{
	const struct register_cpu *cpu = memory;
	memset(state_at(cpu, state, 0), 0, cpu->tiles * cpu->tile_bytes);
}

static void reset(void *memory, size_t state)
{
	const struct register_cpu *cpu = memory;
	clear(memory, state);
	for (size_t t = 0; t < cpu->tiles; t++)
		state_at(cpu, state, t)->re = SPLAT((real)1);
}

static void copy(void *memory, size_t to, size_t from, const bool *which)
{
	const struct register_cpu *cpu = memory;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		lane_mask lanes = {0};
		for (size_t l = 0; l < tile.count; l++)
			lanes[l] = which == NULL || which[tile.first + l] ? -1 : 0;
		struct amplitude *target = state_at(cpu, to, t), *source = state_at(cpu, from, t);
		for (size_t k = 0; k < tile.size; k++)
			target[k] = (struct amplitude){choose(lanes, source[k].re, target[k].re),
			                               choose(lanes, source[k].im, target[k].im)};
	}
}

static void add_amplitudes(void *memory, size_t state, const double *amplitudes, bool shared)
{
	const struct register_cpu *cpu = memory;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		struct amplitude *to = state_at(cpu, state, t);
		for (size_t k = 0; k < tile.size; k++) {
			to[k].re += shared ? SPLAT((real)amplitudes[2 * k]) : load_samples(&tile, amplitudes, 2 * k);
			to[k].im +=
			    shared ? SPLAT((real)amplitudes[2 * k + 1]) : load_samples(&tile, amplitudes, 2 * k + 1);
		}
	}
}

static void gather(const void *memory, size_t state, double *amplitudes, bool shared)
{
	const struct register_cpu *cpu = memory;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		const struct amplitude *from = state_at(cpu, state, t);
		for (size_t k = 0; k < 2 * tile.size; k++) {
			vec v = k % 2 == 0 ? from[k / 2].re : from[k / 2].im;
			if (shared)
				add_sum(&tile, &amplitudes[k], v);
			else
				add_samples(&tile, amplitudes, k, v);
		}
	}
}

#endif
