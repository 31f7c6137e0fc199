/* Generators of tasks that need a long memory. */
#include "engine/data/tasks/memory_tasks.h"

#include <string.h>

#include "engine/philox.h"
#include "engine/rows.h"

/* Seed of all of them: the data are the same for everybody. */
enum { TASKS_SEED = 1 };

/* One sequence; arrays of COPYING_LENGTH(blanks). */
static void copy_one(struct philox *rng, size_t blanks, double *input, double *target)
{
	size_t length = COPYING_LENGTH(blanks);
	for (size_t i = 0; i < length; i++)
		input[i] = target[i] = COPYING_BLANK;
	input[COPYING_SYMBOLS + blanks - 1] = COPYING_DELIMITER;
	for (size_t k = 0; k < COPYING_SYMBOLS; k++) {
		input[k] = philox_below(rng, COPYING_BLANK);
		target[length - COPYING_SYMBOLS + k] = input[k];
	}
}

static int copying(size_t blanks, double *values, size_t n)
{
	size_t length = COPYING_LENGTH(blanks);
	double *input = values, *target = values + n, *scored = values + 2 * n;
	for (size_t start = 0; start + length <= n; start += length) {
		struct philox rng;
		philox_open(&rng, TASKS_SEED, PHILOX_DATA, (uint32_t)(start / length));
		copy_one(&rng, blanks, input + start, target + start);
	}
	for (size_t i = 0; i < n; i++)
		scored[i] = ROW_DRAWN;
	return 0;
}

int memory_task_copying_50(double *values, size_t n, struct qlstm_error *error)
{
	(void)error;
	return copying(50, values, n);
}

int memory_task_copying_100(double *values, size_t n, struct qlstm_error *error)
{
	(void)error;
	return copying(100, values, n);
}

int memory_task_copying_200(double *values, size_t n, struct qlstm_error *error)
{
	(void)error;
	return copying(200, values, n);
}

static int adding(size_t steps, double *values, size_t n)
{
	memset(values, 0, (2 * steps + 1) * n * sizeof *values);
	for (size_t row = 0; row < n; row++) {
		struct philox rng;
		philox_open(&rng, TASKS_SEED, PHILOX_DATA, (uint32_t)row);
		for (size_t t = 0; t < steps; t++)
			values[2 * t * n + row] = philox_uniform(&rng);
		for (size_t half = 0; half < 2; half++) {
			size_t at = half * (steps / 2) + philox_below(&rng, (uint32_t)(steps / 2));
			values[(2 * at + 1) * n + row] = 1.0;
			values[2 * steps * n + row] += values[2 * at * n + row];
		}
	}
	return 0;
}

int memory_task_adding_50(double *values, size_t n, struct qlstm_error *error)
{
	(void)error;
	return adding(50, values, n);
}

int memory_task_adding_100(double *values, size_t n, struct qlstm_error *error)
{
	(void)error;
	return adding(100, values, n);
}
