/* `bench`: how fast the engine is on this machine, case by case. */
#include <stdio.h>
#include <string.h>

#include "server/worker/bench/bench.h"
#include "server/worker/bench/bench_peak.h"
#include "server/worker/command.h"
#include "server/worker/reply.h"

enum { OPT_CASE, OPT_THREADS, OPT_SECONDS, OPT_JSON };

static const struct option options[] = {
    [OPT_CASE] = {"--case", OPTION_TEXT, false, "NAME", NULL, "only cases whose name begins so, long ones too"},
    [OPT_THREADS] = {"--threads", OPTION_COUNT, false, "N", "1", "threads that share the work"},
    [OPT_SECONDS] = {"--seconds", OPTION_SECONDS, false, "S", "0.25", "time for one measurement"},
    [OPT_JSON] = {"--json", OPTION_FLAG, false, NULL, NULL, "print a JSON object a line"},
    {0}};

static const char *const precision_names[] = {[PRECISION_FLOAT64] = "float64", [PRECISION_FLOAT32] = "float32"};

struct bench {
	struct bench_setup setup;
	const char *only; /* NULL: all but the long ones */
	bool json;
	double peaks[2]; /* GFLOP/s, by precision */
	int measured;
};

static bool is_asked(const struct bench *bench, const struct bench_case *row)
{
	if (bench->only == NULL)
		return !row->long_run;
	return strncmp(row->name, bench->only, strlen(bench->only)) == 0;
}

static double fraction_of_peak(const struct bench *bench, const struct bench_result *result)
{
	return 1e-9 * result->operations / result->time.minimum / bench->peaks[result->precision];
}

static json_t *result_json(const struct bench *bench, const struct bench_case *row, const struct bench_result *result)
{
	double ns = 1e9 / result->samples;
	json_t *fraction = result->operations > 0.0 ? json_real(fraction_of_peak(bench, result)) : json_null();
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:i, s:o, s:f, s:s}", "case",
	                 row->name, "quantity", row->quantity, "plan", result->plan, "precision",
	                 precision_names[result->precision], "threads", bench->setup.threads, "batch", row->batch,
	                 "sets", row->sets > 0 ? row->sets : 1, "ns_per_sample", ns * result->time.minimum,
	                 "ns_per_sample_median", ns * result->time.median, "ns_per_call", 1e9 * result->time.minimum,
	                 "operations", result->operations / result->samples, "repeats", result->time.repeats,
	                 "fraction_of_peak", fraction, "peak_gflops", bench->peaks[result->precision], "isa",
	                 plan_isa());
}

static void print_head(void)
{
	printf("%-12s %-10s %-8s %6s %15s %12s %8s %8s\n", "case", "plan", "", "batch", "us per sample", "median",
	       "repeats", "of peak");
}

static void print_row(const struct bench *bench, const struct bench_case *row, const struct bench_result *result)
{
	double us = 1e6 / result->samples;
	printf("%-12s %-10s %-8s %6d %15.4f %12.4f %8d", row->name, result->plan, precision_names[result->precision],
	       row->batch, us * result->time.minimum, us * result->time.median, result->time.repeats);
	if (result->operations > 0.0)
		printf(" %6.0f %%\n", 100.0 * fraction_of_peak(bench, result));
	else
		printf(" %8s\n", "-");
	fflush(stdout);
}

static int run_case(struct bench *bench, const struct bench_case *row)
{
	struct qlstm_error error = {0};
	struct bench_result result;
	int rc = row->run(row, &bench->setup, &result, &error);
	if (rc != 0)
		return reply_failure(&error);
	if (result.precision != row->precision)
		return WORKER_DONE;
	if (bench->json)
		return reply_print(result_json(bench, row, &result));
	print_row(bench, row, &result);
	return WORKER_DONE;
}

static int unknown_case(const char *name)
{
	struct qlstm_error error = {0};
	struct bench_case row;
	const char *names[256];
	size_t count = 0;
	for (int i = 0; count < 256 && bench_case_at(i, &row); i++)
		names[count++] = row.name;
	const char *near = error_nearest(name, names, count);
	if (near == NULL)
		error_set(&error, ERR_NOT_FOUND, NULL, "no case is called '%s'; without --case all are run", name);
	else
		error_set(&error, ERR_NOT_FOUND, NULL, "no case is called '%s'; did you mean '%s'?", name, near);
	return reply_failure(&error);
}

void bench_print_left_out(FILE *file)
{
	struct bench_case row;
	for (int i = 0; bench_case_at(i, &row); i++)
		if (row.long_run)
			fprintf(file, "left out: %s on plan %s, which takes long; --case %s runs it\n", row.name,
			        row.plan, row.name);
}

static int run_cases(struct bench *bench)
{
	struct bench_case row;
	int status = WORKER_DONE, asked = 0;
	for (int i = 0; bench_case_at(i, &row); i++)
		asked += is_asked(bench, &row);
	if (asked == 0)
		return unknown_case(bench->only);
	for (int k = 0; k < 2; k++)
		bench->peaks[k] = bench_peak_gflops(bench->setup.team, (enum precision)k);
	if (!bench->json) {
		printf("%s, %d thread%s; peak %.1f GFLOP/s float64, %.1f float32, measured\n\n", plan_isa(),
		       bench->setup.threads, bench->setup.threads > 1 ? "s" : "", bench->peaks[PRECISION_FLOAT64],
		       bench->peaks[PRECISION_FLOAT32]);
		print_head();
	}
	for (int i = 0; status == WORKER_DONE && bench_case_at(i, &row); i++)
		if (is_asked(bench, &row))
			status = run_case(bench, &row);
	if (status == WORKER_DONE && bench->only == NULL)
		bench_print_left_out(stderr);
	return status;
}

static int bench(const char *operand, const struct option_value *values)
{
	struct qlstm_error error = {0};
	struct bench bench = {.only = values[OPT_CASE].text, .json = values[OPT_JSON].given};
	(void)operand;
	bench.setup.threads = (int)values[OPT_THREADS].number;
	bench.setup.seconds = values[OPT_SECONDS].number;
	if (team_new(&bench.setup.team, bench.setup.threads, &error) != 0)
		return reply_failure(&error);
	int status = run_cases(&bench);
	team_free(bench.setup.team);
	return status;
}

const struct worker_command command_bench = {"bench", NULL, options, bench,
                                             "Print how fast the engine is here, beside what the machine can do."};
