/* `plan`: what a spec's model would cost on every kind of plan, which kind is chosen, and why. */
#include <stdio.h>
#include <string.h>

#include "engine/circuit/plan_speed.h"
#include "engine/circuit/planner.h"
#include "engine/qlstm.h"
#include "schema/task.h"
#include "server/common/cost.h"
#include "server/common/cost_texts.h"
#include "server/common/parameter_counts.h"
#include "server/worker/command.h"
#include "server/worker/train/job.h"
#include "server/worker/tools/plan_text.h"
#include "server/worker/reply.h"

enum { OPT_DATA, OPT_DIALECT, OPT_THREADS, OPT_SPEED, OPT_JSON };

static const struct option options[] = {
    [OPT_DATA] = {"--data", OPTION_TEXT, false, "FILE.csv", NULL, "the data, when data.dataset is no built-in series"},
    [OPT_DIALECT] = {"--dialect", OPTION_TEXT, false, "JSON", NULL,
                     "what is said of the data file, such as {\"text\":\"pairs\"}"},
    [OPT_THREADS] = {"--threads", OPTION_COUNT, false, "N", "1", "threads that share the work: memory for all of them"},
    [OPT_SPEED] = {"--speed", OPTION_COUNT, false, "PERCENT", NULL,
                   "of this machine; 100 is that of the machine the planner was measured on (default: measured)"},
    [OPT_JSON] = {"--json", OPTION_FLAG, false, NULL, NULL, "print one JSON object"},
    {0}};

/* What the command has found out about a spec: all that is printed afterwards, as JSON or as text. */
struct cost_report {
	struct job job; /* spec and data */
	int threads;
	double speed; /* of the machine */
	struct model *model;
	bool counted; /* whether the number of windows is known */
	bool timed;   /* whether the plan takes all circuits, so that their time is known */
	struct cost_windows windows;
	struct cost_bytes bytes;
	struct cost_seconds seconds;
	struct qlstm_error refusal; /* code 0: the service would take it, as far as its time goes */
};

static const char *const precision_names[] = {[PRECISION_FLOAT64] = "float64", [PRECISION_FLOAT32] = "float32"};

static json_t *bytes_json(size_t bytes)
{
	return bytes < PLAN_BYTES_NEVER ? json_integer((json_int_t)bytes) : json_null();
}

/* What depends on the number of windows. */
static json_t *counted_json(const struct cost_report *a, size_t bytes)
{
	return a->counted ? bytes_json(bytes) : json_null();
}

/* One kind of plan for one circuit; numbers are null where the kind does not apply. */
static json_t *kind_json(const struct circuit_program *program, const struct plan_request *request,
                         const struct cost_report *a)
{
	struct plan_estimate estimate;
	plan_estimate(program, request, &estimate);
	bool possible = estimate.possible;
	size_t batch = (size_t)a->job.spec.training.batch_size;
	double each = possible ? plan_estimate_ns(&estimate, 1, batch) / (double)batch / a->speed : 0.0;
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "plan", request->kind, "possible", possible, "reason",
	                 possible ? json_null() : json_string(estimate.reason), "precision",
	                 possible ? json_string(precision_names[estimate.precision]) : json_null(), "samples_at_once",
	                 possible ? json_integer((json_int_t)estimate.lanes) : json_null(), "bytes",
	                 bytes_json(estimate.bytes), "ns_per_sample", possible ? json_real(each) : json_null());
}

static json_t *kinds_json(const struct circuit_program *program, const struct cost_report *a)
{
	json_t *kinds = json_array();
	for (int k = 0; kinds != NULL && plan_kind_name(k) != NULL; k++) {
		struct plan_request request = model_plan_request(&a->job.spec.model);
		request.kind = plan_kind_name(k);
		json_t *kind = kind_json(program, &request, a);
		if (json_array_append_new(kinds, kind) != 0) {
			json_decref(kinds);
			return NULL;
		}
	}
	return kinds;
}

/* Why the planner takes what it takes, or nothing. */
static void write_reason(const struct plan_request *asked, const struct plan_estimate *chosen, char *text, size_t size)
{
	if (!chosen->possible)
		snprintf(text, size, "%s", chosen->reason);
	else if (strcmp(asked->kind, "auto") == 0)
		snprintf(text, size, "the cheapest of those that apply, for batches of %zu", asked->batch);
	else
		snprintf(text, size, "simulation.plan asks for it");
}

