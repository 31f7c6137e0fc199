/* What becomes of the states of a register, and which calls it refuses. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/register_fixture.h"

/* ---- States ---- */

static void states_are_saved_and_restored(void **state)
{
	(void)state;
	struct oracle_random random = {3};
	enum { SAMPLES = 11 };
	struct register_state *reg =
	    opened(&(struct register_shape){.n_wires = 2, .samples = SAMPLES, .n_checkpoints = 2});
	double *states[2] = {random_states(&random, 2, SAMPLES), random_states(&random, 2, SAMPLES)};
	double *shared = random_states(&random, 2, 1), found[8 * SAMPLES];
	bool which[SAMPLES];
	for (int b = 0; b < SAMPLES; b++)
		which[b] = b % 3 == 0;
	register_load(reg, states[0], false);
	assert_int_equal(register_save(reg, 1, NULL, NULL), 0);
	register_load(reg, states[1], false);
	assert_int_equal(register_save(reg, 1, which, NULL), 0);
	register_load(reg, shared, true);
	assert_int_equal(register_save(reg, 0, NULL, NULL), 0);
	register_store(reg, found);
	for (size_t i = 0; i < 8 * SAMPLES; i++)
		assert_true(found[i] == shared[i / SAMPLES]);
	assert_int_equal(register_restore(reg, 1, NULL, NULL), 0);
	register_store(reg, found);
	for (size_t i = 0; i < 8 * SAMPLES; i++)
		assert_true(found[i] == states[which[i % SAMPLES]][i]);
	assert_int_equal(register_restore(reg, 0, which, NULL), 0);
	register_store(reg, found);
	for (size_t i = 0; i < 8 * SAMPLES; i++)
		assert_true(found[i] == (which[i % SAMPLES] ? shared[i / SAMPLES] : states[0][i]));
	register_reset(reg);
	register_store(reg, found);
	for (size_t i = 0; i < 8 * SAMPLES; i++)
		assert_true(found[i] == (i < SAMPLES));
	assert_int_equal(register_save(reg, 2, NULL, NULL), ERR_OUT_OF_RANGE);
	assert_int_equal(register_restore(reg, -1, NULL, NULL), ERR_OUT_OF_RANGE);
	free(states[0]);
	free(states[1]);
	free(shared);
	register_close(reg);
}

static void impossible_words_are_counted(void **state)
{
	(void)state;
	static const uint32_t words[] = {0, 1, 2};
	struct register_state *reg =
	    opened(&(struct register_shape){.n_wires = 2, .samples = 3, .gradients = true, .n_kept = 1});
	double p[3], amplitudes[8 * 3], d[] = {1, 2, 3};
	size_t n_floored;
	assert_int_equal(register_project(reg, 2, words, true, p, &n_floored, NULL), 0);
	assert_int_equal(n_floored, 2); /* the second is not in the state, the third is no word of one wire */
	assert_true(p[0] == 1 && p[1] == 0 && p[2] == 0);
	register_store(reg, amplitudes);
	assert_true(amplitudes[0] == 1 && amplitudes[1] == 0 && amplitudes[2] == 0);
	assert_int_equal(register_project_backward(reg, 2, words, d, NULL), 0);
	memset(amplitudes, 0, sizeof amplitudes);
	assert_int_equal(register_load_backward(reg, false, amplitudes, NULL), 0);
	for (int i = 0; i < 8 * 3; i++)
		assert_true(amplitudes[i] == (i == 0 ? 2 : 0)); /* dp/dre = 2 re, finite everywhere */
	register_close(reg);
}

