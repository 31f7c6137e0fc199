/* Circuit programs written out in JSON: what they become, defaults, limits, and every refusal with its place. */
#include "tests/unit/job_fixture.h"

#include "server/worker/tools/program_json.h"
#include "server/worker/tools/program_gates.h"

static int reads(const char *text, struct program_json *out, struct qlstm_error *error)
{
	json_error_t where;
	json_t *json = json_loads(text, JSON_DECODE_ANY, &where);
	if (json == NULL)
		fail_msg("%s: %s", text, where.text);
	error_clear(error);
	int rc = program_json_read(json, out, error);
	json_decref(json);
	return rc;
}

static void a_whole_program(void **state)
{
	(void)state;
	struct program_json l;
	struct qlstm_error error = {0};
	must(reads("{\"n_qubits\":4,\"gates\":[{\"gate\":\"h\",\"wires\":[3]},"
	           "{\"gate\":\"RY\",\"wires\":[0],\"angle\":{\"feature\":1,\"encoder\":\"atan\"}},"
	           "{\"gate\":\"Rot\",\"wires\":[1],\"angle\":[0.1,{\"weight\":2},{\"feature\":0}]},"
	           "{\"gate\":\"CNOT\",\"wires\":[2,1]}],"
	           "\"features\":[[1,2],[3,4],[5,6]],\"weights\":[7,8,9],\"observables\":[\"ZIII\",\"X3 Y0\"]}",
	           &l, &error),
	     &error);
	const struct circuit_op *ops = l.program->ops;
	assert_int_equal(l.program->n_wires, 4);
	assert_int_equal(l.program->n_ops, 6);
	assert_true(ops[0].gate == GATE_H && ops[0].wires[0] == 3);
	assert_true(ops[1].gate == GATE_RY && ops[1].wires[0] == 0 && ops[1].angle.source == ANGLE_FEATURE);
	assert_true(ops[1].angle.index == 1 && ops[1].angle.encoder == ENCODER_ATAN);
	assert_true(ops[2].gate == GATE_RZ && ops[3].gate == GATE_RY && ops[4].gate == GATE_RZ);
	for (int k = 2; k <= 4; k++)
		assert_int_equal(ops[k].wires[0], 1);
	assert_true(ops[2].angle.source == ANGLE_CONSTANT && ops[2].angle.value == 0.1);
	assert_true(ops[3].angle.source == ANGLE_WEIGHT && ops[3].angle.index == 2);
	assert_true(ops[4].angle.source == ANGLE_FEATURE && ops[4].angle.encoder == ENCODER_X);
	assert_true(ops[5].gate == GATE_CNOT && ops[5].wires[0] == 2 && ops[5].wires[1] == 1);
	assert_int_equal(l.program->n_observables, 2);
	assert_int_equal(l.batch, 3);
	assert_true(l.batched && l.n_features == 2 && l.n_weights == 3);
	static const double features[] = {1, 3, 5, 2, 4, 6}, weights[] = {7, 8, 9};
	assert_memory_equal(l.features, features, sizeof features);
	assert_memory_equal(l.weights, weights, sizeof weights);
	program_json_free(&l);
	assert_true(l.program == NULL && l.features == NULL && l.weights == NULL);
}

static void defaults(void **state)
{
	(void)state;
	struct program_json l;
	struct qlstm_error error = {0};
	static const struct {
		const char *text;
		int wires, features, weights;
		bool batched;
	} cases[] = {
	    {"{\"gates\":[]}", 1, 0, 0, false},
	    {"{\"gates\":[],\"features\":[],\"weights\":[]}", 1, 0, 0, false},
	    {"{\"gates\":[],\"n_wires\":25}", 25, 0, 0, false},
	    {"{\"gates\":[],\"n_qubits\":1,\"features\":[4]}", 1, 1, 0, false},
	    {"{\"gates\":[],\"features\":[[4]],\"weights\":[1,2]}", 1, 1, 2, true},
	    {"{\"gates\":[{\"gate\":\"CZ\",\"wires\":[5,2]},{\"gate\":\"X\",\"wires\":[4]}]}", 6, 0, 0, false},
	    {"{\"gates\":[{\"gate\":\"CZ\",\"wires\":[0,24]}]}", 25, 0, 0, false},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		must(reads(cases[k].text, &l, &error), &error);
		assert_int_equal(l.program->n_wires, cases[k].wires);
		assert_int_equal(l.program->n_observables, cases[k].wires);
		for (int wire = 0; wire < cases[k].wires; wire++) {
			assert_int_equal(l.program->observables[wire].x, 0);
			assert_int_equal(__builtin_popcount(l.program->observables[wire].z), 1);
		}
		assert_int_equal(l.n_features, cases[k].features);
		assert_int_equal(l.n_weights, cases[k].weights);
		assert_int_equal(l.batched, cases[k].batched);
		assert_int_equal(l.batch, 1);
		program_json_free(&l);
	}
}

