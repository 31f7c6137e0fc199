/* Operations of a statevector, counted by hand from the rules that bench_count.h states; the clock's rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "server/common/clock.h"
#include "server/worker/bench/bench.h"
#include "server/worker/bench/bench_count.h"
#include "server/worker/bench/bench_timing.h"

static struct circuit_program *program;

static int open_program(void **state)
{
	(void)state;
	program = program_new(3);
	return program != NULL ? 0 : -1;
}

static int close_program(void **state)
{
	(void)state;
	program_free(program);
	return 0;
}

/* 8 amplitudes; `passes` rotations, or diagonals, behind the first CNOT. */
static void costs(double passes)
{
	struct bench_count count = bench_count_program(program);
	assert_true(count.forward == 8 * (2 + 6 * passes + 5));
	assert_true(count.backward == 8 * (8 + 10 * passes + 3));
}

static void turn(enum gate gate, int wire)
{
	program_rotation(program, gate, wire, angle_constant(0.1));
}

static void rotations(void **state)
{
	(void)state;
	program_observe(program, PAULI_Z, 0);
	turn(GATE_RX, 0);
	program_gate(program, GATE_H, 1);
	turn(GATE_RZ, 1);
	costs(0); /* a product state */
	program_gate2(program, GATE_CNOT, 0, 1);
	costs(0);
	turn(GATE_RX, 2); /* not entangled yet */
	costs(0);
	turn(GATE_RX, 0);
	costs(1);
	turn(GATE_RY, 1);
	program_gate(program, GATE_H, 0);
	costs(3);
	program_gate(program, GATE_X, 0); /* a permutation */
	program_gate2(program, GATE_SWAP, 0, 2);
	costs(3);
	turn(GATE_RY, 2);
	costs(4);
}

static void diagonals(void **state)
{
	(void)state;
	program_observe(program, PAULI_Z, 0);
	program_gate2(program, GATE_CNOT, 0, 1);
	program_gate2(program, GATE_CNOT, 1, 2);
	turn(GATE_RZ, 0);
	costs(0); /* a readout of Z does not see it */
	turn(GATE_RX, 0);
	costs(2);
	turn(GATE_RZ, 1);
	turn(GATE_RZ, 1);
	program_gate(program, GATE_T, 1);
	costs(2);
	turn(GATE_RY, 1);
	costs(3); /* the three on wire 1 are one diagonal, which is also that of wire 0 */
	turn(GATE_RZ, 0);
	turn(GATE_RX, 0);
	costs(5); /* another one behind a rotation: RX, RY, RX and two diagonals */
}

/* A CNOT behind a phase takes it to a wire that is turned. */
static void phases_that_spread(void **state)
{
	(void)state;
	program_observe(program, PAULI_Z, 0);
	program_gate2(program, GATE_CNOT, 0, 1);
	turn(GATE_RZ, 0);
	turn(GATE_RX, 1); /* elsewhere */
	costs(1);
	program_gate2(program, GATE_CNOT, 0, 2);
	costs(1);
	turn(GATE_RX, 2);
	costs(3);
}

static void other_readouts(void **state)
{
	(void)state;
	program_observe(program, PAULI_X, 0);
	program_gate2(program, GATE_CZ, 0, 1);
	turn(GATE_RZ, 0);
	costs(1);
	program_gate(program, GATE_Z, 0); /* keeps the diagonal open */
	turn(GATE_RZ, 0);
	costs(1);
	program_gate2(program, GATE_CZ, 0, 1);
	turn(GATE_RZ, 0);
	costs(2);
}

static void call(void *context)
{
	++*(int *)context;
}

static void slow_call(void *context)
{
	double start = clock_monotonic();
	++*(int *)context;
	while (clock_monotonic() - start < 0.003)
		continue;
}

static void the_clock(void **state)
{
	(void)state;
	int calls = 0;
	struct bench_time time = bench_measure(call, &calls, 0.002);
	assert_true(time.minimum > 0 && time.minimum <= time.median && time.median < 1);
	assert_in_range(time.repeats, 1, 4096);
	assert_true(calls > 1 && (double)calls * time.minimum < 60);
	/* Longer than eight times what may be spent: measured once, by the call that found that out. */
	calls = 0;
	time = bench_measure(slow_call, &calls, 0.0001);
	assert_int_equal(time.repeats, 1);
	assert_int_equal(calls, 1);
	assert_true(time.minimum >= 0.003 && time.median == time.minimum);
	/* At least 30 windows, if patience allows: here 0.09 s of 0.08 s do not, on whatever machine. */
	calls = 0;
	time = bench_measure(slow_call, &calls, 0.01);
	assert_in_range(time.repeats, 1, 27);
	assert_int_equal(calls, time.repeats + (calls > 1));
}

/* The number behind `mark` in a name, `otherwise` where there is none. */
static int number_in(const char *name, char mark, int otherwise)
{
	const char *at = strchr(name, mark);
	return at != NULL ? atoi(at + 1) : otherwise;
}

/* Batches of the reference grid. */
static int grid_batch(const struct bench_case *row)
{
	if (strcmp(row->plan, "wide") == 0)
		return 1;
	if (strcmp(row->name, "V(25,3)") == 0)
		return 16;
	return row->wires == 10 ? 64 : row->wires == 12 ? 16 : 256;
}

