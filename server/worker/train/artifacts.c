/* The files that a finished run leaves in its folder. */
#include "server/worker/train/artifacts.h"

#include <stdlib.h>
#include <string.h>

#include "schema/task.h"
#include "server/common/circuit/circuit_json.h"
#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/common/file_writer.h"
#include "server/common/json_text.h"
#include "server/worker/train/job.h"
#include "server/worker/train/report.h"
#include "server/worker/train/tensorboard.h"
#include "server/worker/weights.h"

struct source {
	struct job *job;
	const struct predictions *predictions;
	const struct artifacts_run *run;
};

static int make_weights(const struct source *source, unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	const struct job *job = source->job;
	bool failed;
	json_t *scaling = job_scaling(job), *lexicon = job_lexicon(job), *last = job_last_window(job, &failed);
	json_t *circuits = circuits_written_json(job->model);
	if (scaling == NULL || circuits == NULL || failed || (lexicon == NULL && task_has_texts(job->spec.task))) {
		json_decref(circuits);
		json_decref(scaling);
		json_decref(lexicon);
		json_decref(last);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the results");
	}
	const struct weights_origin origin = {.resolved = job->resolved,
	                                      .seed = job->spec.training.seed,
	                                      .data_sha256 = job->data_sha256,
	                                      .plan = model_plan_kind(job->model),
	                                      .scaling = scaling,
	                                      .lexicon = lexicon,
	                                      .last_window = last,
	                                      .circuits = circuits};
	int rc = weights_encode(model_params(job->model), &origin, bytes, length, error);
	json_decref(circuits);
	json_decref(lexicon);
	json_decref(last);
	json_decref(scaling);
	return rc;
}

static void print_predictions(const void *context, struct text *out)
{
	const struct source *source = context;
	predictions_csv(source->predictions, source->job, out);
}

/* Indented, with a newline at the end: people read these. */
static int make_text(const json_t *json, unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	char *text = json_text_indented(json);
	size_t used = text != NULL ? strlen(text) : 0;
	char *longer = text != NULL ? realloc(text, used + 2) : NULL;
	if (longer == NULL) {
		free(text);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the results");
	}
	memcpy(longer + used, "\n", 2);
	*bytes = (unsigned char *)longer;
	*length = used + 1;
	return 0;
}

static int make_report(const struct source *source, unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	json_t *report = report_json(source->job, source->predictions, source->run);
	int rc = make_text(report, bytes, length, error);
	json_decref(report);
	return rc;
}

static int make_events(const struct source *source, unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	return tensorboard_events(source->job, (double)clock_now_ms() / 1000, bytes, length, error);
}

/* What another run goes on from. */
static int make_state(const struct source *source, unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	return trainer_save_state(source->job->trainer, bytes, length, error);
}

static int make_spec(const struct source *source, unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	return make_text(source->job->resolved, bytes, length, error);
}

/* The first ARTIFACT_COUNT rows are announced. One without `make` is printed. */
static const struct {
	const char *name, *file;
	int (*make)(const struct source *source, unsigned char **bytes, size_t *length, struct qlstm_error *error);
} files[] = {
    {"weights", "weights.safetensors", make_weights}, {"predictions", "predictions.csv", NULL},
    {"report", "report.json", make_report},           {"tensorboard", "events.out.tfevents.qlstm", make_events},
    {"state", "state.safetensors", make_state},       {"spec", "resolved-spec.json", make_spec},
};

static int add_piece(void *writer, const char *bytes, size_t n)
{
	return file_writer_add(writer, bytes, n);
}

int artifacts_print(const char *directory, void (*print)(const void *context, struct text *out), const void *context,
                    struct artifact *out, struct qlstm_error *error)
{
	struct file_writer writer;
	struct text text = {.sink = add_piece, .context = &writer};
	file_writer_open(&writer, directory, out->file);
	print(context, &text);
	bool whole = text_end(&text) == 0;
	int rc = file_writer_close(&writer, whole, error);
	if (rc != 0 || !whole)
		return rc != 0 ? rc : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the predictions");
	out->bytes = writer.bytes;
	memcpy(out->sha256, writer.sha256, sizeof out->sha256);
	return 0;
}

/* One file; bytes and hash go into *out. */
static int write_file(const struct source *source,
                      int (*make)(const struct source *source, unsigned char **bytes, size_t *length,
                                  struct qlstm_error *error),
                      const char *directory, struct artifact *out, struct qlstm_error *error)
{
	unsigned char *bytes = NULL;
	size_t length = 0;
	if (make == NULL)
		return artifacts_print(directory, print_predictions, source, out, error);
	int rc = make(source, &bytes, &length, error);
	if (rc == 0)
		rc = file_write_atomic(directory, out->file, bytes, length, error);
	if (rc == 0) {
		out->bytes = length;
		sha256_hex(bytes, length, out->sha256);
	}
	free(bytes);
	return rc;
}

int artifacts_write_snapshot(struct job *job, const struct predictions *predictions, const char *directory,
                             struct artifact out[2], struct qlstm_error *error)
{
	const struct source source = {.job = job, .predictions = predictions};
	int rc = write_file(&source, make_weights, directory, &out[0], error);
	return rc == 0 ? artifacts_print(directory, print_predictions, &source, &out[1], error) : rc;
}

int artifacts_write_other(struct job *job, const char *directory, struct artifact *out, struct qlstm_error *error)
{
	static const struct artifact others[TRAINER_KEPT] = {
	    [TRAINER_LAST] = {.name = "weights_last", .file = "weights-last.safetensors"},
	    [TRAINER_BEST] = {.name = "weights_best", .file = "weights-best.safetensors"}};
	enum trainer_epoch_kept other = job->spec.keep == TRAINER_BEST ? TRAINER_LAST : TRAINER_BEST;
	const struct source source = {.job = job};
	if (trainer_kept_epoch(job->trainer, TRAINER_BEST) == trainer_kept_epoch(job->trainer, TRAINER_LAST) ||
	    !trainer_take(job->trainer, other))
		return 0;
	*out = others[other];
	int rc = write_file(&source, make_weights, directory, out, error);
	return rc == 0 ? 1 : rc;
}

int artifacts_write(struct job *job, const struct predictions *predictions, const struct artifacts_run *run,
                    const char *directory, struct artifact out[ARTIFACT_COUNT], struct qlstm_error *error)
{
	const struct source source = {.job = job, .predictions = predictions, .run = run};
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct artifact spec = {.name = files[i].name, .file = files[i].file};
		struct artifact *to = i < ARTIFACT_COUNT ? &out[i] : &spec;
		*to = spec;
		int rc = write_file(&source, files[i].make, directory, to, error);
		if (rc != 0)
			return rc;
	}
	return 0;
}