/* Below the floor a projection is z / sqrt(floor), a linear map, and so is its gradient. */
static void faint_words_are_scaled_by_a_constant(void **state)
{
	(void)state;
	const double start[] = {1, 0, 4e-16, 3e-16}, cotangent[] = {7, 7, 2, -1}, d_p = 5;
	const double wanted[] = {0, 0, 2e15 + 2 * 5 * 4e-16, -1e15 + 2 * 5 * 3e-16};
	struct register_state *reg =
	    opened(&(struct register_shape){.n_wires = 1, .samples = 1, .gradients = true, .n_kept = 1});
	double amplitudes[4], d[4] = {0}, p;
	size_t n_floored;
	register_load(reg, start, false);
	assert_int_equal(register_project(reg, 1, &(uint32_t){1}, true, &p, &n_floored, NULL), 0);
	assert_int_equal(n_floored, 1);
	register_store(reg, amplitudes);
	assert_array("p", 0, &(double){p * 1e31}, &(double){2.5}, 1, 1e-14);
	assert_array("amplitude", 0, amplitudes, (double[]){0, 0, 0.4, 0.3}, 4, 1e-14);
	assert_int_equal(register_store_backward(reg, cotangent, NULL), 0);
	assert_int_equal(register_project_backward(reg, 1, &(uint32_t){1}, &d_p, NULL), 0);
	assert_int_equal(register_load_backward(reg, false, d, NULL), 0);
	assert_array("cotangent", 0, d, wanted, 4, 1e-14);
	register_close(reg);
}

static void words_are_drawn_by_probability(void **state)
{
	(void)state;
	/* Of the words 0 .. 3: for the first sample 0, 1/2, 0, 3/2, for the second 0, 1/5, 3/10, 1/2. */
	static const double p[] = {0, 0, 0.5, 0.2, 0, 0.3, 1.5, 0.5};
	static const struct {
		double uniforms[2];
		uint32_t words[2];
	} rows[] = {{{0, 0}, {1, 1}},
	            {{0.24, 0.19}, {1, 1}},
	            {{0.25, 0.21}, {3, 2}},
	            {{0.9999, 0.49}, {3, 2}},
	            {{0.5, 0.51}, {3, 3}}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t words[2];
		register_draw(p, 4, 2, rows[i].uniforms, words);
		assert_memory_equal(words, rows[i].words, sizeof words);
	}
	/* A uniform number that was rounded to 1 draws the last word that there is. */
	uint32_t last;
	register_draw((double[]){0.5, 0.25, 0}, 3, 1, (double[]){1}, &last);
	assert_int_equal(last, 1);
}

/* ---- Refusals ---- */

