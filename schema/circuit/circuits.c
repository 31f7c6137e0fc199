/* From lists of gates to OpenQASM. */
#include "schema/circuit/circuits.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/circuit/program.h"
#include "engine/number.h"
#include "engine/text.h"
#include "schema/circuit/circuit_templates.h"

enum { MAX_INDEX = 4095 };

/* One layer's gates on their way into text. */
struct writing {
	char at[64]; /* of the layer */
	struct text inputs, body;
	bool weights[MAX_INDEX + 1], features[MAX_INDEX + 1][ENCODER_COUNT]; /* declared */
	int largest;                                                         /* wire */
	struct qlstm_error *error;
};

static int refuse(const struct writing *w, int code, size_t gate, const char *below, const char *message)
{
	char pointer[200];
	snprintf(pointer, sizeof pointer, "%s/gates/%zu%s", w->at, gate, below);
	return error_set(w->error, code, pointer, "%s", message);
}

/* The name of a gate in OpenQASM; those that are spelled otherwise there are listed. */
static void gate_words(const char *name, char out[24])
{
	static const char *const others[][2] = {{"cnot", "cx"},    {"i", "id"},
	                                        {"phase", "p"},    {"controlledphase", "cp"},
	                                        {"hadamard", "h"}, {"toffoli", "ccx"}};
	snprintf(out, 24, "%s", name);
	for (char *c = out; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	for (size_t k = 0; k < sizeof others / sizeof others[0]; k++)
		if (strcmp(out, others[k][0]) == 0)
			snprintf(out, 24, "%s", others[k][1]);
}

static int write_input(struct writing *w, size_t gate, const json_t *angle, const char *below)
{
	const json_t *weight = json_object_get(angle, "weight"), *feature = json_object_get(angle, "feature");
	const char *word = json_string_value(json_object_get(angle, "encoder"));
	enum encoder encoder = ENCODER_X;
	const json_t *given = weight != NULL ? weight : feature;
	if ((weight == NULL) == (feature == NULL) || !json_is_integer(given))
		return refuse(w, ERR_WRONG_TYPE, gate, below,
		              "an angle is a number, {\"weight\": k} or {\"feature\": j, \"encoder\": \"atan\"}");
	if (json_integer_value(given) < 0 || json_integer_value(given) > MAX_INDEX)
		return refuse(w, ERR_OUT_OF_RANGE, gate, below, "an index is 0 to 4095");
	int index = (int)json_integer_value(given);
	if (weight != NULL) {
		text_print(&w->body, "theta%d", index);
		w->weights[index] = true;
		return 0;
	}
	if (json_object_get(angle, "encoder") != NULL && (word == NULL || encoder_from_name(word, &encoder) != 0))
		return refuse(w, ERR_NOT_FOUND, gate, below,
		              "an encoder is one of x, pi_x, atan, atan_square, asin, acos, tanh");
	const char *prefix = encoder == ENCODER_X ? "" : encoder == ENCODER_PI_X ? "pi" : encoder_name(encoder);
	text_print(&w->body, "%s%sx%d", prefix, *prefix != '\0' ? "_" : "", index);
	w->features[index][encoder] = true;
	return 0;
}

static int write_angle(struct writing *w, size_t gate, const json_t *angle, const char *below)
{
	char number[NUMBER_SIZE];
	if (!json_is_number(angle))
		return write_input(w, gate, angle, below);
	number_text(number, json_number_value(angle));
	text_print(&w->body, "%s", number);
	return 0;
}

/* "(theta0, 0.5)" of an angle, or of a list of them. */
static int write_angles(struct writing *w, size_t gate, const json_t *angle)
{
	if (angle == NULL)
		return 0;
	size_t count = json_is_array(angle) ? json_array_size(angle) : 1;
	int rc = 0;
	text_print(&w->body, "(");
	for (size_t k = 0; rc == 0 && k < count; k++) {
		char below[32] = "/angle";
		if (json_is_array(angle))
			snprintf(below, sizeof below, "/angle/%zu", k);
		text_print(&w->body, "%s", k > 0 ? ", " : "");
		rc = write_angle(w, gate, json_is_array(angle) ? json_array_get(angle, k) : angle, below);
	}
	text_print(&w->body, ")");
	return rc;
}

static int write_wires(struct writing *w, size_t gate, const json_t *wires)
{
	if (!json_is_array(wires) || json_array_size(wires) == 0)
		return refuse(w, wires == NULL ? ERR_MISSING : ERR_WRONG_TYPE, gate, "/wires",
		              "a list of wires belongs here");
	for (size_t k = 0; k < json_array_size(wires); k++) {
		const json_t *wire = json_array_get(wires, k);
		char below[32];
		snprintf(below, sizeof below, "/wires/%zu", k);
		if (!json_is_integer(wire))
			return refuse(w, ERR_WRONG_TYPE, gate, below, "a wire is a whole number");
		if (json_integer_value(wire) < 0 || json_integer_value(wire) >= CIRCUIT_MAX_WIRES)
			return refuse(w, ERR_OUT_OF_RANGE, gate, below, "a wire is 0 to 24");
		int number = (int)json_integer_value(wire);
		w->largest = number > w->largest ? number : w->largest;
		text_print(&w->body, "%sq[%d]", k > 0 ? ", " : " ", number);
	}
	return 0;
}

/* Rot(alpha, beta, gamma) = RZ(gamma) RY(beta) RZ(alpha), on one line as every gate. */
static int write_rot(struct writing *w, size_t gate, const json_t *object)
{
	static const char *const names[] = {"rz", "ry", "rz"};
	const json_t *angle = json_object_get(object, "angle");
	int rc = json_array_size(angle) == 3
	             ? 0
	             : refuse(w, ERR_WRONG_TYPE, gate, "/angle", "Rot has a list of three angles");
	for (size_t k = 0; rc == 0 && k < 3; k++) {
		char below[32];
		snprintf(below, sizeof below, "/angle/%zu", k);
		text_print(&w->body, "%s%s(", k > 0 ? " " : "", names[k]);
		rc = write_angle(w, gate, json_array_get(angle, k), below);
		text_print(&w->body, ")");
		if (rc == 0)
			rc = write_wires(w, gate, json_object_get(object, "wires"));
		text_print(&w->body, ";");
	}
	text_print(&w->body, "\n");
	return rc;
}

static int check_fields(const struct writing *w, size_t gate, const json_t *object)
{
	static const char *const fields[] = {"gate", "wires", "angle"};
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		char below[80], message[160];
		size_t k = 0;
		while (k < 3 && strcmp(fields[k], key) != 0)
			k++;
		if (k < 3)
			continue;
		const char *near = error_nearest(key, fields, 3);
		snprintf(below, sizeof below, "/%.60s", key);
		snprintf(message, sizeof message, "unknown field '%.60s'%s%s%s", key,
		         near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
		         near != NULL ? "'?" : "; a gate has gate, wires and angle");
		return refuse(w, ERR_UNKNOWN_FIELD, gate, below, message);
	}
	return 0;
}