static void check_hqrnn(const struct bench_case *row)
{
	const struct hqrnn_config *config = &row->model->hqrnn;
	assert_int_equal(config->n_qubits, number_in(row->name, '-', 0));
	assert_true(config->depth == 2 && config->hidden_size == 26 && config->controller == CONTROLLER_GLU);
	assert_int_equal(row->batch, 64);
	assert_int_equal(row->steps, config->n_qubits == 8 ? 100 : 4);
}

/* Steps and batch by name. */
static void check_words(const struct bench_case *row)
{
	assert_string_equal(row->quantity, "training step");
	assert_int_equal(row->steps, number_in(row->name, '-', 0));
	assert_int_equal(row->batch, number_in(row->name, '/', 0));
	assert_int_equal(row->long_run, row->steps > 99 || row->batch > 200);
}

/* W8 I2 S2: 24 neurons, 16 rotations, words of 2 bits, on 256 amplitudes. */
static void words(void **state)
{
	(void)state;
	const struct qrnn_config shape = {.workspace = 8, .stages = 2, .input_bits = 2};
	assert_true(bench_count_neurons(&shape) == 256 * (24 * 11 + 16 * 9 + 3 * (6 + 8)));
}

static void check_case(const struct bench_case *row)
{
	if (row->run == bench_step && strcmp(row->model->type, "hqrnn") == 0) {
		check_hqrnn(row);
		return;
	}
	if (row->model != NULL && strcmp(row->model->type, "qrnn") == 0) {
		check_words(row);
		return;
	}
	if (row->run == bench_step) {
		bool lstm = strcmp(row->model->type, "lstm") == 0, windows_of_4 = strchr(row->name, '/') != NULL;
		assert_string_equal(row->quantity, "training step");
		assert_int_equal(row->batch, number_in(row->name, '/', 256));
		assert_int_equal(row->steps, windows_of_4 ? 4 : 8);
		const struct circuit_config *circuit = &row->model->qlstm.circuit;
		assert_int_equal(row->model->recurrent.hidden_size, lstm ? number_in(row->name, '-', 0) : 3);
		assert_true(lstm || (circuit->n_qubits == 4 && circuit->depth == 2));
		assert_true(lstm || circuit->hadamard == (strncmp(row->name, "chen2020", 8) == 0));
		return;
	}
	assert_int_equal(row->wires, number_in(row->name, '(', 0));
	if (row->run == bench_layer) {
		assert_string_equal(row->quantity, "forward of one layer");
		assert_true(row->batch == 1 && row->layers == 2 && row->sets == 1);
		assert_string_equal(row->plan, "wide");
		return;
	}
	assert_true(row->run == bench_circuit);
	assert_string_equal(row->quantity, "forward and gradient");
	assert_string_equal(row->ansatz, strncmp(row->name, "qdi", 3) == 0 ? "qdi" : "hardware_efficient");
	assert_int_equal(row->layers, number_in(row->name, ',', 1));
	assert_int_equal(row->sets, strncmp(row->name, "4x", 2) == 0 ? 4 : 1);
	assert_int_equal(row->batch, number_in(row->name, '/', grid_batch(row)));
	/* What takes long is asked for by name. */
	assert_int_equal(row->long_run, strcmp(row->name, "V(25,3)") == 0 || strcmp(row->name, "qdi(25)") == 0);
}

/* A case measures what its name says. */
static void cases(void **state)
{
	(void)state;
	struct bench_case row, before = {.name = ""};
	int count = 0, pairs = 0;
	for (; bench_case_at(count, &row); count++) {
		check_case(&row);
		if (row.precision == PRECISION_FLOAT32) {
			assert_string_equal(row.name, before.name);
			assert_int_equal(before.precision, PRECISION_FLOAT64);
			pairs++;
		}
		/* In float32 too where the plan has it, and the circuits are not a classical layer's. */
		if (before.run == bench_circuit && before.precision == PRECISION_FLOAT64 && !before.long_run &&
		    strcmp(before.plan, "wide") == 0)
			assert_int_equal(row.precision, PRECISION_FLOAT32);
		before = row;
	}
	assert_int_equal(count - pairs, 53); /* rows of the table */
	assert_int_equal(pairs, 35);
	assert_false(bench_case_at(count, &row));
	assert_true(bench_is_statevector("batch") && bench_is_statevector("wide") && !bench_is_statevector("local"));
	double values[98];
	bench_fill(values, 98);
	assert_true(values[0] == 0.1 && values[1] == 0.1 + 0.01 * 37 && values[3] == 0.1 + 0.01 * 14);
	assert_true(values[97] == values[0]);
}

#define WITH_PROGRAM(test) cmocka_unit_test_setup_teardown(test, open_program, close_program)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_PROGRAM(rotations),      WITH_PROGRAM(diagonals),     WITH_PROGRAM(phases_that_spread),
	    WITH_PROGRAM(other_readouts), cmocka_unit_test(the_clock), cmocka_unit_test(cases),
	    cmocka_unit_test(words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
