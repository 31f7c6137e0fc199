/* The commands, called as the command line calls them: what they leave behind when they succeed, when they refuse, and
 * where memory runs out at any allocation. What they compute is tested in tests/worker. */
#include "tests/unit/job_fixture.h"

#include <dirent.h>

#include "server/worker/bench/bench.h"
#include "server/worker/command.h"
#include "tests/unit/allocation.h"
#include "tests/unit/heap.h"

#define WORDS 12

static int out, err;                                                   /* what a command prints goes there */
static const char *spec, *broken, *table, *inputs, *targets, *program; /* paths */
static char weights[400], said[1 << 18];

#define LSTM "{\"model\":{\"layers\":[{\"type\":\"lstm\",\"hidden_size\":2}]},\"data\":{\"window\":3}}"
#define MIXED                                                                                                          \
	"{\"model\":{\"layers\":[{\"type\":\"lstm\",\"hidden_size\":2},{\"type\":\"qlstm\",\"hidden_size\":2,"         \
	"\"n_qubits\":2}]},\"data\":{\"dataset\":\"mine\",\"targets\":[1],\"window\":3}}"
#define PROGRAM                                                                                                        \
	"{\"gates\":[{\"gate\":\"RY\",\"wires\":[0],\"angle\":{\"feature\":0}},{\"gate\":\"RX\",\"wires\":[1],"        \
	"\"angle\":"                                                                                                   \
	"{\"weight\":0}},{\"gate\":\"CNOT\",\"wires\":[0,1]}],\"features\":[[1],[2]],\"weights\":[3]}"

/* Reads the words as main.c does, runs the command, and returns its status; what it printed is in `said`. */
static int call(const struct worker_command *command, const char *const *words)
{
	struct option_value values[OPTIONS_MAX];
	const char *operand = NULL;
	char *arguments[WORDS];
	int count = 0;
	for (; words[count] != NULL; count++)
		arguments[count] = (char *)(uintptr_t)words[count];
	struct qlstm_error error = {0};
	must(options_read(command->options, command->operand, count, arguments, &operand, values, &error), &error);
	int kept_out = redirect(STDOUT_FILENO, out), kept_err = redirect(STDERR_FILENO, err);
	int status = command->run(operand, values);
	long failing = allocations_until_failure;
	allocations_until_failure = -1;
	redirect_end(STDERR_FILENO, kept_err);
	redirect_end(STDOUT_FILENO, kept_out);
	strcpy(said, captured(out));
	strcat(said, captured(err));
	allocations_until_failure = failing;
	return status;
}

#define CALL(command, ...) call(&command_##command, (const char *const[WORDS]){__VA_ARGS__, NULL})

static int open_all(void **state)
{
	static char paths[6][400];
	if (make_folder(state) != 0)
		return -1;
	static const struct {
		const char *name, *text;
	} files[] = {{"spec.json", LSTM},
	             {"broken.json", "{\"n_qubits\":99}"},
	             {"inputs.json", "[[[0.1], [0.3], [0.4]], [[0.5], [0.6], [0.8]]]"},
	             {"targets.json", "[[0.1], [0.3]]"},
	             {"program.json", PROGRAM},
	             {"mixed.json", MIXED}};
	for (size_t k = 0; k < 6; k++)
		snprintf(paths[k], sizeof paths[k], "%s", write_text(files[k].name, files[k].text));
	spec = paths[0], broken = paths[1], inputs = paths[2], targets = paths[3], program = paths[4];
	static char table_path[400];
	snprintf(table_path, sizeof table_path, "%s", write_table());
	table = table_path;
	snprintf(weights, sizeof weights, "%s/w.safetensors", folder);
	out = capture_open();
	err = capture_open();
	return CALL(init_weights, spec, "--out", weights);
}

static int close_all(void **state)
{
	close(out);
	close(err);
	return drop_folder(state);
}

