/* `apply`: what a trained model says of every row of a data set, as a run's predictions.csv and a report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/common/file.h"
#include "server/common/json_text.h"
#include "server/worker/command.h"
#include "server/worker/predict/application.h"
#include "server/worker/sandbox.h"
#include "server/worker/stop.h"
#include "server/worker/train/artifacts.h"
#include "server/worker/train/pipe.h"

enum { OPT_WEIGHTS, OPT_OUT, OPT_DATA, OPT_DIALECT, OPT_SUPERVISED, OPT_MEMORY };

static const struct option options[] = {
    [OPT_WEIGHTS] = {"--weights", OPTION_TEXT, true, "FILE", NULL, "weights.safetensors of the run that was trained"},
    [OPT_OUT] = {"--out", OPTION_TEXT, true, "DIR", NULL, "where predictions.csv and report.json go; made if absent"},
    [OPT_DATA] = {"--data", OPTION_TEXT, false, "FILE.csv", NULL, "the data, when data.dataset is no built-in series"},
    [OPT_DIALECT] = {"--dialect", OPTION_TEXT, false, "JSON", NULL, "how a CSV file is read, as train has it"},
    [OPT_SUPERVISED] = {"--supervised", OPTION_FLAG, false, NULL, NULL,
                        "end when standard input is closed; in a sandbox"},
    [OPT_MEMORY] = {"--memory", OPTION_COUNT, false, "MIB", NULL, "with --supervised: what it should do with"},
    {0}};

struct applying {
	struct application application;
	struct pipe pipe;
	const char *directory;
};

static int on_progress(void *context, size_t done, size_t count)
{
	struct applying *a = context;
	pipe_heartbeat(&a->pipe, 0, done, count);
	return stop_requested() || a->pipe.broken ? ERR_CANCELLED : 0;
}

static int write_file(const struct applying *a, const char *text, struct artifact *artifact, struct qlstm_error *error)
{
	artifact->bytes = strlen(text);
	sha256_hex(text, artifact->bytes, artifact->sha256);
	return file_write_atomic(a->directory, artifact->file, text, artifact->bytes, error);
}

static void print_predictions(const void *application, struct text *out)
{
	application_csv(application, out);
}

static int write_predictions(struct applying *a, struct artifact *artifact, struct qlstm_error *error)
{
	return artifacts_print(a->directory, print_predictions, &a->application, artifact, error);
}

static int write_report(struct applying *a, struct artifact *artifact, struct qlstm_error *error)
{
	json_t *report = application_report(&a->application);
	char *text = json_text_indented(report);
	json_decref(report);
	if (text == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the report");
	int rc = write_file(a, text, artifact, error);
	free(text);
	return rc;
}

static int write_results(struct applying *a, struct qlstm_error *error)
{
	struct artifact artifacts[] = {{.name = "predictions", .file = "predictions.csv"},
	                               {.name = "report", .file = "report.json"}};
	int rc = write_predictions(a, &artifacts[0], error);
	if (rc == 0)
		rc = write_report(a, &artifacts[1], error);
	if (rc == 0)
		pipe_done(&a->pipe, artifacts, sizeof artifacts / sizeof artifacts[0]);
	return rc;
}

static void supervise(const struct applying *a, const char *spec_path, const struct option_value *values)
{
	stop_harden();
	sandbox_enter(&(struct sandbox){.folder = a->directory,
	                                .writes = true,
	                                .files = {spec_path, values[OPT_DATA].text, values[OPT_WEIGHTS].text},
	                                .memory = (size_t)values[OPT_MEMORY].number << 20,
	                                .threads = 1});
}

static int run(struct applying *a, const char *spec_path, const struct option_value *values, struct qlstm_error *error)
{
	stop_install();
	int rc = file_make_directory(a->directory, error);
	if (rc == 0 && values[OPT_SUPERVISED].given) {
		supervise(a, spec_path, values);
		rc = stop_watch_stdin(error);
	}
	const struct job_data data = {
	    .path = values[OPT_DATA].text, .dialect = values[OPT_DIALECT].text, .spool = a->directory};
	if (rc == 0)
		rc = application_open(&a->application, spec_path, values[OPT_WEIGHTS].text, &data, error);
	if (rc != 0)
		return rc;
	struct model *model = a->application.predictor.model;
	pipe_hello(&a->pipe,
	           &(struct pipe_hello){.plan = model_plan_kind(model), .parameters = model_params(model)->size});
	rc = application_compute(&a->application, on_progress, a, error);
	return rc == 0 ? write_results(a, error) : rc;
}

static int apply(const char *spec_path, const struct option_value *values)
{
	static struct applying a; /* too large for a stack frame */
	struct qlstm_error error = {0};
	a.pipe.fd = STDOUT_FILENO;
	a.directory = values[OPT_OUT].text;
	int rc = run(&a, spec_path, values, &error), status = rc == 0 ? WORKER_DONE : WORKER_FAILED;
	if (a.pipe.broken)
		status = WORKER_ORPHAN;
	else if (rc == ERR_CANCELLED)
		status = WORKER_STOPPED;
	else if (rc != 0) {
		pipe_error(&a.pipe, &error);
		fprintf(stderr, "qlstm-worker: %s%s%s\n", error.pointer, error.pointer[0] != '\0' ? ": " : "",
		        error.message);
	}
	application_close(&a.application);
	return status;
}

const struct worker_command command_apply = {
    "apply", "SPEC.json", options, apply,
    "Say what a trained model predicts for every row of a data set: predictions.csv, report.json."};