static int write_gate(struct writing *w, size_t gate, const json_t *object)
{
	char words[24];
	const char *name = json_string_value(json_object_get(object, "gate"));
	int rc = check_fields(w, gate, object);
	if (rc != 0)
		return rc;
	if (name == NULL || strlen(name) >= sizeof words ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != strlen(name))
		return refuse(w, name == NULL ? ERR_MISSING : ERR_NOT_FOUND, gate, "/gate",
		              "a gate has a name, such as H, RX, CNOT, CRZ, RZZ, U3");
	if (strcasecmp(name, "Rot") == 0)
		return write_rot(w, gate, object);
	gate_words(name, words);
	text_print(&w->body, "%s", words);
	rc = write_angles(w, gate, json_object_get(object, "angle"));
	if (rc == 0)
		rc = write_wires(w, gate, json_object_get(object, "wires"));
	text_print(&w->body, ";\n");
	return rc;
}

static void write_inputs(struct writing *w)
{
	for (int k = 0; k <= MAX_INDEX; k++)
		for (int e = 0; e < ENCODER_COUNT; e++)
			if (w->features[k][e]) {
				const char *prefix = e == ENCODER_X      ? ""
				                     : e == ENCODER_PI_X ? "pi"
				                                         : encoder_name((enum encoder)e);
				text_print(&w->inputs, "input float[64] %s%sx%d;\n", prefix, *prefix != '\0' ? "_" : "",
				           k);
			}
	/* Without gaps, so that weight k is number k of the tensor. */
	int last = MAX_INDEX;
	while (last >= 0 && !w->weights[last])
		last--;
	for (int k = 0; k <= last; k++)
		text_print(&w->inputs, "input float[64] theta%d;\n", k);
}