static void replies(void)
{
	const char *mixed = path_of("mixed.json");
	assert_int_equal(CALL(describe, spec), WORKER_DONE);
	assert_int_equal(CALL(init_weights, spec, "--out", weights), WORKER_DONE);
	assert_int_equal(CALL(evaluate, spec, "--weights", weights, "--inputs", inputs), WORKER_DONE);
	assert_int_equal(
	    CALL(evaluate, spec, "--weights", weights, "--inputs", inputs, "--targets", targets, "--gradient"),
	    WORKER_DONE);
	assert_int_equal(CALL(circuit, program, "--gradient"), WORKER_DONE);
	assert_int_equal(CALL(circuit, program, "--plan", "batch", "--precision", "float32"), WORKER_DONE);
	assert_int_equal(CALL(plan, spec), WORKER_DONE);
	assert_int_equal(CALL(plan, mixed, "--json"), WORKER_DONE);
	assert_int_equal(CALL(plan, mixed, "--data", table, "--threads", "2"), WORKER_DONE);
}

static void refusals(void)
{
	assert_int_equal(CALL(describe, broken), WORKER_FAILED);
	assert_int_equal(CALL(init_weights, broken, "--out", weights), WORKER_FAILED);
	assert_int_equal(CALL(init_weights, spec, "--out", "/nonexistent/w"), WORKER_FAILED);
	assert_int_equal(CALL(evaluate, broken, "--weights", weights, "--inputs", inputs), WORKER_FAILED);
	assert_int_equal(CALL(evaluate, spec, "--weights", targets, "--inputs", inputs), WORKER_FAILED);
	assert_int_equal(CALL(evaluate, spec, "--weights", weights, "--inputs", targets), WORKER_FAILED);
	assert_int_equal(CALL(evaluate, spec, "--weights", weights, "--inputs", inputs, "--targets", inputs),
	                 WORKER_FAILED);
	assert_int_equal(CALL(circuit, broken), WORKER_FAILED);
	assert_int_equal(CALL(circuit, program, "--plan", "none"), WORKER_FAILED);
	assert_int_equal(CALL(circuit, program, "--precision", "float16"), WORKER_FAILED);
	assert_int_equal(CALL(plan, broken), WORKER_FAILED);
	assert_int_equal(CALL(plan, spec, "--data", inputs), WORKER_FAILED);
	assert_int_equal(CALL(bench, "--case", "none of them"), WORKER_FAILED);
	assert_int_equal(CALL(bench, "--threads", "100000"), WORKER_FAILED);
}

static void nothing_is_left_behind(void **state)
{
	(void)state;
	assert_leaves_nothing(replies);
	assert_leaves_nothing(refusals);
}

/* What a command says is the same each time, but where memory has run out: then it fails, and says nothing else.
 * `tolerant`: a planner that has no memory to try a kind of plan says of that kind that it is not possible. */
static int same_or_refused(int status, char expected[sizeof said], bool tolerant)
{
	allocations_until_failure = -1;
	assert_true(status == WORKER_DONE || status == WORKER_FAILED);
	if (status == WORKER_FAILED) {
		assert_null(strstr(said, "\"message\":\"\"")); /* it says why */
		return ERR_OUT_OF_MEMORY;
	}
	if (expected[0] == '\0')
		memcpy(expected, said, sizeof said);
	if (!tolerant || !allocation_failed)
		assert_string_equal(said, expected);
	return 0;
}

static int plan_as_json(void)
{
	static char expected[sizeof said];
	return same_or_refused(CALL(plan, path_of("mixed.json"), "--data", table, "--json", "--speed", "100"), expected,
	                       true);
}

static int plan_as_text(void)
{
	static char expected[sizeof said];
	return same_or_refused(CALL(plan, spec, "--speed", "100"), expected, true);
}

static int init_again(void)
{
	static char expected[sizeof said];
	return same_or_refused(CALL(init_weights, spec, "--out", weights), expected, false);
}

static int describe_again(void)
{
	static char expected[sizeof said];
	return same_or_refused(CALL(describe, spec), expected, false);
}

/* The spec from standard input. */
static int describe_from_input(void)
{
	static char expected[sizeof said];
	int file = open(spec, O_RDONLY | O_CLOEXEC);
	assert_true(file >= 0);
	int kept = redirect(STDIN_FILENO, file);
	int status = CALL(describe, "-");
	redirect_end(STDIN_FILENO, kept);
	close(file);
	return same_or_refused(status, expected, false);
}

