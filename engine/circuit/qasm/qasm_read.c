/* Statements of OpenQASM text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/qasm/qasm_state.h"

static int apply(struct qasm_state *state, const struct qasm_scope *scope, int depth);

static int out_of_memory(const struct qasm_state *state)
{
	return error_set(state->lexer.error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the circuit");
}

static int read_name(struct qasm_state *state, char out[40])
{
	struct qasm_lexer *lexer = &state->lexer;
	if (lexer->token.kind != QASM_WORD)
		return qasm_refuse(lexer, "a name is expected here");
	if (lexer->token.length >= 40)
		return qasm_refuse(lexer, "a name of more than 39 characters");
	qasm_copy(&lexer->token, out, 40);
	return qasm_next(lexer);
}

/* A whole number from `least` to `most`. */
static int read_count(struct qasm_state *state, int least, int most, int *out)
{
	struct qasm_lexer *lexer = &state->lexer;
	double number = lexer->token.number;
	if (lexer->token.kind != QASM_NUMBER || number != (double)(int)(number < 1e9 ? number : 1e9) ||
	    number < least || number > most)
		return qasm_refuse(lexer, "a whole number from %d to %d is expected here", least, most);
	*out = (int)number;
	return qasm_next(lexer);
}

/* "[3]", where it is there. */
static int read_width(struct qasm_state *state, int most, int *out)
{
	if (!qasm_is(&state->lexer, "["))
		return 0;
	int rc = qasm_next(&state->lexer);
	if (rc == 0)
		rc = read_count(state, 1, most, out);
	return rc == 0 ? qasm_expect(&state->lexer, "]") : rc;
}

static const struct qasm_register *find_register(const struct qasm_register *registers, int count,
                                                 const struct qasm_token *name)
{
	for (int k = 0; k < count; k++)
		if (strlen(registers[k].name) == name->length &&
		    memcmp(registers[k].name, name->start, name->length) == 0)
			return &registers[k];
	return NULL;
}

/* qubit[3] q; bit[3] c; and OpenQASM 2's qreg q[3]; creg c[3]; */
static int read_register(struct qasm_state *state, bool bits)
{
	struct qasm_lexer at = state->lexer;
	int *count = bits ? &state->n_bits : &state->n_qubits, size = 1;
	if (*count == QASM_MAX_REGISTERS)
		return qasm_refuse(&at, "more than %d registers", QASM_MAX_REGISTERS);
	struct qasm_register *made = &(bits ? state->bits : state->qubits)[*count];
	int rc = qasm_next(&state->lexer);
	if (rc == 0)
		rc = read_width(state, bits ? 1024 : CIRCUIT_MAX_WIRES, &size);
	if (rc == 0)
		rc = read_name(state, made->name);
	if (rc == 0)
		rc = read_width(state, bits ? 1024 : CIRCUIT_MAX_WIRES, &size);
	if (rc != 0)
		return rc;
	made->size = size;
	made->first = state->n_wires;
	(*count)++;
	if (!bits && (state->n_wires += size) > CIRCUIT_MAX_WIRES)
		return qasm_refuse(&at, "%d qubits; allowed are 1 to %d", state->n_wires, CIRCUIT_MAX_WIRES);
	state->writer.circuit->program->n_wires = state->n_wires;
	return 0;
}

/* What the name says of an input: a feature with an encoder in front, or a trained angle. */
static void name_input(struct qasm_state *state, struct qasm_input *input)
{
	int index, length = 0;
	input->encoder = ENCODER_X;
	const char *rest = input->name;
	for (int e = 0; e < ENCODER_COUNT; e++) {
		const char *words = e == ENCODER_PI_X ? "pi" : encoder_name((enum encoder)e);
		size_t n = strlen(words);
		if (e != ENCODER_X && strncmp(input->name, words, n) == 0 && input->name[n] == '_' &&
		    input->name[n + 1] == 'x') {
			input->encoder = (enum encoder)e;
			rest = input->name + n + 1;
		}
	}
	if ((sscanf(rest, "x%5d%n", &index, &length) == 1 && rest[length] == '\0' && rest[1] != '-' &&
	     rest[1] != '+') ||
	    (sscanf(rest, "_x_%5d_%n", &index, &length) == 1 && length > 0 && rest[length] == '\0' && index >= 0)) {
		input->feature = true;
		input->index = index;
		if (index >= state->writer.circuit->n_features)
			state->writer.circuit->n_features = index + 1;
	} else {
		input->encoder = ENCODER_X;
		input->index = state->writer.circuit->n_weights++;
	}
}

