/* Angles: constants, and one input times a constant plus a constant. */
#include <math.h>
#include <string.h>

#include "engine/circuit/qasm/qasm_state.h"

enum { DEEPEST = 32 };

static int sum(struct qasm_state *state, const struct qasm_scope *scope, int depth, struct qasm_affine *out);

static bool named(const struct qasm_token *token, const char *name)
{
	return token->length == strlen(name) && memcmp(token->start, name, token->length) == 0;
}

int qasm_input_find(const struct qasm_state *state, const struct qasm_token *token)
{
	for (int k = 0; k < state->n_inputs; k++)
		if (named(token, state->inputs[k].name))
			return k;
	return -1;
}

static int word(struct qasm_state *state, const struct qasm_scope *scope, struct qasm_affine *out)
{
	static const struct {
		const char *name;
		double value;
	} constants[] = {
	    {"pi", M_PI}, {"\xcf\x80", M_PI}, {"tau", 2.0 * M_PI}, {"\xcf\x84", 2.0 * M_PI}, {"euler", M_E}};
	const struct qasm_token *token = &state->lexer.token;
	char name[40];
	*out = (struct qasm_affine){.input = -1};
	for (int k = 0; scope != NULL && k < scope->of->n_angles; k++)
		if (named(token, scope->of->angles[k])) {
			*out = scope->angles[k];
			return qasm_next(&state->lexer);
		}
	for (size_t k = 0; k < sizeof constants / sizeof constants[0]; k++)
		if (named(token, constants[k].name)) {
			out->offset = constants[k].value;
			return qasm_next(&state->lexer);
		}
	int input = scope == NULL ? qasm_input_find(state, token) : -1;
	if (input >= 0) {
		*out = (struct qasm_affine){.input = input, .scale = 1.0};
		return qasm_next(&state->lexer);
	}
	qasm_copy(token, name, sizeof name);
	return qasm_refuse(&state->lexer, "'%s' is no number, constant or input", name);
}

static int factor(struct qasm_state *state, const struct qasm_scope *scope, int depth, struct qasm_affine *out)
{
	struct qasm_lexer *lexer = &state->lexer;
	if (depth > DEEPEST)
		return qasm_refuse(lexer, "an expression of more than %d levels", DEEPEST);
	if (qasm_is(lexer, "-") || qasm_is(lexer, "+")) {
		double sign = qasm_is(lexer, "-") ? -1.0 : 1.0;
		int rc = qasm_next(lexer);
		if (rc == 0)
			rc = factor(state, scope, depth + 1, out);
		out->scale *= sign;
		out->offset *= sign;
		return rc;
	}
	if (qasm_is(lexer, "(")) {
		int rc = qasm_next(lexer);
		if (rc == 0)
			rc = sum(state, scope, depth + 1, out);
		return rc == 0 ? qasm_expect(lexer, ")") : rc;
	}
	if (lexer->token.kind == QASM_NUMBER) {
		*out = (struct qasm_affine){.input = -1, .offset = lexer->token.number};
		return qasm_next(lexer);
	}
	if (lexer->token.kind == QASM_WORD)
		return word(state, scope, out);
	return qasm_refuse(lexer, "an angle is expected here");
}

static int product(struct qasm_state *state, const struct qasm_scope *scope, int depth, struct qasm_affine *out)
{
	struct qasm_lexer *lexer = &state->lexer;
	int rc = factor(state, scope, depth, out);
	while (rc == 0 && (qasm_is(lexer, "*") || qasm_is(lexer, "/"))) {
		bool divides = qasm_is(lexer, "/");
		struct qasm_lexer sign = *lexer;
		struct qasm_affine by = {.input = -1};
		rc = qasm_next(lexer);
		if (rc == 0)
			rc = factor(state, scope, depth, &by);
		if (rc == 0 && by.input >= 0 && (out->input >= 0 || divides))
			return qasm_refuse(&sign, divides ? "an input cannot be divided by"
			                                  : "two inputs cannot be multiplied");
		if (rc == 0 && by.input >= 0) {
			struct qasm_affine swap = by;
			by = *out;
			*out = swap;
		}
		double times = divides ? 1.0 / by.offset : by.offset;
		if (rc == 0 && !isfinite(times))
			return qasm_refuse(&sign, "this divides by zero");
		out->scale *= times;
		out->offset *= times;
	}
	return rc;
}

static int sum(struct qasm_state *state, const struct qasm_scope *scope, int depth, struct qasm_affine *out)
{
	struct qasm_lexer *lexer = &state->lexer;
	int rc = product(state, scope, depth, out);
	while (rc == 0 && (qasm_is(lexer, "+") || qasm_is(lexer, "-"))) {
		double sign = qasm_is(lexer, "-") ? -1.0 : 1.0;
		struct qasm_lexer at = *lexer;
		struct qasm_affine other = {.input = -1};
		rc = qasm_next(lexer);
		if (rc == 0)
			rc = product(state, scope, depth, &other);
		if (rc == 0 && other.input >= 0 && out->input >= 0 && other.input != out->input)
			return qasm_refuse(&at, "an angle is made of one input; here are two");
		if (other.input >= 0)
			out->input = other.input;
		out->scale += sign * other.scale;
		out->offset += sign * other.offset;
	}
	return rc;
}

int qasm_expression(struct qasm_state *state, const struct qasm_scope *scope, struct qasm_affine *out)
{
	struct qasm_lexer at = state->lexer;
	int rc = sum(state, scope, 0, out);
	if (rc == 0 && (!isfinite(out->offset) || !isfinite(out->scale)))
		return qasm_refuse(&at, "the angle is not finite");
	if (out->input >= 0 && out->scale == 0.0)
		out->input = -1;
	return rc;
}