#define RY(angle) "{\"gates\":[{\"gate\":\"RY\",\"wires\":[0],\"angle\":" angle "}]"

static const struct {
	const char *text;
	int code;
	const char *pointer, *message;
} refused[] = {
    {"[]", ERR_WRONG_TYPE, "", "a program is an object with gates"},
    {"{}", ERR_MISSING, "/gates", "a list of gates belongs here"},
    {"{\"gates\":{}}", ERR_WRONG_TYPE, "/gates", "a list of gates belongs here"},
    {"{\"gates\":[],\"feature\":[1]}", ERR_UNKNOWN_FIELD, "/feature",
     "unknown field 'feature'; did you mean 'features'?"},
    {"{\"gates\":[],\"xyzzyxyzzy\":1}", ERR_UNKNOWN_FIELD, "/xyzzyxyzzy", "unknown field 'xyzzyxyzzy'"},
    {"{\"gates\":[],\"n_qubits\":0}", ERR_OUT_OF_RANGE, "/n_qubits", "n_qubits is 0; allowed are 1 to 25"},
    {"{\"gates\":[],\"n_qubits\":26}", ERR_OUT_OF_RANGE, "/n_qubits", "n_qubits is 26; allowed are 1 to 25"},
    {"{\"gates\":[],\"n_wires\":1.5}", ERR_WRONG_TYPE, "/n_wires", "n_wires is a whole number"},
    {"{\"gates\":[3]}", ERR_WRONG_TYPE, "/gates/0", "a gate is an object with gate and wires"},
    {"{\"gates\":[{\"gate\":\"H\",\"wire\":[0]}]}", ERR_UNKNOWN_FIELD, "/gates/0/wire",
     "unknown field 'wire'; did you mean 'wires'?"},
    {"{\"gates\":[{\"wires\":[0]}]}", ERR_WRONG_TYPE, "/gates/0/gate",
     "a gate's name belongs here: H, X, Y, Z, S, T, RX, RY, RZ, Rot, CNOT, CZ, SWAP"},
    {"{\"gates\":[{\"gate\":\"CNTO\",\"wires\":[0]}]}", ERR_NOT_FOUND, "/gates/0/gate",
     "unknown gate 'CNTO'; did you mean 'CNOT'?"},
    {"{\"gates\":[{\"gate\":\"Rut\",\"wires\":[0]}]}", ERR_NOT_FOUND, "/gates/0/gate",
     "unknown gate 'Rut'; did you mean 'Rot'?"},
    {"{\"gates\":[{\"gate\":\"measurement\",\"wires\":[0]}]}", ERR_NOT_FOUND, "/gates/0/gate",
     "a gate's name belongs here: H, X, Y, Z, S, T, RX, RY, RZ, Rot, CNOT, CZ, SWAP"},
    {"{\"gates\":[{\"gate\":\"H\"}]}", ERR_MISSING, "/gates/0/wires", "a list of 1 wire belongs here"},
    {"{\"gates\":[{\"gate\":\"CZ\",\"wires\":[0]}]}", ERR_WRONG_TYPE, "/gates/0/wires",
     "a list of 2 wires belongs here"},
    {"{\"gates\":[{\"gate\":\"H\",\"wires\":0}]}", ERR_WRONG_TYPE, "/gates/0/wires", "a list of 1 wire belongs here"},
    {"{\"gates\":[{\"gate\":\"CZ\",\"wires\":[0,\"a\"]}]}", ERR_WRONG_TYPE, "/gates/0/wires/1",
     "a wire is a whole number"},
    {"{\"gates\":[{\"gate\":\"H\",\"wires\":[-1]}],\"n_qubits\":2}", ERR_OUT_OF_RANGE, "/gates/0/wires/0",
     "wire -1; the circuit has 0 to 1"},
    {"{\"gates\":[{\"gate\":\"H\",\"wires\":[2]}],\"n_qubits\":2}", ERR_OUT_OF_RANGE, "/gates/0/wires/0",
     "wire 2; the circuit has 0 to 1"},
    {"{\"gates\":[{\"gate\":\"H\",\"wires\":[25]}]}", ERR_OUT_OF_RANGE, "/gates/0/wires/0",
     "wire 25; the circuit has 0 to 24"},
    {"{\"gates\":[{\"gate\":\"SWAP\",\"wires\":[1,1]}]}", ERR_INVALID, "/gates/0/wires/1",
     "the two wires of a gate differ"},
    {"{\"gates\":[{\"gate\":\"RX\",\"wires\":[0]}]}", ERR_MISSING, "/gates/0/angle", "this gate needs an angle"},
    {"{\"gates\":[{\"gate\":\"H\",\"wires\":[0],\"angle\":1}]}", ERR_INVALID, "/gates/0/angle",
     "this gate takes no angle"},
    {RY("\"x\"") "}", ERR_WRONG_TYPE, "/gates/0/angle", "an angle is a number, {\"weight\": k} or {\"feature\": j}"},
    {RY("{\"feature\":0,\"weight\":0}") "}", ERR_WRONG_TYPE, "/gates/0/angle",
     "an angle is a number, {\"weight\": k} or {\"feature\": j}"},
    {RY("{\"weight\":2}") ",\"weights\":[1,2]}", ERR_OUT_OF_RANGE, "/gates/0/angle/weight",
     "weight 2; 2 given, counted from 0"},
    {RY("{\"weight\":-1}") ",\"weights\":[1,2]}", ERR_OUT_OF_RANGE, "/gates/0/angle/weight",
     "weight -1; 2 given, counted from 0"},
    {RY("{\"feature\":1}") ",\"features\":[1]}", ERR_OUT_OF_RANGE, "/gates/0/angle/feature",
     "feature 1; 1 given, counted from 0"},
    {RY("{\"feature\":0.5}") ",\"features\":[1]}", ERR_WRONG_TYPE, "/gates/0/angle/feature",
     "an index, counted from 0, belongs here"},
    {RY("{\"weight\":0,\"encoder\":\"x\"}") ",\"weights\":[1]}", ERR_UNKNOWN_FIELD, "/gates/0/angle/encoder",
     "unknown field 'encoder'"},
    {RY("{\"feature\":0,\"encode\":\"x\"}") ",\"features\":[1]}", ERR_UNKNOWN_FIELD, "/gates/0/angle/encode",
     "unknown field 'encode'; did you mean 'encoder'?"},
    {RY("{\"feature\":0,\"encoder\":\"atn\"}") ",\"features\":[1]}", ERR_NOT_FOUND, "/gates/0/angle/encoder",
     "an encoder is one of x, pi_x, atan, atan_square, asin, acos, tanh"},
    {RY("{\"feature\":0,\"encoder\":3}") ",\"features\":[1]}", ERR_WRONG_TYPE, "/gates/0/angle/encoder", NULL},
    {"{\"gates\":[{\"gate\":\"ROT\",\"wires\":[0]}]}", ERR_MISSING, "/gates/0/angle",
     "Rot takes a list of three angles"},
    {"{\"gates\":[{\"gate\":\"Rot\",\"wires\":[0],\"angle\":[1,2]}]}", ERR_WRONG_TYPE, "/gates/0/angle",
     "Rot takes a list of three angles"},
    {"{\"gates\":[{\"gate\":\"Rot\",\"wires\":[0],\"angle\":[1,2,3,4]}]}", ERR_WRONG_TYPE, "/gates/0/angle",
     "Rot takes a list of three angles"},
    {"{\"gates\":[{\"gate\":\"Rot\",\"wires\":[0],\"angle\":[1,2,null]}]}", ERR_WRONG_TYPE, "/gates/0/angle/2", NULL},
    {"{\"gates\":[{\"gate\":\"Rot\",\"wires\":[0],\"angle\":[1,{\"weight\":0},3]}]}", ERR_OUT_OF_RANGE,
     "/gates/0/angle/1/weight", "weight 0; 0 given, counted from 0"},
    {"{\"gates\":[{\"gate\":\"Rot\",\"wires\":[0,1],\"angle\":[1,2,3]}]}", ERR_WRONG_TYPE, "/gates/0/wires", NULL},
    {"{\"gates\":[],\"features\":[\"a\"]}", ERR_WRONG_TYPE, "/features/0", NULL},
    {"{\"gates\":[],\"features\":[[1],[1,2]]}", ERR_INVALID, "/features/1", NULL},
    {"{\"gates\":[],\"features\":3}", ERR_WRONG_TYPE, "/features", NULL},
    {"{\"gates\":[],\"weights\":[[1]]}", ERR_WRONG_TYPE, "/weights/0", NULL},
    {"{\"gates\":[],\"observables\":\"Z\"}", ERR_WRONG_TYPE, "/observables",
     "a list of strings such as \"ZII\" or \"Z0 X2\""},
    {"{\"gates\":[],\"observables\":[]}", ERR_WRONG_TYPE, "/observables", NULL},
    {"{\"gates\":[],\"observables\":[\"Z\",3]}", ERR_WRONG_TYPE, "/observables/1",
     "a string such as \"ZII\" or \"Z0 X2\" belongs here"},
    {"{\"gates\":[],\"observables\":[\"Z\",\"Q\"]}", ERR_SYNTAX, "/observables/1", NULL},
    /* Features outside their encoder's domain. */
    {RY("{\"feature\":1,\"encoder\":\"asin\"}") ",\"features\":[0,1.5]}", ERR_OUT_OF_RANGE, "/features/1",
     "feature 1 is 1.5; asin takes -1 to 1"},
    {RY("{\"feature\":0,\"encoder\":\"acos\"}") ",\"features\":[[1],[-2]]}", ERR_OUT_OF_RANGE, "/features/1/0",
     "feature 0 of sample 1 is -2; acos takes -1 to 1"},
    {"{\"gates\":[{\"gate\":\"RX\",\"wires\":[0],\"angle\":{\"feature\":0}},{\"gate\":\"RY\",\"wires\":[0],"
     "\"angle\":{\"feature\":0,\"encoder\":\"acos\"}}],\"features\":[7]}",
     ERR_OUT_OF_RANGE, "/features/0", "feature 0 is 7; acos takes -1 to 1"},
    {RY("{\"feature\":0,\"encoder\":\"pi_x\"}") ",\"features\":[1e308]}", ERR_OUT_OF_RANGE, "/features/0",
     "feature 0 is 1e+308; pi_x makes no finite angle of it"},
};