/* "Z0 X3" as a pragma. */
static int write_observable(struct writing *w, size_t i, const char *words, int n_wires)
{
	struct pauli_string string;
	char pointer[120];
	snprintf(pointer, sizeof pointer, "%s/observables/%zu", w->at, i);
	struct qlstm_error local = {0};
	if (pauli_string_parse(words, n_wires, &string, &local) != 0)
		return error_set(w->error, local.code, pointer, "%s", local.message);
	if ((string.x | string.z) == 0)
		return error_set(w->error, ERR_INVALID, pointer, "the observable is the identity: it is always 1");
	const char *between = "";
	text_print(&w->body, "#pragma braket result expectation ");
	for (int wire = 0; wire < n_wires; wire++) {
		unsigned which = (string.x >> wire & 1u) | (string.z >> wire & 1u) << 1;
		if (which == 0)
			continue;
		text_print(&w->body, "%s%c(q[%d])", between, "ixzy"[which], wire);
		between = " @ ";
	}
	text_print(&w->body, "\n");
	return 0;
}

static int write_observables(struct writing *w, const json_t *list, int n_wires)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		const char *words = json_string_value(json_array_get(list, i));
		if (words != NULL)
			rc = write_observable(w, i, words, n_wires);
	}
	return rc;
}

static int count_wires(const struct writing *w, const json_t *given, int *n_wires)
{
	*n_wires = w->largest + 1;
	if (!json_is_integer(given))
		return 0;
	char pointer[96];
	json_int_t number = json_integer_value(given);
	snprintf(pointer, sizeof pointer, "%s/n_qubits", w->at);
	if (number < 1 || number > CIRCUIT_MAX_WIRES)
		return error_set(w->error, ERR_OUT_OF_RANGE, pointer, "n_qubits is %lld; allowed are 1 to %d",
		                 (long long)number, CIRCUIT_MAX_WIRES);
	if (number < *n_wires)
		return error_set(w->error, ERR_INVALID, pointer, "n_qubits is %lld; wire %d is named",
		                 (long long)number, w->largest);
	*n_wires = (int)number;
	return 0;
}

/* The layer's text in its place. */
static int finish(struct writing *w, json_t *layer, int n_wires, struct qlstm_error *error)
{
	struct text whole = {0};
	write_inputs(w);
	text_print(&whole, "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n%squbit[%d] q;\n%s",
	           w->inputs.bytes != NULL ? w->inputs.bytes : "", n_wires, w->body.bytes != NULL ? w->body.bytes : "");
	bool failed = whole.failed || w->body.failed || w->inputs.failed ||
	              json_object_set_new(layer, "qasm", json_string(whole.bytes)) != 0;
	free(whole.bytes);
	return failed ? error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the circuit") : 0;
}

