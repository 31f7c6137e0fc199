/* The implementation "cpu": one loop over tiles, in each the loop over steps. -DKERNEL_ISA names the table,
 * -DKERNEL_FLOAT32 is the precision. */
#include <string.h>

#include "engine/circuit/register/cpu_measure.h"
#include "engine/circuit/register/cpu_moves.h"
#include "engine/circuit/register/cpu_states.h"
#include "engine/circuit/register/cpu_steps.h"

static const struct {
	void (*apply)(const struct tile *tile, const struct register_step *step);
	void (*backward)(const struct tile *tile, const struct register_step *step);
} steps[REGISTER_STEP_COUNT] = {
    [REGISTER_STEP_TURN] = {apply_turn, backward_turn},
    [REGISTER_STEP_MATRIX] = {apply_matrix, backward_matrix},
    [REGISTER_STEP_PLANE] = {apply_plane, backward_plane},
    [REGISTER_STEP_SCALE] = {apply_scale, backward_scale},
    [REGISTER_STEP_EXCHANGE] = {apply_exchange, backward_exchange},
    [REGISTER_STEP_FLIP] = {apply_flip, backward_flip},
    [REGISTER_STEP_PERMUTE] = {apply_permute, backward_permute},
};

static void evolve(void *memory, const struct register_sequence *sequence, const struct register_inputs *inputs,
                   size_t kept)
{
	const struct register_cpu *cpu = memory;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		size_t next = kept;
		tile.inputs = inputs;
		for (int i = 0; i < sequence->n_steps; i++) {
			const struct register_step *step = &sequence->steps[i];
			if (step->kept && kept != 0)
				memcpy(state_at(cpu, next++, t), tile.psi, cpu->tile_bytes);
			steps[step->kind].apply(&tile, step);
		}
	}
}

static void evolve_backward(void *memory, const struct register_sequence *sequence,
                            const struct register_inputs *inputs, const struct register_gradients *gradients,
                            size_t kept)
{
	const struct register_cpu *cpu = memory;
	size_t first_weight = (size_t)sequence->first_weight;
	size_t n_weights = gradients->d_weights != NULL ? (size_t)sequence->needs.n_weights - first_weight : 0;
	vec *d_weights = sequence->prepared;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		size_t next = kept + (size_t)sequence->needs.n_kept;
		tile.inputs = inputs;
		tile.d_features = gradients->d_features;
		tile.d_weights = n_weights > 0 ? d_weights : NULL;
		tile.first_weight = sequence->first_weight;
		memset(d_weights, 0, n_weights * sizeof *d_weights);
		for (int i = sequence->n_steps - 1; i >= 0; i--) {
			const struct register_step *step = &sequence->steps[i];
			if (step->kept)
				memcpy(tile.psi, state_at(cpu, --next, t), cpu->tile_bytes);
			steps[step->kind].backward(&tile, step);
		}
		for (size_t k = 0; k < n_weights; k++)
			add_sum(&tile, &gradients->d_weights[first_weight + k], d_weights[k]);
	}
}

static void expect(const void *memory, const struct pauli_string *strings, int n_strings, double *outputs)
{
	const struct register_cpu *cpu = memory;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		for (int o = 0; o < n_strings; o++) {
			struct register_pauli string = register_pauli_of(cpu->n_wires, &strings[o]);
			store_samples(&tile, outputs, (size_t)o, tile_expect(&tile, &string));
		}
	}
}

static void expect_backward(void *memory, const struct pauli_string *strings, int n_strings, const double *d_outputs)
{
	const struct register_cpu *cpu = memory;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		for (int o = 0; o < n_strings; o++) {
			struct register_pauli string = register_pauli_of(cpu->n_wires, &strings[o]);
			tile_expect_backward(&tile, &string, load_samples(&tile, d_outputs, (size_t)o));
		}
	}
}

static void probabilities(const void *memory, size_t wires, double *to)
{
	const struct register_cpu *cpu = memory;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		tile_probabilities(&tile, wires, to);
	}
}

static void probabilities_backward(void *memory, size_t wires, const double *d_probabilities)
{
	const struct register_cpu *cpu = memory;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		tile_probabilities_backward(&tile, wires, d_probabilities);
	}
}

static size_t project(void *memory, size_t wires, const uint32_t *words, double *to)
{
	const struct register_cpu *cpu = memory;
	size_t floored = 0;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		vec above, p = tile_project(&tile, wires, words, &above);
		for (size_t l = 0; l < tile.count; l++)
			floored += above[l] == 0;
		if (to != NULL)
			store_samples(&tile, to, 0, p);
	}
	return floored;
}

static void project_backward(void *memory, size_t wires, const uint32_t *words, const double *d_probabilities)
{
	const struct register_cpu *cpu = memory;
	for (size_t t = 0; t < cpu->tiles; t++) {
		struct tile tile = tile_at(cpu, t);
		vec d = d_probabilities != NULL ? load_samples(&tile, d_probabilities, 0) : (vec){0};
		tile_project_backward(&tile, wires, words, d);
	}
}

static size_t bytes(const struct register_shape *shape)
{
	return register_cpu_bytes(shape, WIDTH, sizeof(vec));
}

static void *open_states(const struct register_shape *shape)
{
	return register_cpu_open(shape, WIDTH, sizeof(vec));
}

#ifdef KERNEL_FLOAT32
#define TABLE_NAME(isa) register_cpu_f32_##isa
#else
#define TABLE_NAME(isa) register_cpu_##isa
#endif
#define TABLE(isa) TABLE_NAME(isa)

extern const struct register_ops TABLE(KERNEL_ISA);

const struct register_ops TABLE(KERNEL_ISA) = {
    .name = "cpu",
    .bytes = bytes,
    .open = open_states,
    .close = register_cpu_close,
    .prepare = register_cpu_prepare,
    .unprepare = register_cpu_unprepare,
    .clear = clear,
    .reset = reset,
    .copy = copy,
    .add = add_amplitudes,
    .gather = gather,
    .evolve = evolve,
    .evolve_backward = evolve_backward,
    .expect = expect,
    .expect_backward = expect_backward,
    .probabilities = probabilities,
    .probabilities_backward = probabilities_backward,
    .project = project,
    .project_backward = project_backward,
};
