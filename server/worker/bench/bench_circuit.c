/* Circuits under the clock. Samples are shared among the members of a team, each with a plan of its own; a plan that
 * shares one sample's work does that. */
#include <stdlib.h>
#include <string.h>

#include "engine/circuit/ansatz/ansatz.h"
#include "engine/circuit/planner.h"
#include "engine/nn/quantum_block.h"
#include "server/worker/bench/bench.h"
#include "server/worker/bench/bench_count.h"

/* What one member works on. */
struct share {
	struct plan *plan;
	size_t batch;
	double *block;                                                    /* all of the following */
	double *features, *outputs, *cotangents, *d_features, *d_weights; /* shapes as in plan.h */
	struct plan_room kept; /* of a forward call for the backward one, as in a layer */
};

/* Layers of the deeper of the two circuits whose difference bench_layer measures. */
#define LAYERS_MORE 4

struct bench_run {
	struct circuit_program *program;
	struct team *team;
	int sets, n_shares;
	size_t n_weights; /* of all sets */
	double *weights, *d_weights;
	struct share shares[TEAM_MAX_THREADS];
};

static int build(const struct bench_case *row, struct circuit_program **out, struct qlstm_error *error)
{
	bool qdi = strcmp(row->ansatz, "qdi") == 0;
	const struct ansatz_config config = {.n_wires = row->wires,
	                                     .n_blocks = 1,
	                                     .depth = row->layers,
	                                     .rotation = qdi ? PAULI_Z : PAULI_Y,
	                                     .measure = qdi ? PAULI_Y : PAULI_Z};
	return ansatz_build(ansatz_find(row->ansatz), &config, out, error);
}

void bench_fill(double *values, size_t n)
{
	for (size_t k = 0; k < n; k++)
		values[k] = 0.1 + 0.01 * (double)(k * 37 % 97);
}