static int read_input(struct qasm_state *state)
{
	struct qasm_lexer at = state->lexer;
	int rc = qasm_next(&state->lexer), width = 64;
	if (rc == 0 && !qasm_is(&state->lexer, "float") && !qasm_is(&state->lexer, "angle"))
		return qasm_refuse(&state->lexer, "an input is of type float or angle");
	if (rc == 0)
		rc = qasm_next(&state->lexer);
	if (rc == 0)
		rc = read_width(state, 1024, &width);
	if (rc == 0 && state->n_inputs == QASM_MAX_INPUTS)
		return qasm_refuse(&at, "more than %d inputs", QASM_MAX_INPUTS);
	if (rc == 0 && qasm_input_find(state, &state->lexer.token) >= 0)
		return qasm_refuse(&state->lexer, "an input of this name is there already");
	if (rc == 0 && state->n_inputs == state->inputs_capacity) {
		int wanted = state->inputs_capacity > 0 ? 2 * state->inputs_capacity : 32;
		struct qasm_input *larger = realloc(state->inputs, (size_t)wanted * sizeof *larger);
		if (larger == NULL)
			return out_of_memory(state);
		state->inputs = larger;
		state->inputs_capacity = wanted;
		state->writer.inputs = larger;
	}
	if (rc != 0)
		return rc;
	struct qasm_input *input = &state->inputs[state->n_inputs];
	*input = (struct qasm_input){0};
	rc = read_name(state, input->name);
	if (rc == 0) {
		name_input(state, input);
		state->n_inputs++;
	}
	return rc;
}

/* One qubit, or a whole register of `width`. */
static int read_operand(struct qasm_state *state, const struct qasm_scope *scope, int *first, int *width)
{
	struct qasm_lexer *lexer = &state->lexer;
	*width = 1;
	for (int k = 0; scope != NULL && k < scope->of->n_wires; k++)
		if (qasm_is(lexer, scope->of->wires[k])) {
			*first = scope->wires[k];
			return qasm_next(lexer);
		}
	const struct qasm_register *of =
	    scope == NULL ? find_register(state->qubits, state->n_qubits, &lexer->token) : NULL;
	if (of == NULL)
		return qasm_refuse(lexer, "a qubit is expected here");
	int rc = qasm_next(lexer), index = 0;
	*first = of->first;
	*width = of->size;
	if (rc != 0 || !qasm_is(lexer, "["))
		return rc;
	rc = qasm_next(lexer);
	if (rc == 0)
		rc = read_count(state, 0, of->size - 1, &index);
	*first = of->first + index;
	*width = 1;
	return rc == 0 ? qasm_expect(lexer, "]") : rc;
}

/* What a gate is called with. */
struct call {
	struct qasm_affine angles[QASM_MAX_ARGUMENTS];
	int wires[QASM_MAX_ARGUMENTS], n_angles, n_wires, width;
};

static int read_angles(struct qasm_state *state, const struct qasm_scope *scope, struct call *call)
{
	struct qasm_lexer *lexer = &state->lexer;
	if (!qasm_is(lexer, "("))
		return 0;
	int rc = qasm_next(lexer);
	while (rc == 0 && !qasm_is(lexer, ")")) {
		if (call->n_angles == QASM_MAX_ARGUMENTS)
			return qasm_refuse(lexer, "more than %d angles", QASM_MAX_ARGUMENTS);
		rc = qasm_expression(state, scope, &call->angles[call->n_angles++]);
		if (rc == 0 && !qasm_is(lexer, ")"))
			rc = qasm_expect(lexer, ",");
	}
	return rc == 0 ? qasm_next(lexer) : rc;
}

static int read_wires(struct qasm_state *state, const struct qasm_scope *scope, struct call *call)
{
	struct qasm_lexer *lexer = &state->lexer;
	int rc = 0;
	while (rc == 0) {
		struct qasm_lexer at = *lexer;
		if (call->n_wires == QASM_MAX_ARGUMENTS)
			return qasm_refuse(lexer, "more than %d qubits", QASM_MAX_ARGUMENTS);
		int *wire = &call->wires[call->n_wires];
		rc = read_operand(state, scope, wire, &call->width);
		if (rc == 0 && call->width > 1 && (call->n_wires > 0 || qasm_is(lexer, ",")))
			return qasm_refuse(&at, "a gate on several qubits takes single ones, such as q[0]");
		for (int k = 0; rc == 0 && k < call->n_wires; k++)
			if (call->wires[k] == *wire)
				return qasm_refuse(&at, "the qubits of a gate differ");
		call->n_wires++;
		if (rc != 0 || !qasm_is(lexer, ","))
			break;
		rc = qasm_next(lexer);
	}
	return rc;
}