static int write_layer(json_t *layer, size_t index, struct qlstm_error *error)
{
	const json_t *gates = json_object_get(layer, "gates"), *n_qubits = json_object_get(layer, "n_qubits");
	if (n_qubits == NULL)
		n_qubits = json_object_get(layer, "num_qubits");
	struct writing *w = calloc(1, sizeof *w);
	if (w == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the circuit");
	w->error = error;
	snprintf(w->at, sizeof w->at, "/model/layers/%zu", index);
	int rc = 0, n_wires = 0;
	if (json_object_get(layer, "qasm") != NULL) {
		char pointer[96];
		snprintf(pointer, sizeof pointer, "%s/gates", w->at);
		rc = error_set(error, ERR_INVALID, pointer, "a circuit is given as qasm or as gates, not as both");
	}
	for (size_t k = 0; rc == 0 && k < json_array_size(gates); k++)
		rc = write_gate(w, k, json_array_get(gates, k));
	if (rc == 0)
		rc = count_wires(w, n_qubits, &n_wires);
	if (rc == 0)
		rc = write_observables(w, json_object_get(layer, "observables"), n_wires);
	if (rc == 0)
		rc = finish(w, layer, n_wires, error);
	free(w->inputs.bytes);
	free(w->body.bytes);
	free(w);
	if (rc == 0)
		for (const char *const *name =
		         (const char *const[]){"gates", "observables", "n_qubits", "num_qubits", NULL};
		     *name != NULL; name++)
			json_object_del(layer, *name);
	return rc;
}

/* The first pauli whose letter the word is; Y where there is none. */
static enum pauli read_rotation(const char *word)
{
	enum pauli pauli = PAULI_Y;
	if (word != NULL && strlen(word) == 1)
		pauli_from_letter(word[0], &pauli);
	return pauli;
}

static int within(const json_t *value, int most, int otherwise)
{
	json_int_t number = json_is_integer(value) ? json_integer_value(value) : otherwise;
	return number >= 1 && number <= most ? (int)number : 0;
}

/* One of the surveyed circuits. What is wrong with a field is left for the validation to say. */
static int write_template(json_t *layer, struct qlstm_error *error)
{
	const json_t *qubits =
	    json_object_get(layer, json_object_get(layer, "n_qubits") != NULL ? "n_qubits" : "num_qubits");
	const char *encoder = json_string_value(json_object_get(layer, "encoder"));
	struct circuit_template circuit = {.name = json_string_value(json_object_get(layer, "template")),
	                                   .n_qubits = within(qubits, CIRCUIT_MAX_WIRES, 4),
	                                   .depth = within(json_object_get(layer, "depth"), 30, 1),
	                                   .hadamard = json_is_true(json_object_get(layer, "hadamard")),
	                                   .rotation =
	                                       read_rotation(json_string_value(json_object_get(layer, "rotation")))};
	struct text text = {0};
	if (circuit.n_qubits == 0 || circuit.depth == 0 ||
	    (encoder != NULL && encoder_from_name(encoder, &circuit.encoder) != 0) ||
	    !circuit_template_write(&circuit, &text))
		return 0;
	int rc = text.failed || json_object_set_new(layer, "qasm", json_string(text.bytes)) != 0;
	free(text.bytes);
	static const char *const fields[] = {"template", "n_qubits", "num_qubits", "depth",
	                                     "hadamard", "rotation", "encoder"};
	for (size_t k = 0; rc == 0 && k < sizeof fields / sizeof fields[0]; k++)
		json_object_del(layer, fields[k]);
	return rc == 0 ? 0 : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the circuit");
}

static bool is_circuit(const json_t *layer)
{
	const char *type = json_string_value(json_object_get(layer, "type"));
	return type != NULL && strcmp(type, "circuit") == 0;
}

/* Whether it names a circuit and gives none. */
static bool is_named(const json_t *layer)
{
	return is_circuit(layer) && json_is_string(json_object_get(layer, "template")) &&
	       json_object_get(layer, "qasm") == NULL && json_object_get(layer, "gates") == NULL;
}

/* Whether it has a list of objects as its gates. */
static bool is_listed(const json_t *layer)
{
	const json_t *gates = json_object_get(layer, "gates");
	if (!is_circuit(layer) || !json_is_array(gates) || json_array_size(gates) == 0)
		return false;
	for (size_t k = 0; k < json_array_size(gates); k++)
		if (!json_is_object(json_array_get(gates, k)))
			return false;
	return true;
}

int circuits_write(json_t *expanded, struct qlstm_error *error)
{
	json_t *model = json_object_get(expanded, "model"), *layers = json_object_get(model, "layers");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(layers); i++) {
		bool named = is_named(json_array_get(layers, i));
		if (!named && !is_listed(json_array_get(layers, i)))
			continue;
		/* The request's own values stay as they are. */
		json_t *own_model = json_copy(model), *own_layers = json_copy(layers),
		       *own = json_copy(json_array_get(layers, i));
		rc = own == NULL ? ERR_OUT_OF_MEMORY : named ? write_template(own, error) : write_layer(own, i, error);
		if (rc != 0 || json_array_set_new(own_layers, i, json_incref(own)) != 0 ||
		    json_object_set_new(own_model, "layers", json_incref(own_layers)) != 0 ||
		    json_object_set_new(expanded, "model", json_incref(own_model)) != 0)
			rc = rc != 0 ? rc : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
		json_decref(own);
		json_decref(own_layers);
		json_decref(own_model);
		model = json_object_get(expanded, "model");
		layers = json_object_get(model, "layers");
	}
	return rc;
}