/* `ns`: of all its calls. */
static json_t *circuit_json(const struct layer_circuit *circuit, const struct plan_estimate *chosen, double ns,
                            const struct cost_report *a)
{
	const struct model_config *config = &a->job.spec.model;
	const struct circuit_program *program = circuit->program;
	const struct plan_request request = model_plan_request(config);
	char why[160];
	write_reason(&request, chosen, why, sizeof why);
	return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:o, s:s, s:o, s:o}", "role", circuit->role,
	                 "n_qubits", program->n_wires, "gates", program->n_ops, "features", program->n_features,
	                 "weights", program->n_weights, "outputs", program->n_observables, "sets_of_weights",
	                 circuit->sets, "plans", circuit->plans, "calls_per_batch", circuit->calls, "plan",
	                 chosen->possible ? json_string(chosen->kind) : json_null(), "why", why, "seconds_per_batch",
	                 chosen->possible ? json_real(1e-9 * ns / a->speed) : json_null(), "kinds",
	                 kinds_json(program, a));
}

static json_t *circuits_json(const struct cost_report *a, int layer)
{
	json_t *circuits = json_array();
	struct layer_circuit circuit;
	int steps = spec_steps(&a->job.spec), batch = a->job.spec.training.batch_size;
	for (int i = 0; model_circuit(a->model, layer, i, steps, &circuit); i++) {
		const struct plan_estimate *chosen = model_circuit_estimate(a->model, layer, i);
		double ns = model_circuit_ns(a->model, layer, i, steps, batch);
		if (json_array_append_new(circuits, circuit_json(&circuit, chosen, ns, a)) != 0) {
			json_decref(circuits);
			return NULL;
		}
	}
	return circuits;
}

static json_int_t layer_parameters(const struct params *params, int layer, enum param_kind kind)
{
	char prefix[32];
	int length = snprintf(prefix, sizeof prefix, "layers.%d.", layer);
	size_t count = 0;
	for (int i = 0; i < params->count; i++)
		if (params->items[i].kind == kind && strncmp(params->items[i].name, prefix, (size_t)length) == 0)
			count += params->items[i].size;
	return (json_int_t)count;
}

/* A word of a layer of the spec, null where its type has no such field. */
static json_t *layer_word(const struct cost_report *a, int layer, const char *field)
{
	const json_t *layers = json_object_get(json_object_get(a->job.resolved, "model"), "layers");
	json_t *word = json_object_get(json_array_get(layers, (size_t)layer), field);
	return word != NULL ? json_incref(word) : json_null();
}

static json_t *layers_json(const struct cost_report *a)
{
	const struct model_config *config = &a->job.spec.model;
	const struct params *params = model_params(a->model);
	json_t *layers = json_array();
	for (int k = 0; layers != NULL && k < config->n_layers; k++) {
		const struct layer_config *layer = &config->layers[k];
		json_t *row = json_pack("{s:s, s:o, s:o, s:I, s:I, s:o}", "type", layer->type, "variant",
		                        layer_word(a, k, "variant"), "ansatz", layer_word(a, k, "ansatz"), "quantum",
		                        layer_parameters(params, k, PARAM_QUANTUM), "classical",
		                        layer_parameters(params, k, PARAM_CLASSICAL), "circuits", circuits_json(a, k));
		if (json_array_append_new(layers, row) != 0) {
			json_decref(layers);
			return NULL;
		}
	}
	return layers;
}

static json_t *data_json(const struct cost_report *a)
{
	const char *name = a->job.spec.dataset;
	if (!a->counted)
		return json_pack("{s:s, s:n, s:n, s:n}", "dataset", name, "rows", "train", "test");
	return json_pack("{s:s, s:I, s:I, s:I}", "dataset", name, "rows", (json_int_t)a->job.table.n_rows, "train",
	                 (json_int_t)a->windows.train, "test", (json_int_t)a->windows.test);
}

/* Where the number of windows is not known: for a thousand of them. */
static json_t *seconds_json(const struct cost_report *a)
{
	const struct cost_seconds *seconds = &a->seconds;
	double per_window = seconds->batch / a->job.spec.training.batch_size;
	bool known = a->timed, counted = known && a->counted;
	return json_pack("{s:o, s:o, s:o, s:o}", "per_batch", known ? json_real(seconds->batch) : json_null(),
	                 "per_1000_windows", known ? json_real(1000.0 * per_window) : json_null(), "per_epoch",
	                 counted ? json_real(seconds->epoch) : json_null(), "training",
	                 counted ? json_real(seconds->training) : json_null());
}