static int circuit_again(void)
{
	static char expected[sizeof said];
	return same_or_refused(CALL(circuit, program, "--plan", "reference", "--gradient"), expected, false);
}

static int evaluate_again(void)
{
	static char expected[sizeof said];
	return same_or_refused(
	    CALL(evaluate, spec, "--weights", weights, "--inputs", inputs, "--targets", targets, "--gradient"),
	    expected, false);
}

static const struct layer_config lstm = {.type = "lstm", .lstm = {{.hidden_size = 2}}};

static int bench_one(const struct bench_case *row)
{
	struct bench_setup setup = {.threads = 1};
	struct bench_result result;
	int rc = row->run(row, &setup, &result, NULL);
	assert_true(rc != 0 || isfinite(result.check));
	return rc;
}

static int bench_a_circuit(void)
{
	static const struct bench_case row = {.ansatz = "hardware_efficient",
	                                      .run = bench_circuit,
	                                      .plan = "batch",
	                                      .batch = 2,
	                                      .wires = 2,
	                                      .layers = 1,
	                                      .sets = 1};
	return bench_one(&row);
}

static int bench_a_step(void)
{
	static const struct bench_case row = {
	    .run = bench_step, .plan = "auto", .batch = 2, .model = &lstm, .steps = 2};
	return bench_one(&row);
}

static int (*const works[])(void) = {plan_as_json,   plan_as_text,        init_again,
                                     describe_again, describe_from_input, circuit_again,
                                     evaluate_again, bench_a_circuit,     bench_a_step};
enum { WORKS = sizeof works / sizeof works[0] };

/* They read JSON, and what that was to say is lost with the memory: any failure will do. Nor is anything kept. */
static void every_allocation_may_fail(void **state)
{
	(void)state;
	for (size_t k = 0; k < WORKS; k++) {
		size_t left = 0;
		assert_int_equal(works[k](), 0);
		for (int round = 0; round < 3; round++) {
			size_t before = heap_in_use();
			assert_every_allocation_may_fail(works[k], true);
			left = heap_in_use() - before;
			if (left == 0)
				break;
		}
		if (left != 0)
			fail_msg("work %zu: %zu bytes are left behind", k, left);
	}
}

static int count_threads(void)
{
	int count = 0;
	DIR *tasks = opendir("/proc/self/task");
	assert_non_null(tasks);
	while (readdir(tasks) != NULL)
		count++;
	closedir(tasks);
	return count;
}

/* The team of `bench` ends with it. */
static void threads_end(void **state)
{
	(void)state;
	int before = count_threads();
	assert_int_equal(CALL(bench, "--case", "lstm-5/1", "--threads", "2", "--seconds", "0", "--json"), WORKER_DONE);
	json_t *row = json_loads(said, JSON_DISABLE_EOF_CHECK, NULL);
	assert_int_equal(json_integer_value(at(row, "threads")), 2);
	json_decref(row);
	assert_int_equal(count_threads(), before);
}

/* What takes long is not measured unless it is asked for, and named, a line each. */
static void what_is_left_out(void **state)
{
	(void)state;
	struct bench_case row;
	FILE *file = fdopen(dup(out), "w");
	assert_non_null(file);
	bench_print_left_out(file);
	fclose(file);
	strcpy(said, captured(out));
	char expected[2048] = "";
	for (int k = 0; bench_case_at(k, &row); k++)
		if (row.long_run)
			snprintf(expected + strlen(expected), sizeof expected - strlen(expected),
			         "left out: %s on plan %s, which takes long; --case %s runs it\n", row.name, row.plan,
			         row.name);
	assert_non_null(strstr(said, "left out: V(25,3) on plan wide, "));
	assert_string_equal(said, expected);
}

int main(int argc, char **argv)
{
	(void)argc;
	heap_count_exactly(argv);
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_left_behind),
	                                   cmocka_unit_test(every_allocation_may_fail), cmocka_unit_test(threads_end),
	                                   cmocka_unit_test(what_is_left_out)};
	return cmocka_run_group_tests(tests, open_all, close_all);
}
