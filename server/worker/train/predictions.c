/* What a trained model says about every sample. */
#include "server/worker/train/predictions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/task.h"
#include "server/common/classes.h"
#include "server/worker/train/language_predictions.h"
#include "server/worker/train/text_predictions.h"
#include "server/worker/train/word_predictions.h"

/* Samples between two calls of the progress function. */
enum { PREDICT_CHUNK = 256 };

int predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress, void *context,
                        struct qlstm_error *error)
{
	if (job->spec.task == TASK_WORDS)
		return word_predictions_compute(out, job, progress, context, error);
	if (job->spec.task == TASK_TAGGING)
		return tag_predictions_compute(out, job, progress, context, error);
	if (job->spec.task == TASK_LANGUAGE_MODEL)
		return language_predictions_compute(out, job, progress, context, error);
	if (job->spec.task == TASK_TRANSLATION)
		return translation_predictions_compute(out, job, progress, context, error);
	const struct samples *samples = &job->samples;
	size_t count = samples_count(samples), width = (size_t)samples->shape.width;
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
		classes_probabilities(job->spec.training.loss, out->values + i * width, width);
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
	for (int t = 0; t < job_width(job); t++) {
		char of[16] = "", suffix[32];
		if (job_horizon(job, t) > 0)
			snprintf(of, sizeof of, "_h%d", job_horizon(job, t));
		snprintf(suffix, sizeof suffix, "%s_predicted", of);
		text_print(out, ",");
		print_field(out, job_target_name(job, t), of);
		text_print(out, ",");
		print_field(out, job_target_name(job, t), suffix);
	}
	for (int k = 0; of_classes(job) && k < width; k++) {
		char suffix[32];
		snprintf(suffix, sizeof suffix, "_probability_%d", k);
		text_print(out, ",");
		print_field(out, job_target_name(job, 0), suffix);
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
	text_print(out, "%s,%zu", samples_part(&job->samples, i), i);
	if (classes)
		text_print(out, ",%.17g,%d", job_truth(job, i, 0), predicted_class(predictions, i));
	for (int k = 0; classes && k < predictions->width; k++)
		text_print(out, ",%.17g", values[k]);
	for (int k = 0; !classes && k < predictions->width; k++)
		text_print(out, ",%.17g,%.17g", job_truth(job, i, k), values[k]);
	predictions_line_end(out, job, job_row(job, i));
}

void predictions_csv(const struct predictions *predictions, const struct job *job, struct text *out)
{
	if (job->spec.task == TASK_WORDS) {
		word_predictions_csv(predictions, job, out);
	} else if (job->spec.task == TASK_LANGUAGE_MODEL) {
		language_predictions_csv(predictions, job, out);
	} else if (job->spec.task == TASK_TRANSLATION) {
		translation_predictions_csv(predictions, job, out);
	} else if (task_has_texts(job->spec.task)) {
		text_predictions_csv(predictions, job, out);
	} else {
		text_print(out, "part,index");
		predictions_header(out, job, predictions->width);
		for (size_t i = 0; i < predictions->count; i++)
			print_row(out, predictions, job, i);
	}
}