static json_t *refusal_json(const struct qlstm_error *refusal)
{
	if (refusal->code == 0)
		return json_null();
	return json_pack("{s:s, s:s, s:s}", "code", error_name(refusal->code), "pointer", refusal->pointer, "message",
	                 refusal->message);
}

/* New reference, NULL when out of memory. */
static json_t *cost_report_json(const struct cost_report *a)
{
	const struct parameter_counts counts = parameter_counts(model_params(a->model));
	const struct spec *spec = &a->job.spec;
	json_t *parameters = parameter_counts_json(&counts, "total");
	json_t *bytes =
	    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "model", bytes_json(a->bytes.model), "plans",
	              bytes_json(model_plan_bytes(a->model, a->threads)), "data", counted_json(a, a->bytes.data),
	              "results", counted_json(a, a->bytes.results), "process", bytes_json(a->bytes.process), "total",
	              counted_json(a, cost_bytes_total(&a->bytes)));
	return json_pack("{s:s, s:s, s:f, s:s, s:s, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
	                 QLSTM_VERSION, "isa", plan_isa(), "speed", a->speed, "plan", spec->model.plan, "precision",
	                 precision_names[spec->model.precision], "window", spec_steps(spec), "batch_size",
	                 spec->training.batch_size, "epochs", spec->training.epochs, "parameters", parameters, "data",
	                 data_json(a), "bytes", bytes, "seconds", seconds_json(a), "refused", refusal_json(&a->refusal),
	                 "layers", layers_json(a));
}

static int count_windows(struct cost_report *a, struct qlstm_error *error)
{
	a->counted = a->job.table.n_rows > 0;
	if (!a->counted)
		return 0;
	struct parts parts = {0};
	int rc = spec_count_samples(&a->job.spec, a->job.table.n_rows, &parts, error);
	a->windows = (struct cost_windows){
	    .train = parts.train, .test = parts.validation + parts.test, .table = table_bytes(&a->job.table)};
	if (rc != 0)
		error_prefix(error, "/data");
	if (rc == 0 && task_has_texts(a->job.spec.task))
		rc = cost_count_texts(&a->job.spec, &a->job.table, &a->windows, error);
	return rc;
}

static int cost_report_open(struct cost_report *a, const char *spec_path, const struct job_data *data,
                            struct qlstm_error *error)
{
	int rc = job_read_as(&a->job, spec_path, data, true, error);
	if (rc == 0)
		rc = count_windows(a, error);
	if (rc == 0 && (rc = model_new(&a->model, &a->job.spec.model, error)) != 0)
		error_prefix(error, "/model");
	if (rc == 0)
		a->bytes = cost_bytes(&a->job.spec, a->model, a->windows, a->threads);
	if (rc != 0)
		return rc;
	/* A refusal by the plan or by the clock is part of the answer. */
	a->timed = cost_seconds(&a->job.spec, a->model, a->windows, a->speed, &a->seconds, &a->refusal) == 0;
	if (a->timed)
		cost_check_seconds(&a->job.spec, &a->seconds, a->threads, &a->refusal);
	return 0;
}

static int print_text(json_t *report)
{
	if (report == NULL)
		return reply_print(NULL);
	plan_text_print(stdout, report);
	json_decref(report);
	return fflush(stdout) == 0 ? WORKER_DONE : WORKER_FAILED;
}

static int plan(const char *spec_path, const struct option_value *values)
{
	static struct cost_report a; /* too large for a stack frame */
	struct qlstm_error error = {0};
	memset(&a, 0, sizeof a);
	a.threads = (int)values[OPT_THREADS].number;
	a.speed = values[OPT_SPEED].given ? values[OPT_SPEED].number / 100.0 : plan_speed_measure();
	const struct job_data data = {.path = values[OPT_DATA].text, .dialect = values[OPT_DIALECT].text};
	int rc = cost_report_open(&a, spec_path, &data, &error), status;
	if (rc != 0)
		status = reply_failure(&error);
	else if (values[OPT_JSON].given)
		status = reply_print(cost_report_json(&a));
	else
		status = print_text(cost_report_json(&a));
	model_free(a.model);
	job_close(&a.job);
	return status;
}

const struct worker_command command_plan = {"plan", "SPEC.json", options, plan,
                                            "Print what a spec would cost, which plan its circuits run on, and why."};
