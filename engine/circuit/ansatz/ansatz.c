/* The table of ansätze, and building one with its configuration checked. */
#include "engine/circuit/ansatz/ansatz.h"

#include <string.h>

#include "engine/circuit/ansatz/ansatz_parts.h"

/* Bounds every size below; far above what any simulation can run. */
#define LAYERS_MAX 4096

static const struct ansatz *const table[] = {
#define X(name) &ansatz_##name,
    ANSATZE(X)
#undef X
};

const struct ansatz *ansatz_at(int index)
{
	int count = (int)(sizeof table / sizeof table[0]);
	return index >= 0 && index < count ? table[index] : NULL;
}

const struct ansatz *ansatz_find(const char *name)
{
	for (int i = 0; ansatz_at(i) != NULL; i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

static int check_range(int value, int low, int high, const char *pointer, struct qlstm_error *error)
{
	if (value >= low && value <= high)
		return 0;
	return error_set(error, ERR_OUT_OF_RANGE, pointer, "%d is not in %d..%d", value, low, high);
}

static int output_step(const struct ansatz_config *config)
{
	return config->output_step > 0 ? config->output_step : 1;
}

static int outputs_most(const struct ansatz_config *config)
{
	return (config->n_wires + output_step(config) - 1) / output_step(config);
}

static int check_outputs(const struct ansatz_config *config, struct qlstm_error *error)
{
	int code = check_range(config->output_step, 0, CIRCUIT_MAX_WIRES, "/output_step", error);
	return code != 0 ? code : check_range(config->n_outputs, 0, outputs_most(config), "/n_outputs", error);
}

static int check_config(const struct ansatz *ansatz, const struct ansatz_config *config, struct qlstm_error *error)
{
	int code = check_range(config->n_wires, 1, CIRCUIT_MAX_WIRES, "/n_wires", error);
	if (code == 0)
		code = check_range(config->n_blocks, 1, LAYERS_MAX, "/n_blocks", error);
	if (code == 0)
		code = check_range(config->depth, 1, LAYERS_MAX / config->n_blocks, "/depth", error);
	if (code == 0)
		code = check_outputs(config, error);
	if (code == 0)
		code = check_range((int)config->encoder, 0, ENCODER_COUNT - 1, "/encoder", error);
	if (code == 0)
		code = check_range(config->n_features, 0, ansatz->features(config), "/n_features", error);
	if (code == 0)
		code = check_range((int)config->rotation, PAULI_X, PAULI_Z, "/rotation", error);
	if (code == 0)
		code = check_range((int)config->measure, PAULI_X, PAULI_Z, "/measure", error);
	if (code == 0)
		code = check_range((int)config->entangling, ENTANGLING_BASIC, ENTANGLING_STRONG, "/entangling", error);
	return code;
}

int ansatz_build(const struct ansatz *ansatz, const struct ansatz_config *config, struct circuit_program **out,
                 struct qlstm_error *error)
{
	*out = NULL;
	int code = check_config(ansatz, config, error);
	if (code != 0)
		return code;
	struct circuit_program *program = program_new(config->n_wires);
	if (program == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory while building the circuit");
	ansatz->build(config, program);
	code = program_check(program, error);
	if (code != 0) {
		program_free(program);
		return code;
	}
	*out = program;
	return 0;
}

int ansatz_layers(const struct ansatz_config *config)
{
	return config->n_blocks * config->depth;
}

int ansatz_features_per_wire(const struct ansatz_config *config)
{
	return config->n_wires;
}

int ansatz_encoded(const struct ansatz_config *config, int all)
{
	return config->n_features > 0 ? config->n_features : all;
}

enum gate ansatz_rotation_gate(enum pauli axis)
{
	static const enum gate rotations[] = {[PAULI_X] = GATE_RX, [PAULI_Y] = GATE_RY, [PAULI_Z] = GATE_RZ};
	return rotations[axis];
}

void ansatz_embed(const struct ansatz_config *config, int first, int encoded, struct circuit_program *program)
{
	enum gate gate = ansatz_rotation_gate(config->rotation);
	for (int w = 0; w < config->n_wires && first + w < encoded; w++)
		program_rotation(program, gate, w, angle_feature(first + w, config->encoder));
}

void ansatz_ring(struct circuit_program *program, int range)
{
	int n = program->n_wires;
	if (range % n == 0)
		return;
	for (int i = 0; i < n; i++)
		program_cnot(program, i, (i + range) % n);
}

int ansatz_basic_layer(struct circuit_program *program, enum gate gate, int first_weight)
{
	int n = program->n_wires;
	for (int w = 0; w < n; w++)
		program_rotation(program, gate, w, angle_weight(first_weight + w));
	/* PennyLane's rule: on two wires the ring is a single gate. */
	if (n == 2)
		program_cnot(program, 0, 1);
	else
		ansatz_ring(program, 1);
	return first_weight + n;
}

int ansatz_strong_layer(struct circuit_program *program, int layer, int first_weight)
{
	int n = program->n_wires;
	for (int w = 0; w < n; w++)
		program_rot(program, w, first_weight + 3 * w);
	if (n > 1)
		ansatz_ring(program, layer % (n - 1) + 1);
	return first_weight + 3 * n;
}

void ansatz_measure(const struct ansatz_config *config, struct circuit_program *program)
{
	int outputs = config->n_outputs > 0 ? config->n_outputs : outputs_most(config);
	for (int o = 0; o < outputs; o++)
		program_observe(program, config->measure, o * output_step(config));
}
