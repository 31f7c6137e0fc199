/* `train`: runs one experiment to its end, or to the checkpoint from which the next attempt goes on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/qlstm.h"
#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/worker/train/artifacts.h"
#include "server/worker/train/baselines.h"
#include "server/worker/train/checkpoints.h"
#include "server/worker/train/folds.h"
#include "server/worker/train/learning.h"
#include "server/worker/command.h"
#include "server/worker/input.h"
#include "server/worker/sandbox.h"
#include "server/worker/train/pipe.h"
#include "server/worker/train/predictions.h"
#include "server/worker/train/progress.h"
#include "server/worker/train/shown_words.h"
#include "server/worker/train/snapshots.h"
#include "server/worker/stop.h"
#include "server/worker/weights.h"

enum {
	OPT_OUT,
	OPT_DATA,
	OPT_RESUME,
	OPT_SUPERVISED,
	OPT_CHECKPOINT_SECONDS,
	OPT_CHECKPOINT_EPOCHS,
	OPT_THREADS,
	OPT_ANY_ARITHMETIC,
	OPT_MEMORY,
	OPT_DIALECT,
	OPT_INIT
};

static const struct option options[] = {
    [OPT_OUT] = {"--out", OPTION_TEXT, true, "DIR", NULL, "where checkpoints and results go; made if absent"},
    [OPT_DATA] = {"--data", OPTION_TEXT, false, "FILE.csv", NULL, "the data, when data.dataset is no built-in series"},
    [OPT_RESUME] = {"--resume", OPTION_TEXT, false, "FILE", NULL, "go on from this checkpoint"},
    [OPT_SUPERVISED] = {"--supervised", OPTION_FLAG, false, NULL, NULL,
                        "end when standard input is closed; in a sandbox"},
    [OPT_CHECKPOINT_SECONDS] = {"--checkpoint-seconds", OPTION_SECONDS, false, "S", "10",
                                "least time between checkpoints; 0: after each epoch"},
    [OPT_CHECKPOINT_EPOCHS] = {"--checkpoint-epochs", OPTION_COUNT, false, "N", NULL,
                               "and one after so many epochs, however soon that is"},
    [OPT_THREADS] = {"--threads", OPTION_COUNT, false, "N", "1", "threads that share the work; they change no result"},
    [OPT_ANY_ARITHMETIC] = {"--any-arithmetic", OPTION_FLAG, false, NULL, NULL,
                            "resume also what another version's arithmetic or another instruction set began"},
    [OPT_MEMORY] = {"--memory", OPTION_COUNT, false, "MIB", NULL, "with --supervised: what it should do with"},
    [OPT_DIALECT] = {"--dialect", OPTION_TEXT, false, "JSON", NULL,
                     "how a CSV file is read, e.g. {\"separator\": \";\", \"decimal\": \",\"}"},
    [OPT_INIT] = {"--init", OPTION_TEXT, false, "W.safetensors", NULL,
                  "start from these weights; with training.optimizer.resume from this state"},
    {0}};

/* How many times the first epoch's training loss the last one's is when a run is said to have diverged. */
#define DIVERGED 1e6

struct training {
	struct job job;
	struct pipe pipe;
	struct checkpoints checkpoints;
	struct progress progress;
	const char *directory;
	bool supervised;
	struct artifacts_run run;
};

static bool must_end(const struct training *t)
{
	return stop_requested() || t->pipe.broken;
}

static int on_batch(void *context, int epoch, size_t batch, size_t n_batches)
{
	struct training *t = context;
	pipe_heartbeat(&t->pipe, epoch, batch, n_batches);
	return must_end(t) ? ERR_CANCELLED : 0;
}

static int on_prediction(void *context, size_t done, size_t count)
{
	struct training *t = context;
	pipe_heartbeat(&t->pipe, trainer_epochs_done(t->job.trainer), done, count);
	return must_end(t) ? ERR_CANCELLED : 0;
}

