/* Evolving, measuring and projecting, forward and backward: checks every call and keeps the tape of states; the
 * arithmetic is the implementation's (ops.h). */
#include "engine/circuit/register/state.h"

static int check_room(const struct register_state *reg, int wanted, struct qlstm_error *error)
{
	return wanted <= reg->shape.n_kept - reg->kept
	           ? 0
	           : error_set(error, ERR_TOO_LARGE, NULL, "%d states are kept and %d more do not fit into %d",
	                       reg->kept, wanted, reg->shape.n_kept);
}

static int check_kept(const struct register_state *reg, int wanted, struct qlstm_error *error)
{
	return wanted <= reg->kept
	           ? 0
	           : error_set(error, ERR_CONFLICT, NULL, "the states before %d operations are needed, but %d are kept",
	                       wanted, reg->kept);
}

static int check_inputs(const struct register_state *reg, const struct register_sequence *sequence,
                        const struct register_inputs *inputs, struct qlstm_error *error)
{
	const struct register_needs *needs = &sequence->needs;
	if (sequence->n_wires != reg->shape.n_wires || sequence->ops != reg->ops)
		return error_set(error, ERR_INVALID, NULL, "the sequence was prepared for another register");
	if (needs->n_features > 0 && inputs->features == NULL)
		return error_set(error, ERR_MISSING, NULL, "the sequence reads %d features", needs->n_features);
	if (needs->n_weights > 0 && inputs->weights == NULL)
		return error_set(error, ERR_MISSING, NULL, "the sequence reads %d weights", needs->n_weights);
	if (needs->n_words > 0 && inputs->words == NULL)
		return error_set(error, ERR_MISSING, NULL, "the sequence reads %d rows of words", needs->n_words);
	return 0;
}

/* The number of the i-th state on the tape. */
static size_t tape_state(const struct register_state *reg, int i)
{
	return register_states(&reg->shape) - (size_t)reg->shape.n_kept + (size_t)i;
}

int register_evolve(struct register_state *reg, const struct register_sequence *sequence,
                    const struct register_inputs *inputs, bool keep, struct qlstm_error *error)
{
	int n_kept = keep ? sequence->needs.n_kept : 0, code = check_inputs(reg, sequence, inputs, error);
	if (code == 0)
		code = check_room(reg, n_kept, error);
	if (code != 0)
		return code;
	reg->ops->evolve(reg->memory, sequence, inputs, n_kept > 0 ? tape_state(reg, reg->kept) : 0);
	reg->kept += n_kept;
	return 0;
}

int register_evolve_backward(struct register_state *reg, const struct register_sequence *sequence,
                             const struct register_inputs *inputs, const struct register_gradients *gradients,
                             struct qlstm_error *error)
{
	int n_kept = sequence->needs.n_kept, code = register_check_gradients(reg, error);
	if (code == 0)
		code = check_inputs(reg, sequence, inputs, error);
	if (code == 0)
		code = check_kept(reg, n_kept, error);
	if (code != 0)
		return code;
	reg->kept -= n_kept;
	reg->ops->evolve_backward(reg->memory, sequence, inputs, gradients, tape_state(reg, reg->kept));
	return 0;
}

static int check_strings(const struct register_state *reg, const struct pauli_string *strings, int n_strings,
                         struct qlstm_error *error)
{
	int code = 0;
	for (int i = 0; i < n_strings && code == 0; i++)
		code = register_check_wires(reg, strings[i].x | strings[i].z, error);
	return code;
}

int register_expect(const struct register_state *reg, const struct pauli_string *strings, int n_strings,
                    double *outputs, struct qlstm_error *error)
{
	int code = check_strings(reg, strings, n_strings, error);
	if (code == 0)
		reg->ops->expect(reg->memory, strings, n_strings, outputs);
	return code;
}

int register_expect_backward(struct register_state *reg, const struct pauli_string *strings, int n_strings,
                             const double *d_outputs, struct qlstm_error *error)
{
	int code = register_check_gradients(reg, error);
	if (code == 0)
		code = check_strings(reg, strings, n_strings, error);
	if (code == 0)
		reg->ops->expect_backward(reg->memory, strings, n_strings, d_outputs);
	return code;
}

static size_t bits(const struct register_state *reg, uint32_t wires)
{
	return register_bits(reg->shape.n_wires, wires);
}

int register_probabilities(const struct register_state *reg, uint32_t wires, double *probabilities,
                           struct qlstm_error *error)
{
	int code = register_check_wires(reg, wires, error);
	if (code == 0)
		reg->ops->probabilities(reg->memory, bits(reg, wires), probabilities);
	return code;
}

int register_probabilities_backward(struct register_state *reg, uint32_t wires, const double *d_probabilities,
                                    struct qlstm_error *error)
{
	int code = register_check_gradients(reg, error);
	if (code == 0)
		code = register_check_wires(reg, wires, error);
	if (code == 0)
		reg->ops->probabilities_backward(reg->memory, bits(reg, wires), d_probabilities);
	return code;
}

void register_draw(const double *probabilities, size_t n_words, size_t samples, const double *uniforms, uint32_t *words)
{
	for (size_t b = 0; b < samples; b++) {
		double whole = 0.0, sum = 0.0;
		for (size_t w = 0; w < n_words; w++)
			whole += probabilities[w * samples + b];
		words[b] = 0;
		for (size_t w = 0; w < n_words && sum <= uniforms[b] * whole; w++) {
			sum += probabilities[w * samples + b];
			if (probabilities[w * samples + b] > 0.0)
				words[b] = (uint32_t)w;
		}
	}
}

static int check_words(const struct register_state *reg, uint32_t wires, const uint32_t *words,
                       struct qlstm_error *error)
{
	if (wires != 0 && words == NULL)
		return error_set(error, ERR_MISSING, NULL, "a projection needs a word for each sample");
	return register_check_wires(reg, wires, error);
}

int register_project(struct register_state *reg, uint32_t wires, const uint32_t *words, bool keep,
                     double *probabilities, size_t *n_floored, struct qlstm_error *error)
{
	int code = check_words(reg, wires, words, error);
	if (code == 0)
		code = check_room(reg, keep, error);
	if (code != 0)
		return code;
	if (keep)
		reg->ops->copy(reg->memory, tape_state(reg, reg->kept++), REGISTER_PSI, NULL);
	size_t floored = reg->ops->project(reg->memory, bits(reg, wires), wires != 0 ? words : NULL, probabilities);
	if (n_floored != NULL)
		*n_floored = floored;
	return 0;
}

int register_project_backward(struct register_state *reg, uint32_t wires, const uint32_t *words,
                              const double *d_probabilities, struct qlstm_error *error)
{
	int code = register_check_gradients(reg, error);
	if (code == 0)
		code = check_words(reg, wires, words, error);
	if (code == 0)
		code = check_kept(reg, 1, error);
	if (code != 0)
		return code;
	reg->ops->copy(reg->memory, REGISTER_PSI, tape_state(reg, --reg->kept), NULL);
	reg->ops->project_backward(reg->memory, bits(reg, wires), wires != 0 ? words : NULL, d_probabilities);
	return 0;
}
