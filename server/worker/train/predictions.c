/* What a trained model says about every window. */
#include "server/worker/train/predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "server/worker/reply.h"

/* Windows between two calls of the progress function. */
enum { PREDICT_CHUNK = 256 };

int predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress, void *context,
                        struct qlstm_error *error)
{
	const struct windows *windows = &job->windows;
	size_t count = windows->n_train + windows->n_test, n_targets = (size_t)windows->n_targets;
	*out = (struct predictions){.count = count, .n_targets = windows->n_targets};
	out->values = calloc(count + 1, n_targets * sizeof(double));
	if (out->values == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu predictions", count);
	for (size_t first = 0; first < count; first += PREDICT_CHUNK) {
		size_t n = count - first < PREDICT_CHUNK ? count - first : PREDICT_CHUNK;
		int rc = progress(context, first, count) != 0
		             ? error_set(error, ERR_CANCELLED, NULL, "stopped while predicting")
		             : trainer_predict(job->trainer, first, n, out->values + first * n_targets, error);
		if (rc != 0) {
			predictions_free(out);
			return rc;
		}
	}
	for (size_t i = 0; i < count * n_targets; i++)
		out->values[i] = scaler_invert(windows->target_scalers[i % n_targets], out->values[i]);
	return 0;
}

void predictions_free(struct predictions *predictions)
{
	free(predictions->values);
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

static void print_header(struct text *out, const struct job *job)
{
	text_print(out, "part,index");
	for (int t = 0; t < job->windows.n_targets; t++) {
		text_print(out, ",");
		print_field(out, target_name(job, t), "");
		text_print(out, ",");
		print_field(out, target_name(job, t), "_predicted");
	}
	text_print(out, "\n");
}

int predictions_csv(const struct predictions *predictions, const struct job *job, char **text, size_t *length,
                    struct qlstm_error *error)
{
	struct text out = {0};
	*text = NULL;
	print_header(&out, job);
	for (size_t i = 0; i < predictions->count; i++) {
		text_print(&out, "%s,%zu", i < job->windows.n_train ? "train" : "test", i);
		for (int t = 0; t < predictions->n_targets; t++)
			text_print(&out, ",%.17g,%.17g", job_truth(job, i, t),
			           predictions->values[i * (size_t)predictions->n_targets + (size_t)t]);
		text_print(&out, "\n");
	}
	if (text_take(&out, text, length) == 0)
		return 0;
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the predictions");
}

/* Of windows first .. last - 1. */
static json_t *target_metrics(const struct predictions *predictions, const struct job *job, size_t first, size_t last,
                              int target)
{
	double n = (double)(last - first), mean = 0, squares = 0, absolute = 0, spread = 0;
	for (size_t i = first; i < last; i++)
		mean += job_truth(job, i, target) / n;
	for (size_t i = first; i < last; i++) {
		double truth = job_truth(job, i, target);
		double off = predictions->values[i * (size_t)predictions->n_targets + (size_t)target] - truth;
		squares += off * off;
		absolute += fabs(off);
		spread += (truth - mean) * (truth - mean);
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "target", target_name(job, target), "mse",
	                 reply_number(squares / n), "rmse", reply_number(sqrt(squares / n)), "mae",
	                 reply_number(absolute / n), "r2", reply_number(spread > 0 ? 1 - squares / spread : NAN));
}

static json_t *part_metrics(const struct predictions *predictions, const struct job *job, size_t first, size_t last)
{
	json_t *list = json_array();
	for (int t = 0; list != NULL && t < predictions->n_targets; t++)
		if (json_array_append_new(list, target_metrics(predictions, job, first, last, t)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *predictions_metrics(const struct predictions *predictions, const struct job *job)
{
	size_t n_train = job->windows.n_train;
	return json_pack("{s:o, s:o}", "train", part_metrics(predictions, job, 0, n_train), "test",
	                 part_metrics(predictions, job, n_train, predictions->count));
}