static void bad_operations_are_refused(void **state)
{
	(void)state;
	static const uint32_t twice[] = {0, 1, 1, 3}, beyond[] = {0, 1, 2, 4};
	static const struct {
		struct register_op op;
		int code;
		const char *pointer;
	} rows[] = {
	    {{.kind = REGISTER_OP_COUNT}, ERR_UNKNOWN_FIELD, "/gates/1/kind"},
	    {{.gate = GATE_COUNT}, ERR_UNKNOWN_FIELD, "/gates/1/gate"},
	    {{.gate = GATE_X, .wires = {2}}, ERR_OUT_OF_RANGE, "/gates/1/wires/0"},
	    {{.gate = GATE_CNOT, .wires = {1, 1}}, ERR_INVALID, "/gates/1/wires/1"},
	    {{.gate = GATE_RX}, ERR_MISSING, "/gates/1/angle"},
	    {{.gate = GATE_X, .controls = 4}, ERR_OUT_OF_RANGE, "/gates/1"},
	    {{.gate = GATE_X, .controls = 1}, ERR_INVALID, "/gates/1"},
	    {{.gate = GATE_X, .controls = 2, .open_controls = 2}, ERR_INVALID, "/gates/1"},
	    {{.kind = REGISTER_MATRIX, .wires = {-1}, .table = {ANGLE_WEIGHT, 0, 0, false}},
	     ERR_OUT_OF_RANGE,
	     "/gates/1/wires/0"},
	    {{.kind = REGISTER_MATRIX, .table = {ANGLE_NONE, 0, 0, false}}, ERR_INVALID, "/gates/1"},
	    {{.kind = REGISTER_PLANE, .table = {ANGLE_WEIGHT, -1, 0, false}}, ERR_OUT_OF_RANGE, "/gates/1"},
	    {{.kind = REGISTER_PLANE, .table = {ANGLE_WEIGHT, INT32_MAX, 0, false}}, ERR_OUT_OF_RANGE, "/gates/1"},
	    {{.kind = REGISTER_PLANE, .table = {ANGLE_WEIGHT, (1 << 26) - 1, 0, false}}, ERR_OUT_OF_RANGE, "/gates/1"},
	    {{.kind = REGISTER_PLANE, .table = {ANGLE_WEIGHT, 0, 1, false}}, ERR_INVALID, "/gates/1"},
	    {{.kind = REGISTER_DIAGONAL, .table = {ANGLE_WEIGHT, 0, 4, false}}, ERR_OUT_OF_RANGE, "/gates/1"},
	    {{.kind = REGISTER_FLIP, .flipped = 4}, ERR_OUT_OF_RANGE, "/gates/1"},
	    {{.kind = REGISTER_FLIP, .flipped = 1, .row = -1}, ERR_OUT_OF_RANGE, "/gates/1"},
	    {{.kind = REGISTER_PERMUTE}, ERR_MISSING, "/gates/1"},
	    {{.kind = REGISTER_PERMUTE, .map = twice}, ERR_INVALID, "/gates/1"},
	    {{.kind = REGISTER_PERMUTE, .map = beyond}, ERR_INVALID, "/gates/1"},
	    {{.kind = REGISTER_PERMUTE, .map = twice, .controls = 1}, ERR_INVALID, "/gates/1"},
	};
	struct register_state *reg = opened(&(struct register_shape){.n_wires = 2, .samples = 1});
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct register_op ops[] = {{.gate = GATE_H, .wires = {1}}, rows[i].op};
		struct register_sequence *sequence;
		struct qlstm_error error = {0};
		int code = register_prepare(&sequence, reg, ops, 2, &error);
		if (code != rows[i].code || strcmp(error.pointer, rows[i].pointer) != 0 || sequence != NULL)
			fail_msg("row %zu: %d at %s: %s", i, code, error.pointer, error.message);
	}
	register_close(reg);
}

static void bad_shapes_are_refused(void **state)
{
	(void)state;
	static const struct {
		struct register_shape shape;
		const char *kind;
		int code;
	} rows[] = {
	    {{.n_wires = 0, .samples = 1}, NULL, ERR_OUT_OF_RANGE},
	    {{.n_wires = CIRCUIT_MAX_WIRES + 1, .samples = 1}, NULL, ERR_OUT_OF_RANGE},
	    {{.n_wires = 1, .samples = 0}, NULL, ERR_OUT_OF_RANGE},
	    {{.n_wires = 1, .samples = 1, .n_kept = -1}, NULL, ERR_OUT_OF_RANGE},
	    {{.n_wires = 1, .samples = 1, .n_checkpoints = -1}, NULL, ERR_OUT_OF_RANGE},
	    {{.n_wires = 25, .samples = SIZE_MAX / 2}, NULL, ERR_TOO_LARGE},
	    {{.n_wires = 1, .samples = 1}, "abacus", ERR_NOT_FOUND},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct register_state *reg;
		assert_int_equal(register_open(&reg, rows[i].kind, &rows[i].shape, NULL), rows[i].code);
		assert_null(reg);
	}
	struct register_shape shape = {.n_wires = 3, .samples = 16, .gradients = true, .n_kept = 2};
	assert_int_equal(register_bytes("cpu", &shape), 4 * 8 * 2 * 16 * sizeof(double));
	assert_int_equal(register_bytes("abacus", &shape), 0);
	assert_string_equal(register_kind_name(0), "cpu");
	assert_null(register_kind_name(1));
	register_close(NULL);
	register_sequence_free(NULL);
}