static const struct qasm_definition *find_definition(const struct qasm_state *state, const struct qasm_token *name)
{
	for (int k = 0; k < state->n_definitions; k++)
		if (strlen(state->definitions[k].name) == name->length &&
		    memcmp(state->definitions[k].name, name->start, name->length) == 0)
			return &state->definitions[k];
	return NULL;
}

static int check_counts(const struct qasm_lexer *at, const struct call *call, int angles, int wires)
{
	if (call->n_angles != angles)
		return qasm_refuse(at, "%d angles; the gate has %d", call->n_angles, angles);
	return call->n_wires != wires ? qasm_refuse(at, "%d qubits; the gate has %d", call->n_wires, wires) : 0;
}

/* The body of a definition, with what its names stand for. */
static int expand(struct qasm_state *state, const struct qasm_definition *of, const struct call *call, int depth)
{
	struct qasm_scope scope = {.of = of};
	struct qasm_lexer back = state->lexer;
	memcpy(scope.angles, call->angles, sizeof scope.angles);
	memcpy(scope.wires, call->wires, sizeof scope.wires);
	state->lexer = of->body;
	int rc = 0;
	while (rc == 0 && !qasm_is(&state->lexer, "}"))
		rc = apply(state, &scope, depth + 1);
	state->lexer = back;
	return rc;
}

/* name(angles) qubits; */
static int apply(struct qasm_state *state, const struct qasm_scope *scope, int depth)
{
	struct qasm_lexer *lexer = &state->lexer, at = *lexer;
	struct call call = {.width = 1};
	const struct qasm_gate *gate =
	    lexer->token.kind == QASM_WORD ? qasm_gate_find(lexer->token.start, lexer->token.length) : NULL;
	const struct qasm_definition *definition = gate == NULL ? find_definition(state, &lexer->token) : NULL;
	if (gate == NULL && definition == NULL) {
		char name[40];
		qasm_copy(&lexer->token, name, sizeof name);
		return lexer->token.kind == QASM_END
		           ? qasm_refuse(lexer, "the text ends inside a gate")
		           : qasm_refuse(lexer, "'%s' is not a gate or statement that is taken here", name);
	}
	if (depth > QASM_MAX_DEPTH)
		return qasm_refuse(lexer, "gates are defined by one another more than %d deep", QASM_MAX_DEPTH);
	if (++state->n_calls > QASM_MAX_CALLS)
		return qasm_refuse(lexer, "more than %d gates, with those inside of definitions", QASM_MAX_CALLS);
	int rc = qasm_next(lexer);
	if (rc == 0)
		rc = read_angles(state, scope, &call);
	if (rc == 0)
		rc = read_wires(state, scope, &call);
	if (rc == 0)
		rc = check_counts(&at, &call, gate != NULL ? gate->angles : definition->n_angles,
		                  gate != NULL ? gate->wires : definition->n_wires);
	if (rc == 0)
		rc = qasm_expect(lexer, ";");
	for (int k = 0; rc == 0 && k < call.width; k++, call.wires[0]++) {
		if (gate != NULL)
			gate->write(&state->writer, call.wires, call.angles);
		else
			rc = expand(state, definition, &call, depth);
		if (rc == 0 && state->writer.circuit->program->n_ops > QASM_MAX_OPS)
			rc = qasm_refuse(&at, "more than %d gates", QASM_MAX_OPS);
	}
	return rc;
}

static int read_names(struct qasm_state *state, char names[QASM_MAX_ARGUMENTS][40], int *count, const char *end)
{
	int rc = 0;
	while (rc == 0 && !qasm_is(&state->lexer, end)) {
		if (*count == QASM_MAX_ARGUMENTS)
			return qasm_refuse(&state->lexer, "more than %d names", QASM_MAX_ARGUMENTS);
		rc = read_name(state, names[(*count)++]);
		if (rc == 0 && !qasm_is(&state->lexer, end))
			rc = qasm_expect(&state->lexer, ",");
	}
	return rc;
}