/* Weights, with what the optimiser remembered. */
static int load_state(struct training *t, const char *path, struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = input_read(path, &bytes, &length, error);
	if (rc == 0)
		rc = trainer_load_state(t->job.trainer, bytes, length, error);
	free(bytes);
	return rc;
}

/* The weights that are given in place of those of the seed. A spec that names some is not run without: the daemon has
 * their file at hand, who runs it by hand says where it is. */
static int start_from(struct training *t, const char *path, bool resumes, struct qlstm_error *error)
{
	struct qlstm_error cause = {0};
	if (t->job.spec.kind == SPEC_PREDICTION)
		return error_set(error, ERR_INVALID, "/kind", "kind is 'prediction': qlstm-worker apply runs it");
	const char *named = json_string_value(json_object_get(t->job.resolved, "init_from"));
	if (path == NULL && named != NULL && *named != '\0' && !resumes)
		return error_set(error, ERR_MISSING, "/init_from",
		                 "init_from is '%.60s': say where its weights are by --init", named);
	if (path == NULL && t->job.spec.resume_optimizer && !resumes)
		return error_set(error, ERR_MISSING, "/training/optimizer/resume",
		                 "resume is true: say where the state to go on from is by --init");
	int rc = 0;
	if (path != NULL && t->job.spec.resume_optimizer)
		rc = load_state(t, path, &cause);
	else if (path != NULL)
		rc = weights_load(path, model_params(t->job.model), &cause);
	if (rc == 0 && path != NULL)
		rc = sha256_file(path, t->run.init_sha256, NULL, &cause);
	return rc == 0 ? 0
	               : error_set(error, ERR_INVALID, "/init_from", "the weights to start from: %s", cause.message);
}

/* Resumes and says hello. Under a daemon a checkpoint that cannot be used costs time, not the run. */
static int begin(struct training *t, const char *path, bool any_arithmetic, struct qlstm_error *error)
{
	struct qlstm_error refused = {0};
	if (any_arithmetic)
		trainer_allow_arithmetic(t->job.trainer);
	int rc = path != NULL ? job_resume(&t->job, path, &refused) : 0;
	if (rc != 0 && !t->supervised)
		return error_set(error, rc, refused.pointer, "cannot resume from %s: %s", path, refused.message);
	t->run.resumed_from = trainer_epochs_done(t->job.trainer);
	const struct pipe_hello hello = {.plan = model_plan_kind(t->job.model),
	                                 .parameters = model_params(t->job.model)->size,
	                                 .epoch = t->run.resumed_from};
	pipe_hello(&t->pipe, &hello);
	const char *before = trainer_arithmetic_before(t->job.trainer);
	if (before[0] != '\0')
		pipe_log(&t->pipe, "warning", "going on with arithmetic %d on %s; before it were: %s", QLSTM_ARITHMETIC,
		         plan_isa(), before);
	char warning[512];
	learning_warning(&t->job, warning, sizeof warning);
	if (warning[0] != '\0')
		pipe_log(&t->pipe, "warning", "%s", warning);
	if (rc != 0)
		pipe_log(&t->pipe, "warning", "starting from the beginning; checkpoint %s is not usable: %s", path,
		         refused.message);
	return 0;
}

/* A line of the log for each sequence that people want to see. */
static int show_words(struct training *t, int epoch, struct qlstm_error *error)
{
	char line[SHOWN_WORDS_SIZE];
	int rc = 0;
	for (size_t k = 0; rc == 0 && k < shown_words_count(&t->job); k++)
		if ((rc = shown_words_line(&t->job, k, line, error)) == 0)
			pipe_log(&t->pipe, "info", "epoch %d: %s", epoch, line);
	return rc;
}