static int share_open(struct bench_run *run, struct share *share, size_t batch, struct qlstm_error *error)
{
	size_t features = (size_t)run->program->n_features * batch;
	size_t outputs = (size_t)run->program->n_observables * (size_t)run->sets * batch;
	share->batch = batch;
	share->block = calloc(2 * features + 2 * outputs + run->n_weights, sizeof(double));
	if (share->block == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	share->features = share->block;
	share->d_features = share->features + features;
	share->outputs = share->d_features + features;
	share->cotangents = share->outputs + outputs;
	share->d_weights = share->cotangents + outputs;
	bench_fill(share->features, features);
	bench_fill(share->cotangents, outputs);
	size_t kept = plan_kept_bytes(share->plan, run->sets, batch);
	kept = kept < QUANTUM_KEPT_BYTES ? kept : QUANTUM_KEPT_BYTES;
	if (kept == 0)
		return 0;
	share->kept = (struct plan_room){aligned_alloc(ARENA_ALIGN, kept), kept};
	if (share->kept.at == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	memset(share->kept.at, 0, kept);
	return 0;
}

/* One plan on all samples where it takes a team, else a plan for each member and its part of the samples. */
static int shares_open(struct bench_run *run, const struct bench_case *row, int threads, struct qlstm_error *error)
{
	size_t left = (size_t)row->batch;
	for (int k = 0; left > 0 && k < threads; k++) {
		struct share *share = &run->shares[k];
		int rc = plan_new_precision(&share->plan, run->program, row->plan, row->precision, error);
		if (rc != 0)
			return rc;
		run->n_shares = k + 1;
		size_t lanes = plan_estimated(share->plan)->lanes, tiles = (left + lanes - 1) / lanes;
		size_t members = (size_t)(threads - k), batch = (tiles + members - 1) / members * lanes;
		if (plan_set_team(share->plan, run->team) || batch > left)
			batch = left;
		rc = share_open(run, share, batch, error);
		if (rc != 0)
			return rc;
		left -= batch;
	}
	return 0;
}

static void run_close(struct bench_run *run)
{
	for (int k = 0; k < run->n_shares; k++) {
		plan_free(run->shares[k].plan);
		free(run->shares[k].block);
		free(run->shares[k].kept.at);
	}
	free(run->weights);
	program_free(run->program);
}

static int weights_open(struct bench_run *run, struct qlstm_error *error)
{
	run->n_weights = (size_t)run->program->n_weights * (size_t)run->sets;
	run->weights = calloc(2 * run->n_weights, sizeof(double));
	if (run->weights == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	run->d_weights = run->weights + run->n_weights;
	bench_fill(run->weights, run->n_weights);
	return 0;
}

static int run_open(struct bench_run *run, const struct bench_case *row, const struct bench_setup *setup,
                    struct qlstm_error *error)
{
	*run = (struct bench_run){.team = setup->team, .sets = row->sets};
	int rc = build(row, &run->program, error);
	if (rc == 0)
		rc = weights_open(run, error);
	if (rc == 0)
		rc = shares_open(run, row, setup->threads, error);
	if (rc != 0)
		run_close(run);
	return rc;
}

static void forward_part(void *context, size_t part, int member)
{
	struct bench_run *run = context;
	struct share *share = &run->shares[part];
	(void)member;
	plan_forward_many(share->plan, share->features, run->weights, run->sets, share->batch, share->outputs);
}

static void gradient_part(void *context, size_t part, int member)
{
	struct bench_run *run = context;
	struct share *share = &run->shares[part];
	(void)member;
	plan_forward_kept(share->plan, share->features, run->weights, run->sets, share->batch, share->outputs,
	                  share->kept);
	memset(share->d_features, 0, (size_t)run->program->n_features * share->batch * sizeof(double));
	memset(share->d_weights, 0, run->n_weights * sizeof(double));
	plan_backward_kept(share->plan, share->features, run->weights, run->sets, share->batch, share->cotangents,
	                   share->d_features, share->d_weights, share->kept);
}

static void forward_call(void *context)
{
	struct bench_run *run = context;
	team_run(run->team, forward_part, run, (size_t)run->n_shares);
}

static void gradient_call(void *context)
{
	struct bench_run *run = context;
	memset(run->d_weights, 0, run->n_weights * sizeof(double));
	team_run(run->team, gradient_part, run, (size_t)run->n_shares);
	for (int k = 0; k < run->n_shares; k++)
		for (size_t w = 0; w < run->n_weights; w++)
			run->d_weights[w] += run->shares[k].d_weights[w];
}

static double sum_of(const double *values, size_t n)
{
	double sum = 0.0;
	for (size_t k = 0; k < n; k++)
		sum += values[k];
	return sum;
}

/* Derivatives are 0 where no gradient was asked for. */
static double check_of(const struct bench_run *run)
{
	double sum = sum_of(run->d_weights, run->n_weights);
	for (int k = 0; k < run->n_shares; k++) {
		const struct share *share = &run->shares[k];
		sum += sum_of(share->d_features, (size_t)run->program->n_features * share->batch);
		sum += sum_of(share->outputs, (size_t)run->program->n_observables * (size_t)run->sets * share->batch);
	}
	return sum;
}

bool bench_is_statevector(const char *plan)
{
	return strcmp(plan, "local") != 0;
}

static int measure(const struct bench_case *row, const struct bench_setup *setup, void (*call)(void *),
                   struct bench_result *out, struct qlstm_error *error)
{
	static struct bench_run run; /* too large for a stack frame */
	int rc = run_open(&run, row, setup, error);
	if (rc != 0)
		return rc;
	struct bench_count count = bench_count_program(run.program);
	const struct plan *plan = run.shares[0].plan;
	*out = (struct bench_result){.plan = plan_name(plan), .precision = plan_precision(plan)};
	if (out->precision == row->precision)
		out->time = bench_measure(call, &run, setup->seconds);
	out->check = check_of(&run);
	out->samples = (double)row->batch * row->sets;
	if (bench_is_statevector(out->plan))
		out->operations = out->samples * (count.forward + (call == gradient_call ? count.backward : 0.0));
	run_close(&run);
	return 0;
}

int bench_circuit(const struct bench_case *row, const struct bench_setup *setup, struct bench_result *out,
                  struct qlstm_error *error)
{
	return measure(row, setup, gradient_call, out, error);
}

/* A layer in the middle of a deep circuit: what LAYERS_MORE layers add, divided by their number, so that encoding and
 * readout cancel and no single sweep more or less decides. */
int bench_layer(const struct bench_case *row, const struct bench_setup *setup, struct bench_result *out,
                struct qlstm_error *error)
{
	struct bench_case deep = *row;
	struct bench_result less;
	deep.layers = row->layers + LAYERS_MORE;
	int rc = measure(row, setup, forward_call, &less, error);
	if (rc == 0)
		rc = measure(&deep, setup, forward_call, out, error);
	if (rc != 0)
		return rc;
	out->time.minimum = (out->time.minimum - less.time.minimum) / LAYERS_MORE;
	out->time.median = (out->time.median - less.time.median) / LAYERS_MORE;
	out->operations = (out->operations - less.operations) / LAYERS_MORE;
	return 0;
}