/* gate name(angles) wires { body }; of a gate that is there already, the body is passed over. */
static int define(struct qasm_state *state)
{
	struct qasm_lexer *lexer = &state->lexer;
	struct qasm_definition made = {0};
	int rc = qasm_next(lexer);
	bool known = qasm_gate_find(lexer->token.start, lexer->token.length) != NULL;
	if (rc == 0 && find_definition(state, &lexer->token) != NULL)
		return qasm_refuse(lexer, "a gate of this name is defined already");
	if (rc == 0 && !known && state->n_definitions == QASM_MAX_DEFINITIONS)
		return qasm_refuse(lexer, "more than %d gates are defined", QASM_MAX_DEFINITIONS);
	if (rc == 0)
		rc = read_name(state, made.name);
	if (rc == 0 && qasm_is(lexer, "(")) {
		rc = qasm_next(lexer);
		if (rc == 0)
			rc = read_names(state, made.angles, &made.n_angles, ")");
		if (rc == 0)
			rc = qasm_next(lexer);
	}
	if (rc == 0)
		rc = read_names(state, made.wires, &made.n_wires, "{");
	if (rc == 0)
		rc = qasm_next(lexer);
	made.body = *lexer;
	while (rc == 0 && !qasm_is(lexer, "}"))
		rc = lexer->token.kind == QASM_END ? qasm_refuse(lexer, "the text ends inside a definition")
		                                   : qasm_next(lexer);
	if (rc == 0 && !known)
		state->definitions[state->n_definitions++] = made;
	return rc == 0 ? qasm_next(lexer) : rc;
}

static int note_measured(struct qasm_state *state, const struct qasm_lexer *at, int first, int width)
{
	for (int w = first; w < first + width; w++) {
		for (int k = 0; k < state->n_measured; k++)
			if (state->measured[k] == w)
				return qasm_refuse(at, "qubit %d is measured twice", w);
		state->measured[state->n_measured++] = w;
	}
	return 0;
}

/* measure q; measure q[0] -> c[0]; the word `measure` is at hand. */
static int measure(struct qasm_state *state)
{
	struct qasm_lexer at = state->lexer;
	int first = 0, width = 1, rc = qasm_next(&state->lexer);
	if (rc == 0)
		rc = read_operand(state, NULL, &first, &width);
	if (rc == 0)
		rc = note_measured(state, &at, first, width);
	while (rc == 0 && !qasm_is(&state->lexer, ";"))
		rc = state->lexer.token.kind == QASM_END ? qasm_expect(&state->lexer, ";") : qasm_next(&state->lexer);
	return rc;
}

/* c = measure q; c[0] = measure q[0]; the register of bits is at hand. */
static int assign(struct qasm_state *state)
{
	int rc = qasm_next(&state->lexer), index = 0;
	if (rc == 0 && qasm_is(&state->lexer, "[")) {
		rc = qasm_next(&state->lexer);
		if (rc == 0)
			rc = read_count(state, 0, 1023, &index);
		if (rc == 0)
			rc = qasm_expect(&state->lexer, "]");
	}
	if (rc == 0)
		rc = qasm_expect(&state->lexer, "=");
	if (rc == 0 && !qasm_is(&state->lexer, "measure"))
		return qasm_refuse(&state->lexer, "bits come from measure alone");
	return rc == 0 ? measure(state) : rc;
}

/* braket result expectation z(q[0]) @ x(q[1]) */
static int pragma(struct qasm_state *state)
{
	struct qasm_lexer outside = state->lexer, *lexer = &state->lexer;
	struct pauli_string string = {0};
	lexer->at = outside.token.start;
	int rc = qasm_next(lexer);
	if (rc == 0)
		rc = qasm_expect(lexer, "braket");
	if (rc == 0)
		rc = qasm_expect(lexer, "result");
	if (rc == 0)
		rc = qasm_expect(lexer, "expectation");
	for (bool more = rc == 0; more;) {
		enum pauli pauli = PAULI_Z;
		int first = 0, width = 1;
		char letter[2] = {lexer->token.length == 1 ? lexer->token.start[0] : '?', '\0'};
		if (letter[0] >= 'a' && letter[0] <= 'z')
			letter[0] = (char)(letter[0] - 'a' + 'A');
		if (pauli_from_letter(letter[0], &pauli) != 0)
			return qasm_refuse(lexer, "x, y or z is expected here");
		rc = qasm_next(lexer);
		if (rc == 0)
			rc = qasm_expect(lexer, "(");
		struct qasm_lexer at = *lexer;
		if (rc == 0)
			rc = read_operand(state, NULL, &first, &width);
		if (rc == 0 && (width > 1 || ((string.x | string.z) >> first & 1u) != 0))
			return qasm_refuse(&at, "an output names single qubits, each once");
		if (rc == 0)
			rc = qasm_expect(lexer, ")");
		string.x |= (uint32_t)(pauli != PAULI_Z) << first;
		string.z |= (uint32_t)(pauli != PAULI_X) << first;
		more = rc == 0 && qasm_is(lexer, "@") && lexer->token.start < outside.at;
		if (more)
			rc = qasm_next(lexer);
	}
	if (rc != 0)
		return rc;
	if (lexer->token.start < outside.at && lexer->token.kind != QASM_END)
		return qasm_refuse(lexer, "the line does not end here");
	program_observe_string(state->writer.circuit->program, string);
	state->pragmas = true;
	state->lexer = outside;
	return qasm_next(&state->lexer);
}

