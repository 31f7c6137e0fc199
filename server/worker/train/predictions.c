/* What a trained model says about every sample. */
#include "server/worker/train/predictions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/elementary/elementary.h"
#include "server/common/classes.h"
#include "server/worker/reply.h"
#include "server/worker/train/word_predictions.h"

/* Samples between two calls of the progress function. */
enum { PREDICT_CHUNK = 256 };

int predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress, void *context,
                        struct qlstm_error *error)
{
	if (job->spec.task == TASK_WORDS)
		return word_predictions_compute(out, job, progress, context, error);
	const struct samples *samples = &job->samples;
	size_t count = samples->n_train + samples->n_test, width = (size_t)samples->shape.width;
	*out = (struct predictions){.count = count, .width = samples->shape.width};
	out->values = calloc(count + 1, width * sizeof(double));
	if (out->values == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu predictions", count);
	for (size_t first = 0; first < count; first += PREDICT_CHUNK) {
		size_t n = count - first < PREDICT_CHUNK ? count - first : PREDICT_CHUNK;
		int rc = progress(context, first, count) != 0
		             ? error_set(error, ERR_CANCELLED, NULL, "stopped while predicting")
		             : trainer_predict(job->trainer, first, n, out->values + first * width, error);
		if (rc != 0) {
			predictions_free(out);
			return rc;
		}
	}
	bool classes = samples->shape.target == TARGET_CLASSES;
	for (size_t i = 0; classes && i < count; i++)
		classes_softmax(out->values + i * width, width);
	for (size_t i = 0; !classes && i < count * width; i++)
		out->values[i] = scaler_invert(job_target_scaler(job, (int)(i % width)), out->values[i]);
	return 0;
}

void predictions_free(struct predictions *predictions)
{
	free(predictions->values);
	free(predictions->places);
	*predictions = (struct predictions){0};
}

static const char *target_name(const struct job *job, int target)
{
	return job->table.columns[job->spec.windows.targets[target]].name;
}

/* A field of a header line, quoted where RFC 4180 asks for it. */
static void print_field(struct text *out, const char *name, const char *suffix)
{
	const char *quote = strpbrk(name, ",\"\r\n") != NULL ? "\"" : "";
	text_print(out, "%s", quote);
	for (; *name != '\0'; name++)
		text_print(out, *name == '"' ? "\"%c" : "%c", *name);
	text_print(out, "%s%s", suffix, quote);
}

static bool of_classes(const struct job *job)
{
	return job->samples.shape.target != TARGET_REALS;
}

void predictions_header(struct text *out, const struct job *job, int width)
{
	for (int t = 0; t < job->spec.windows.n_targets; t++) {
		text_print(out, ",");
		print_field(out, target_name(job, t), "");
		text_print(out, ",");
		print_field(out, target_name(job, t), "_predicted");
	}
	for (int k = 0; of_classes(job) && k < width; k++) {
		char suffix[32];
		snprintf(suffix, sizeof suffix, "_probability_%d", k);
		text_print(out, ",");
		print_field(out, target_name(job, 0), suffix);
	}
	text_print(out, ",row%s\n", job->table.times.starts != NULL ? ",time" : "");
}

static int predicted_class(const struct predictions *predictions, size_t i)
{
	return classes_likeliest(predictions->values + i * (size_t)predictions->width, (size_t)predictions->width);
}

void predictions_line_end(struct text *out, const struct job *job, size_t row)
{
	text_print(out, ",%zu", table_row(&job->table, row));
	if (job->table.times.starts != NULL) {
		text_print(out, ",");
		print_field(out, table_time(&job->table, row), "");
	}
	text_print(out, "\n");
}

static void print_row(struct text *out, const struct predictions *predictions, const struct job *job, size_t i)
{
	const double *values = predictions->values + i * (size_t)predictions->width;
	bool classes = of_classes(job);
	text_print(out, "%s,%zu", i < job->samples.n_train ? "train" : "test", i);
	if (classes)
		text_print(out, ",%.17g,%d", job_truth(job, i, 0), predicted_class(predictions, i));
	for (int k = 0; classes && k < predictions->width; k++)
		text_print(out, ",%.17g", values[k]);
	for (int k = 0; !classes && k < predictions->width; k++)
		text_print(out, ",%.17g,%.17g", job_truth(job, i, k), values[k]);
	predictions_line_end(out, job, job_row(job, i));
}

int predictions_csv(const struct predictions *predictions, const struct job *job, char **text, size_t *length,
                    struct qlstm_error *error)
{
	if (job->spec.task == TASK_WORDS)
		return word_predictions_csv(predictions, job, text, length, error);
	struct text out = {0};
	*text = NULL;
	text_print(&out, "part,index");
	predictions_header(&out, job, predictions->width);
	for (size_t i = 0; i < predictions->count; i++)
		print_row(&out, predictions, job, i);
	if (text_take(&out, text, length) == 0)
		return 0;
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the predictions");
}

/* Of samples first .. last - 1. */
static json_t *class_metrics(const struct predictions *predictions, const struct job *job, size_t first, size_t last)
{
	double n = (double)(last - first), right = 0, loss = 0;
	for (size_t i = first; i < last; i++) {
		int truth = (int)job_truth(job, i, 0);
		right += predicted_class(predictions, i) == truth;
		loss -= elementary_log(predictions->values[i * (size_t)predictions->width + (size_t)truth]) / n;
	}
	return json_pack("{s:s, s:o, s:o}", "target", target_name(job, 0), "accuracy", reply_number(right / n),
	                 "cross_entropy", reply_number(loss));
}

/* Whether a target has one value alone in samples first .. last - 1. */
static bool is_constant(const struct job *job, size_t first, size_t last, int target)
{
	size_t i = first;
	while (i < last && job_truth(job, i, target) == job_truth(job, first, target))
		i++;
	return i == last;
}

/* The same of real numbers. */
static json_t *target_metrics(const struct predictions *predictions, const struct job *job, size_t first, size_t last,
                              int target)
{
	double n = (double)(last - first), mean = 0, squares = 0, absolute = 0, spread = 0;
	for (size_t i = first; i < last; i++)
		mean += job_truth(job, i, target) / n;
	for (size_t i = first; i < last; i++) {
		double truth = job_truth(job, i, target);
		double off = predictions->values[i * (size_t)predictions->width + (size_t)target] - truth;
		squares += off * off;
		absolute += fabs(off);
		spread += (truth - mean) * (truth - mean);
	}
	bool varies = spread > 0 && !is_constant(job, first, last, target); /* the mean is rounded */
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "target", target_name(job, target), "mse",
	                 reply_number(squares / n), "rmse", reply_number(sqrt(squares / n)), "mae",
	                 reply_number(absolute / n), "r2", reply_number(varies ? 1 - squares / spread : NAN));
}

static json_t *part_metrics(const struct predictions *predictions, const struct job *job, size_t first, size_t last)
{
	json_t *list = json_array();
	bool classes = of_classes(job);
	for (int t = 0; list != NULL && t < job->spec.windows.n_targets; t++)
		if (json_array_append_new(list, classes ? class_metrics(predictions, job, first, last)
		                                        : target_metrics(predictions, job, first, last, t)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *predictions_metrics(const struct predictions *predictions, const struct job *job)
{
	if (job->spec.task == TASK_WORDS)
		return word_predictions_metrics(predictions, job);
	size_t n_train = job->samples.n_train;
	return json_pack("{s:o, s:o}", "train", part_metrics(predictions, job, 0, n_train), "test",
	                 part_metrics(predictions, job, n_train, predictions->count));
}