static int run_epochs(struct training *t, struct qlstm_error *error)
{
	int epochs = t->job.spec.training.epochs;
	while (!trainer_has_stopped(t->job.trainer)) {
		struct epoch_metrics metrics;
		int rc = trainer_epoch(t->job.trainer, on_batch, t, &metrics, error);
		if (rc != 0)
			return rc;
		pipe_epoch(&t->pipe, &metrics);
		progress_report_epoch(&t->progress, &metrics, epochs);
		rc = show_words(t, metrics.epoch, error);
		if (rc != 0)
			return rc;
		rc = checkpoints_after_epoch(&t->checkpoints, &t->job, &t->pipe, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The results of the epoch that is kept, the weights of the other one, and what epochs on the way left. */
static int write_results(struct training *t, predictions_progress_fn progress, struct qlstm_error *error)
{
	struct predictions predictions;
	struct artifact artifacts[ARTIFACT_COUNT + 1 + SNAPSHOTS_MAX_ARTIFACTS];
	size_t count = ARTIFACT_COUNT, snapshots = 0;
	double start = clock_monotonic();
	if (!trainer_take(t->job.trainer, t->job.spec.keep))
		trainer_take(t->job.trainer, TRAINER_LAST);
	int rc = predictions_compute(&predictions, &t->job, progress, t, error);
	if (rc != 0)
		return rc;
	t->run.predict_seconds = clock_monotonic() - start;
	rc = baselines_json(&t->job, progress, t, &t->run.baselines, error);
	if (rc == 0)
		rc = artifacts_write(&t->job, &predictions, &t->run, t->directory, artifacts, error);
	predictions_free(&predictions);
	json_decref(t->run.baselines);
	t->run.baselines = NULL;
	if (rc == 0)
		rc = artifacts_write_other(&t->job, t->directory, &artifacts[ARTIFACT_COUNT], error);
	if (rc < 0)
		return rc;
	count += (size_t)rc;
	rc = snapshots_write(&t->job, t->directory, progress, t, artifacts + count, &snapshots, error);
	if (rc == 0)
		pipe_done(&t->pipe, artifacts, count + snapshots);
	return rc;
}

/* What people should know of results that look like any others. */
static void find_warning(struct training *t)
{
	const struct epoch_metrics *history = trainer_history(t->job.trainer);
	const struct epoch_metrics *last = &history[trainer_epochs_done(t->job.trainer) - 1];
	double first_loss = epoch_metric(&history[0], "train_loss"), loss = epoch_metric(last, "train_loss");
	char *out = t->pipe.warning;
	if (loss > DIVERGED * first_loss)
		snprintf(out, sizeof t->pipe.warning,
		         "diverged: the training loss is %.3g after epoch %d, it was %.3g after the first; a smaller "
		         "learning_rate or a clip_norm may help",
		         loss, last->epoch, first_loss);
	else if (!isfinite(epoch_metric(last, "test_loss")))
		snprintf(
		    out, sizeof t->pipe.warning,
		    "the test loss is not finite: a value of the test part is too far from those of the training part");
	if (out[0] != '\0')
		pipe_log(&t->pipe, "warning", "%s", out);
}

/* Behind the run itself, whose last epoch is kept first: who goes on from there has the folds alone to train. */
static int run_folds(struct training *t, struct qlstm_error *error)
{
	if (t->job.spec.folds.count == 0)
		return 0;
	int rc = checkpoints_finish(&t->checkpoints, &t->job, &t->pipe, error);
	return rc == 0 ? folds_run(&t->job, team_threads(t->job.team), on_prediction, t, &t->run.folds, error) : rc;
}

static int run(struct training *t, struct qlstm_error *error)
{
	double start = clock_monotonic();
	int rc = run_epochs(t, error);
	if (rc == 0)
		rc = run_folds(t, error);
	t->run.train_seconds = clock_monotonic() - start;
	if (rc == 0)
		find_warning(t);
	return rc == 0 ? write_results(t, on_prediction, error) : rc;
}

/* It was told to stop already; who waits for it kills it when its time is over. */
static int on_last_prediction(void *context, size_t done, size_t count)
{
	struct training *t = context;
	pipe_heartbeat(&t->pipe, trainer_epochs_done(t->job.trainer), done, count);
	return t->pipe.broken ? ERR_CANCELLED : 0;
}

/* The results of the last whole epoch, or of the best: a run that ends early leaves what it has. */
static void leave_results(struct training *t)
{
	struct qlstm_error error = {0};
	if (trainer_epochs_done(t->job.trainer) == 0 || t->pipe.broken)
		return;
	if (write_results(t, on_last_prediction, &error) != 0)
		pipe_log(&t->pipe, "warning", "the results so far could not be kept: %s", error.message);
}

static int fail(struct training *t, const struct qlstm_error *error)
{
	pipe_error(&t->pipe, error);
	fprintf(stderr, "qlstm-worker: %s%s%s\n", error->pointer, error->pointer[0] != '\0' ? ": " : "",
	        error->message);
	return WORKER_FAILED;
}

/* Told to stop, in the middle of an epoch as a rule: what counts is the state at the end of an epoch before. */
static int stop(struct training *t)
{
	struct qlstm_error error = {0};
	if (checkpoints_flush(&t->checkpoints, &t->pipe, &error) != 0)
		return fail(t, &error);
	pipe_log(&t->pipe, "info", "stopped on request after epoch %d", trainer_epochs_done(t->job.trainer));
	if (stop_for_good())
		leave_results(t);
	return WORKER_STOPPED;
}

static int run_to_status(struct training *t)
{
	struct qlstm_error error = {0};
	int rc = run(t, &error);
	if (t->pipe.broken)
		return WORKER_ORPHAN;
	if (rc == ERR_CANCELLED)
		return stop(t);
	if (rc == ERR_NOT_FINITE)
		leave_results(t);
	return rc == 0 ? WORKER_DONE : fail(t, &error);
}

static void enter_sandbox(const struct training *t, const char *spec_path, const struct option_value *values)
{
	sandbox_enter(&(struct sandbox){
	    .folder = t->directory,
	    .writes = true,
	    .files = {spec_path, values[OPT_DATA].text, values[OPT_RESUME].text, values[OPT_INIT].text},
	    .memory = (size_t)values[OPT_MEMORY].number << 20,
	    .threads = (int)values[OPT_THREADS].number});
}

static int prepare(struct training *t, const char *spec_path, const struct option_value *values,
                   struct qlstm_error *error)
{
	stop_install();
	int rc = file_make_directory(t->directory, error);
	if (rc == 0 && t->supervised) {
		stop_harden();
		enter_sandbox(t, spec_path, values);
		rc = stop_watch_stdin(error);
	}
	const struct job_data data = {
	    .path = values[OPT_DATA].text, .dialect = values[OPT_DIALECT].text, .spool = t->directory};
	if (rc == 0)
		rc = job_open_as(&t->job, spec_path, &data, (int)values[OPT_THREADS].number, error);
	if (rc != 0)
		return rc;
	rc = start_from(t, values[OPT_INIT].text, values[OPT_RESUME].given, error);
	if (rc == 0)
		rc = begin(t, values[OPT_RESUME].text, values[OPT_ANY_ARITHMETIC].given, error);
	if (rc != 0)
		job_close(&t->job);
	return rc;
}

static int train(const char *spec_path, const struct option_value *values)
{
	static struct training t; /* too large for a stack frame */
	struct qlstm_error error = {0};
	t.pipe.fd = STDOUT_FILENO;
	t.directory = values[OPT_OUT].text;
	t.supervised = values[OPT_SUPERVISED].given;
	if (prepare(&t, spec_path, values, &error) != 0)
		return fail(&t, &error);
	if (!t.supervised)
		progress_open(&t.progress);
	checkpoints_open(&t.checkpoints, t.directory, values[OPT_CHECKPOINT_SECONDS].number);
	t.checkpoints.keep_all = t.supervised;
	t.checkpoints.most_epochs = (int)values[OPT_CHECKPOINT_EPOCHS].number;
	t.checkpoints.file_epoch = t.run.resumed_from;
	int status = run_to_status(&t);
	progress_close(&t.progress, t.job.trainer, t.directory);
	checkpoints_close(&t.checkpoints);
	json_decref(t.run.folds);
	job_close(&t.job);
	return status;
}

const struct worker_command command_train = {"train", "SPEC.json", options, train,
                                             "Run one experiment; write progress lines, checkpoints and results."};