static int pass_statement(struct qasm_state *state)
{
	int rc = 0;
	while (rc == 0 && !qasm_is(&state->lexer, ";"))
		rc = state->lexer.token.kind == QASM_END ? qasm_expect(&state->lexer, ";") : qasm_next(&state->lexer);
	return rc;
}

static int include(struct qasm_state *state)
{
	int rc = qasm_next(&state->lexer);
	const struct qasm_token *token = &state->lexer.token;
	char name[40];
	qasm_copy(token, name, sizeof name);
	if (rc == 0 &&
	    (token->kind != QASM_STRING || (strcmp(name, "stdgates.inc") != 0 && strcmp(name, "qelib1.inc") != 0)))
		return qasm_refuse(&state->lexer, "only \"stdgates.inc\" may be included");
	return rc == 0 ? qasm_next(&state->lexer) : rc;
}

static int statement(struct qasm_state *state)
{
	struct qasm_lexer *lexer = &state->lexer;
	int rc;
	if (lexer->token.kind == QASM_PRAGMA)
		return pragma(state);
	if (qasm_is(lexer, "gate"))
		return define(state);
	if (qasm_is(lexer, "OPENQASM") || qasm_is(lexer, "barrier"))
		rc = pass_statement(state);
	else if (qasm_is(lexer, "include"))
		rc = include(state);
	else if (qasm_is(lexer, "qubit") || qasm_is(lexer, "qreg"))
		rc = read_register(state, false);
	else if (qasm_is(lexer, "bit") || qasm_is(lexer, "creg"))
		rc = read_register(state, true);
	else if (qasm_is(lexer, "input"))
		rc = read_input(state);
	else if (qasm_is(lexer, "measure"))
		rc = measure(state);
	else if (find_register(state->bits, state->n_bits, &lexer->token) != NULL)
		rc = assign(state);
	else if (state->n_measured > 0)
		return qasm_refuse(lexer, "nothing may follow a measurement");
	else
		return apply(state, NULL, 0);
	return rc == 0 ? qasm_expect(lexer, ";") : rc;
}

static int finish(struct qasm_state *state)
{
	struct circuit_program *program = state->writer.circuit->program;
	if (state->n_wires == 0)
		return qasm_refuse(&state->lexer, "there are no qubits");
	for (int k = 0; !state->pragmas && k < (state->n_measured > 0 ? state->n_measured : state->n_wires); k++)
		program_observe(program, PAULI_Z, state->n_measured > 0 ? state->measured[k] : k);
	return state->writer.failed ? out_of_memory(state) : program_check(program, state->lexer.error);
}

int qasm_read(const char *text, struct qasm_circuit *out, struct qlstm_error *error)
{
	*out = (struct qasm_circuit){.program = program_new(0)};
	struct qasm_state *state = calloc(1, sizeof *state);
	int rc = 0;
	if (state != NULL)
		state->definitions = calloc(QASM_MAX_DEFINITIONS, sizeof *state->definitions);
	if (state == NULL || state->definitions == NULL || out->program == NULL)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the circuit");
	if (rc == 0) {
		state->writer.circuit = out;
		rc = qasm_lexer_open(&state->lexer, text, error);
	}
	while (rc == 0 && state->lexer.token.kind != QASM_END)
		rc = statement(state);
	if (rc == 0)
		rc = finish(state);
	if (state != NULL) {
		free(state->definitions);
		free(state->inputs);
	}
	free(state);
	if (rc != 0)
		qasm_free(out);
	return rc;
}

void qasm_free(struct qasm_circuit *circuit)
{
	program_free(circuit->program);
	free(circuit->features);
	free(circuit->weights);
	*circuit = (struct qasm_circuit){0};
}
