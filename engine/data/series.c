/* Built-in series: one generator function and one table row each. */
#include "engine/data/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/tasks/memory_tasks.h"
#include "engine/data/tasks/word_tasks.h"
#include "engine/elementary/elementary.h"

static const double pi = 3.14159265358979323846;

/* Point i of n equally spaced ones from `first` to `last`, both included. */
static double grid_point(double first, double last, size_t i, size_t n)
{
	return i + 1 == n ? last : first + (double)i * ((last - first) / (double)(n - 1));
}

/* sin(2 pi f t), f = 0.2, t in [0, 20]: four periods. */
static int generate_sine(double *values, size_t n, struct qlstm_error *error)
{
	(void)error;
	for (size_t i = 0; i < n; i++)
		values[i] = elementary_sin(2 * pi * 0.2 * grid_point(0, 20, i, n));
	return 0;
}

struct pendulum {
	double angle, velocity;
};

/* angle' = velocity, velocity' = -(b/m) velocity - (g/l) sin(angle); b = 0.15, g = 9.81, l = m = 1. */
static struct pendulum pendulum_slope(struct pendulum s)
{
	return (struct pendulum){.angle = s.velocity, .velocity = -0.15 * s.velocity - 9.81 * elementary_sin(s.angle)};
}

static struct pendulum pendulum_move(struct pendulum s, struct pendulum slope, double h)
{
	return (struct pendulum){.angle = s.angle + h * slope.angle, .velocity = s.velocity + h * slope.velocity};
}

/* One step of the classical fourth-order Runge-Kutta method. */
static struct pendulum pendulum_step(struct pendulum s, double h)
{
	struct pendulum k1 = pendulum_slope(s);
	struct pendulum k2 = pendulum_slope(pendulum_move(s, k1, h / 2));
	struct pendulum k3 = pendulum_slope(pendulum_move(s, k2, h / 2));
	struct pendulum k4 = pendulum_slope(pendulum_move(s, k3, h));
	return (struct pendulum){
	    .angle = s.angle + h / 6 * (k1.angle + 2 * k2.angle + 2 * k3.angle + k4.angle),
	    .velocity = s.velocity + h / 6 * (k1.velocity + 2 * k2.velocity + 2 * k3.velocity + k4.velocity),
	};
}

/* Angular velocity of a damped pendulum let go at angle 0 with velocity 3; t in [0, 20]. With 40 steps between two
 * points (h = 0.0021) the error against the exact solution is below 1e-9, and the check values of the tests, which
 * were made with this step, hold to the last digit. */
static int generate_damped_shm(double *values, size_t n, struct qlstm_error *error)
{
	enum { SUBSTEPS = 40 };
	(void)error;
	double h = 20.0 / (double)(n - 1) / SUBSTEPS;
	struct pendulum state = {.angle = 0, .velocity = 3};
	for (size_t i = 0; i < n; i++) {
		values[i] = state.velocity;
		for (int k = 0; k < SUBSTEPS; k++)
			state = pendulum_step(state, h);
	}
	return 0;
}

/* Bessel function of the first kind of order 2, x in [2, 100]. */
static int generate_bessel(double *values, size_t n, struct qlstm_error *error)
{
	(void)error;
	for (size_t i = 0; i < n; i++)
		values[i] = elementary_bessel_j2(grid_point(2, 100, i, n));
	return 0;
}

/* exp(-x/16) * sum over k = 0 .. 10 of exp(-10 (x - 2k)^2): an emitted pulse that comes back weaker after each delay;
 * x = -2, -1.99, ... below 20. */
static int generate_delayed_quantum_control(double *values, size_t n, struct qlstm_error *error)
{
	(void)error;
	for (size_t i = 0; i < n; i++) {
		double x = -2 + (double)i * 0.01;
		double sum = 0;
		for (int k = 0; k <= 10; k++)
			sum += elementary_exp(-10 * (x - 2 * k) * (x - 2 * k));
		values[i] = sum * elementary_exp(-x / 16);
	}
	return 0;
}

/* Collapse and revival of the atomic inversion in the Jaynes-Cummings model, field in a coherent state:
 * W(t) = sum over k = 0 .. 100 of P_k cos(2 g t sqrt(k + 1)), P_k Poisson of mean 40, g = 1, t in [0, 200]. */
static int generate_population_inversion(double *values, size_t n, struct qlstm_error *error)
{
	(void)error;
	for (size_t i = 0; i < n; i++) {
		double t = grid_point(0, 200, i, n);
		double weight = elementary_exp(-40.0), sum = 0;
		for (int k = 0; k <= 100; k++) {
			sum += weight * elementary_cos(2 * t * sqrt(k + 1.0));
			weight *= 40.0 / (k + 1);
		}
		values[i] = sum;
	}
	return 0;
}