static void bad_calls_are_refused(void **state)
{
	(void)state;
	const struct register_op plane = {.kind = REGISTER_PLANE, .table = {ANGLE_WEIGHT, 0, 0, false}};
	const struct register_op reads = {.gate = GATE_RX, .angle = angle_feature(0, ENCODER_X)};
	const struct register_op flip = {.kind = REGISTER_FLIP, .flipped = 1};
	const double weights[] = {1, 0};
	struct register_inputs none = {NULL, NULL, NULL}, inputs = {NULL, weights, NULL};
	struct register_gradients nothing = {NULL, NULL};
	struct register_state *blind = opened(&(struct register_shape){.n_wires = 1, .samples = 1});
	struct register_state *reg =
	    opened(&(struct register_shape){.n_wires = 1, .samples = 1, .gradients = true, .n_kept = 1});
	struct register_state *larger = opened(&(struct register_shape){.n_wires = 2, .samples = 1});
	struct register_sequence *planes = prepared(reg, &plane, 1), *readers = prepared(reg, &reads, 1);
	struct register_sequence *flips = prepared(reg, &flip, 1);
	struct pauli_string beyond = {2, 0};
	double number = 0;
	assert_int_equal(register_evolve(reg, planes, &none, true, NULL), ERR_MISSING);
	assert_int_equal(register_evolve(reg, readers, &none, true, NULL), ERR_MISSING);
	assert_int_equal(register_evolve(reg, flips, &none, true, NULL), ERR_MISSING);
	assert_int_equal(register_evolve(larger, planes, &inputs, false, NULL), ERR_INVALID);
	assert_int_equal(register_evolve_backward(reg, planes, &inputs, &nothing, NULL), ERR_CONFLICT);
	assert_int_equal(register_project_backward(reg, 0, NULL, NULL, NULL), ERR_CONFLICT);
	assert_int_equal(register_evolve(reg, planes, &inputs, true, NULL), 0);
	assert_int_equal(register_evolve(reg, planes, &inputs, true, NULL), ERR_TOO_LARGE);
	assert_int_equal(register_project(reg, 0, NULL, true, NULL, NULL, NULL), ERR_TOO_LARGE);
	assert_int_equal(register_kept(reg), 1);
	register_forget(reg);
	assert_int_equal(register_project(reg, 0, NULL, true, NULL, NULL, NULL), 0);
	register_reset(reg);
	assert_int_equal(register_kept(reg), 0);
	assert_int_equal(register_project(reg, 1, NULL, false, NULL, NULL, NULL), ERR_MISSING);
	assert_int_equal(register_project(reg, 2, &(uint32_t){0}, false, NULL, NULL, NULL), ERR_OUT_OF_RANGE);
	assert_int_equal(register_probabilities(reg, 2, &number, NULL), ERR_OUT_OF_RANGE);
	assert_int_equal(register_expect(reg, &beyond, 1, &number, NULL), ERR_OUT_OF_RANGE);
	assert_int_equal(register_cotangent_clear(blind, NULL), ERR_INVALID);
	assert_int_equal(register_expect_backward(blind, &beyond, 1, &number, NULL), ERR_INVALID);
	assert_int_equal(register_probabilities_backward(blind, 1, &number, NULL), ERR_INVALID);
	assert_int_equal(register_project_backward(blind, 0, NULL, NULL, NULL), ERR_INVALID);
	assert_int_equal(register_load_backward(blind, true, &number, NULL), ERR_INVALID);
	assert_int_equal(register_store_backward(blind, &number, NULL), ERR_INVALID);
	register_sequence_free(planes);
	register_sequence_free(readers);
	register_sequence_free(flips);
	register_close(blind);
	register_close(reg);
	register_close(larger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(states_are_saved_and_restored),
	    cmocka_unit_test(impossible_words_are_counted),
	    cmocka_unit_test(faint_words_are_scaled_by_a_constant),
	    cmocka_unit_test(words_are_drawn_by_probability),
	    cmocka_unit_test(bad_operations_are_refused),
	    cmocka_unit_test(bad_shapes_are_refused),
	    cmocka_unit_test(bad_calls_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
