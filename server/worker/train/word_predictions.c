/* Probabilities of words, row by row. */
#include "server/worker/train/word_predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/elementary/elementary.h"
#include "engine/text.h"
#include "server/common/classes.h"
#include "server/worker/reply.h"

/* Sequences between two calls of the progress function. */
enum { WORDS_CHUNK = 64 };

static size_t truth_at(const struct job *job, size_t place)
{
	return job->words.targets[place];
}

/* The scored rows of sequences first .. first + n - 1 from y [n][steps][width] to the end of what there is. */
static void take_rows(struct predictions *out, const struct job *job, size_t first, size_t n, const double *y)
{
	size_t steps = (size_t)job->words.steps, width = (size_t)out->width;
	for (size_t k = 0; k < n * steps; k++) {
		size_t place = first * steps + k;
		double *to = out->values + out->count * width;
		if (job->words.scored[place] == (uint8_t)ROW_IGNORED)
			continue;
		memcpy(to, y + k * width, width * sizeof *to);
		if (job->samples.shape.target == TARGET_CLASSES)
			classes_probabilities(job->spec.training.loss, to, width);
		out->places[out->count++] = place;
	}
}

int word_predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress, void *context,
                             struct qlstm_error *error)
{
	const struct samples *samples = &job->samples;
	size_t count = samples_count(samples), width = (size_t)samples->shape.width;
	size_t steps = (size_t)samples->shape.steps, rows = samples_count_rows(samples, NULL, 0, count);
	double *y = calloc(WORDS_CHUNK * steps, width * sizeof *y);
	*out = (struct predictions){.width = samples->shape.width};
	out->values = calloc(rows + 1, width * sizeof(double));
	out->places = calloc(rows + 1, sizeof *out->places);
	int rc = 0;
	if (y == NULL || out->values == NULL || out->places == NULL) {
		free(y);
		predictions_free(out);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu predictions", rows);
	}
	for (size_t first = 0; rc == 0 && first < count; first += WORDS_CHUNK) {
		size_t n = count - first < WORDS_CHUNK ? count - first : WORDS_CHUNK;
		rc = progress(context, first, count) != 0
		         ? error_set(error, ERR_CANCELLED, NULL, "stopped while predicting")
		         : trainer_predict(job->trainer, first, n, y, error);
		if (rc == 0)
			take_rows(out, job, first, n, y);
	}
	free(y);
	if (rc != 0)
		predictions_free(out);
	return rc;
}

static int predicted(const struct predictions *predictions, size_t i)
{
	return classes_likeliest(predictions->values + i * (size_t)predictions->width, (size_t)predictions->width);
}

void word_predictions_csv(const struct predictions *predictions, const struct job *job, struct text *out)
{
	size_t width = (size_t)predictions->width, steps = (size_t)job->words.steps;
	text_print(out, "part,index,position");
	predictions_header(out, job, predictions->width);
	for (size_t i = 0; i < predictions->count; i++) {
		size_t place = predictions->places[i], sequence = place / steps;
		text_print(out, "%s,%zu,%zu,%zu,%d", samples_part(&job->samples, sequence), sequence, place % steps + 1,
		           truth_at(job, place), predicted(predictions, i));
		for (size_t k = 0; k < width; k++)
			text_print(out, ",%.17g", predictions->values[i * width + k]);
		predictions_line_end(out, job, sequence * (steps + 1) + place % steps + 1);
	}
}

/* Of rows first .. last - 1. A part without a scored row has none. */
static json_t *part_metrics(const struct predictions *predictions, const struct job *job, size_t first, size_t last)
{
	double n = (double)(last - first), right = 0, loss = 0;
	for (size_t i = first; i < last; i++) {
		size_t truth = truth_at(job, predictions->places[i]);
		right += (size_t)predicted(predictions, i) == truth;
		loss -= elementary_log(predictions->values[i * (size_t)predictions->width + truth]) / n;
	}
	const char *name = job->table.columns[job->spec.words.target].name;
	return json_pack("[{s:s, s:o, s:o}]", "target", name, "accuracy", reply_number(n > 0 ? right / n : NAN),
	                 "cross_entropy", reply_number(n > 0 ? loss : NAN));
}

json_t *word_predictions_metrics(const struct predictions *predictions, const struct job *job)
{
	struct job_part parts[JOB_MAX_PARTS];
	size_t steps = (size_t)job->words.steps, first = 0, last;
	json_t *metrics = json_object();
	int n = job_parts(job, parts);
	for (int k = 0; k < n; k++, first = last) {
		last = first;
		while (last < predictions->count && predictions->places[last] / steps < parts[k].first + parts[k].count)
			last++;
		if (json_object_set_new(metrics, parts[k].name, part_metrics(predictions, job, first, last)) != 0) {
			json_decref(metrics);
			return NULL;
		}
	}
	return metrics;
}