/* What the series are: Chen, Yoo and Fang, arXiv 2009.01783. Their constants: the files named. */
static const struct series rows[] = {
    /* github.com/jsenellart/merlin; the paper's own constants are not published. */
    {"sine", "a sine, four periods", 240, SERIES_VALUE, generate_sine},
    /* github.com/ycchen1989/Quantum_FWP, data/damped_shm.py */
    {"damped_shm", "angular velocity of a damped pendulum", 240, SERIES_VALUE, generate_damped_shm},
    /* github.com/ycchen1989/FederatedQLSTM, data/bessel_functions.py */
    {"bessel", "Bessel function J2", 256, SERIES_VALUE, generate_bessel},
    /* github.com/ycchen1989/FederatedQLSTM, data/delayed_quantum_control.py */
    {"delayed_quantum_control", "pulses of a two-level atom with delayed feedback", 2200, SERIES_VALUE,
     generate_delayed_quantum_control},
    /* The paper's equation 15, constants of github.com/jsenellart/merlin. */
    {"population_inversion", "collapse and revival of an atom's population inversion", 2500, SERIES_VALUE,
     generate_population_inversion},
    {"simple_seq", "words of 3 bits, length 20: 0 1 2 3 repeated, and 4 repeated", SIMPLE_SEQ_ROWS, SERIES_WORDS,
     word_task_simple_seq},
    {"simple_quotes", "words of 5 bits, length 70: six lines of Shakespeare's", QUOTES_ROWS, SERIES_WORDS,
     word_task_simple_quotes},
    {"elman_xor", "words of 2 bits, length 36: two random bits and their exclusive or", ELMAN_ROWS, SERIES_WORDS,
     word_task_elman_xor},
    {"elman_letter", "words of 3 bits, length 36: ba, dii, guuu in random order", ELMAN_ROWS, SERIES_WORDS,
     word_task_elman_letter},
    {"dna", "words of 3 bits, length 20: recall the marked base at the end", DNA_ROWS, SERIES_WORDS, word_task_dna},
    {"dna_paper", "dna under the published protocol, whose postselection leaks the answer", DNA_ROWS, SERIES_WORDS,
     word_task_dna_paper},
    {"dna_blank", "dna with all inputs 0: a control that stays at chance", DNA_ROWS, SERIES_WORDS, word_task_dna_blank},
    {"copying_50", "words of 4 bits, length 71: ten symbols to be said again 50 steps later", COPYING_50_ROWS,
     SERIES_WORDS, memory_task_copying_50},
    {"copying_100", "words of 4 bits, length 121: ten symbols to be said again 100 steps later", COPYING_100_ROWS,
     SERIES_WORDS, memory_task_copying_100},
    {"copying_200", "words of 4 bits, length 221: ten symbols to be said again 200 steps later", COPYING_200_ROWS,
     SERIES_WORDS, memory_task_copying_200},
    {"adding_50", "50 pairs of a value and a mark in a row: the sum of the two marked values", ADDING_ROWS,
     SERIES_PAIRS_50, memory_task_adding_50},
    {"adding_100", "100 pairs of a value and a mark in a row: the sum of the two marked values", ADDING_ROWS,
     SERIES_PAIRS_100, memory_task_adding_100},
};

enum { N_ROWS = sizeof rows / sizeof rows[0] };

const struct series *series_at(int index)
{
	return index >= 0 && index < N_ROWS ? &rows[index] : NULL;
}

const struct series *series_find(const char *name)
{
	for (int i = 0; i < N_ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

#define PAIR(k) "value_" #k, "mark_" #k
#define PAIRS(d)                                                                                                       \
	PAIR(d##0), PAIR(d##1), PAIR(d##2), PAIR(d##3), PAIR(d##4), PAIR(d##5), PAIR(d##6), PAIR(d##7), PAIR(d##8),    \
	    PAIR(d##9)

static const char *const pairs[] = {PAIRS(),  PAIRS(1), PAIRS(2), PAIRS(3), PAIRS(4),
                                    PAIRS(5), PAIRS(6), PAIRS(7), PAIRS(8), PAIRS(9)};

int series_columns(const struct series *series)
{
	static const int columns[] = {
	    [SERIES_VALUE] = 1, [SERIES_WORDS] = 3, [SERIES_PAIRS_50] = 101, [SERIES_PAIRS_100] = 201};
	return columns[series->form];
}

const char *series_column(const struct series *series, int index)
{
	static const char *const words[] = {"input", "target", "scored"};
	if (index < 0 || index >= series_columns(series))
		return NULL;
	if (series->form == SERIES_VALUE)
		return "value";
	if (series->form == SERIES_WORDS)
		return words[index];
	return index + 1 < series_columns(series) ? pairs[index] : "sum";
}

/* The columns of `values`, each of series->n, into the table. */
static int fill_columns(const struct series *series, const double *values, struct table *table)
{
	int rc = 0;
	for (int k = 0; rc == 0 && series_column(series, k) != NULL; k++) {
		rc = table_add_column(table, series_column(series, k), NULL);
		if (rc != 0)
			break;
		struct column *column = &table->columns[k];
		column->values = malloc(series->n * sizeof(double));
		rc = column->values != NULL ? 0 : ERR_OUT_OF_MEMORY;
		if (rc == 0)
			memcpy(column->values, values + (size_t)k * series->n, series->n * sizeof(double));
	}
	return rc;
}

int series_table(const struct series *series, struct table *out, struct qlstm_error *error)
{
	struct table table = {.n_rows = series->n};
	double *values = calloc(series->n, (size_t)series_columns(series) * sizeof(double));
	int rc = values != NULL ? series->generate(values, series->n, error) : ERR_OUT_OF_MEMORY;
	if (rc == 0)
		rc = fill_columns(series, values, &table);
	free(values);
	if (rc != 0) {
		table_free(&table);
		return error_set(error, rc, NULL, "cannot generate the series '%s'", series->name);
	}
	*out = table;
	return 0;
}