static void refusals(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof refused / sizeof refused[0]; k++) {
		struct program_json l;
		struct qlstm_error error = {0};
		int rc = reads(refused[k].text, &l, &error);
		if (rc != refused[k].code || strcmp(error.pointer, refused[k].pointer) != 0 ||
		    (refused[k].message != NULL && strcmp(error.message, refused[k].message) != 0))
			fail_msg("%s: %d at '%s': %s", refused[k].text, rc, error.pointer, error.message);
		assert_true(l.program == NULL && l.features == NULL && l.weights == NULL);
	}
}

static void largest_wire(void **state)
{
	(void)state;
	static const struct {
		const char *gates;
		int wire;
	} cases[] = {
	    {"[]", 0},
	    {"[{\"wires\":[3]},{\"wires\":[7,1]},{\"wires\":[2]}]", 7},
	    {"[{\"wires\":[24]}]", 24},
	    {"[{\"wires\":[25]}]", 24},
	    {"[{\"wires\":[1000000000000000000]}]", 24},
	    {"[{\"wires\":[-5]}, 3, {\"wires\":\"x\"}]", 0},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		json_t *gates = json_loads(cases[k].gates, 0, NULL);
		assert_int_equal(program_gates_largest_wire(gates), cases[k].wire);
		json_decref(gates);
	}
}

/* One more than a million samples is refused before anything is made of them. */
static void too_many_samples(void **state)
{
	(void)state;
	for (int more = 0; more <= 1; more++) {
		struct program_json l;
		struct qlstm_error error = {0};
		size_t n = ((size_t)1 << 20) + (size_t)more;
		json_t *weights = json_array(), *one = json_integer(1);
		for (size_t k = 0; k < n; k++)
			json_array_append(weights, one);
		json_decref(one);
		json_t *json = json_pack("{s:[], s:o}", "gates", "weights", weights);
		assert_int_equal(program_json_read(json, &l, &error), more ? ERR_TOO_LARGE : 0);
		if (more)
			assert_string_equal(error.message, "more than 1048576 values on one axis");
		program_json_free(&l);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_whole_program), cmocka_unit_test(defaults),         cmocka_unit_test(refusals),
	    cmocka_unit_test(largest_wire),    cmocka_unit_test(too_many_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
