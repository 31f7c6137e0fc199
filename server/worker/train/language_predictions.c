/* What a language model says. */
#include "server/worker/train/language_predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/elementary/elementary.h"
#include "engine/language/ngram.h"
#include "server/common/classes.h"
#include "server/worker/reply.h"

/* ln 2 */
#define NATS_A_BIT 0.69314718055994530942

/* Where the rows begin: behind the training part. */
static size_t first_place(const struct job *job)
{
	return job->streams.parts[0].count;
}

static int open_rows(struct predictions *out, const struct job *job, struct qlstm_error *error)
{
	size_t count = job->streams.tokens.count - first_place(job);
	*out = (struct predictions){.width = LANGUAGE_WIDTH, .count = count};
	out->values = malloc((count + 1) * LANGUAGE_WIDTH * sizeof(double));
	if (out->values == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu predictions", count);
	for (size_t k = 0; k < count; k++) {
		double *row = out->values + k * LANGUAGE_WIDTH;
		row[LANGUAGE_CLASS] = -1;
		row[LANGUAGE_PROBABILITY] = row[LANGUAGE_TRUTH] = (double)NAN;
	}
	return 0;
}

struct saying {
	struct predictions *out;
	struct job *job;
	predictions_progress_fn progress;
	void *context;
	bool stopped;
};

/* Of segments first .. first + n - 1, y [n][steps][width]. */
static void said(void *context, size_t first, size_t n, double *y)
{
	struct saying *saying = context;
	const struct streams *streams = &saying->job->streams;
	size_t width = (size_t)streams->size, steps = (size_t)streams->steps;
	for (size_t i = 0; i < n; i++)
		for (size_t t = 0; t < steps; t++) {
			size_t place = streams_target(streams, first + i, t);
			double *row = y + (i * steps + t) * width;
			if (place == 0)
				continue;
			classes_softmax(row, width);
			int class = classes_likeliest(row, width);
			double *to = saying->out->values + (place - first_place(saying->job)) * LANGUAGE_WIDTH;
			to[LANGUAGE_CLASS] = class;
			to[LANGUAGE_PROBABILITY] = row[class];
			to[LANGUAGE_TRUTH] = row[streams->tokens.values[place]];
		}
	saying->stopped |= saying->progress(saying->context, first, samples_count(&saying->job->samples)) != 0;
}

int language_predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress,
                                 void *context, struct qlstm_error *error)
{
	const struct streams *streams = &job->streams;
	struct saying saying = {.out = out, .job = job, .progress = progress, .context = context};
	size_t outputs = (size_t)streams->steps * (size_t)streams->size;
	double *y = malloc((size_t)streams->streams * outputs * sizeof *y);
	int rc = open_rows(out, job, error);
	if (rc == 0 && y == NULL)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for predictions");
	for (int k = 1; rc == 0 && k < STREAMS_PARTS; k++) {
		const struct streams_part *part = &streams->parts[k];
		rc = trainer_predict_streams(job->trainer, part->first_sample,
		                             part->segments * (size_t)streams->streams, y, said, &saying, error);
		if (rc == 0 && saying.stopped)
			rc = error_set(error, ERR_CANCELLED, NULL, "stopped while predicting");
	}
	free(y);
	if (rc != 0)
		predictions_free(out);
	return rc;
}

int language_predictions_count(struct predictions *out, const struct job *job, int order, struct qlstm_error *error)
{
	const struct streams *streams = &job->streams;
	const int32_t *tokens = streams->tokens.values;
	struct ngram *ngram = NULL;
	int rc = open_rows(out, job, error);
	if (rc == 0)
		rc = ngram_new(&ngram, tokens, streams->parts[0].count, (size_t)streams->size, order, error);
	for (int k = 1; rc == 0 && k < STREAMS_PARTS; k++)
		for (size_t i = 1; i < streams->parts[k].count; i++) {
			size_t place = streams->parts[k].first + i;
			/* The second token has one before it. */
			int32_t before[2] = {i > 1 ? tokens[place - 2] : LEXICON_END, tokens[place - 1]};
			out->values[(place - first_place(job)) * LANGUAGE_WIDTH + LANGUAGE_TRUTH] =
			    ngram_probability(ngram, order, before + 2, tokens[place]);
		}
	ngram_free(ngram);
	if (rc != 0)
		predictions_free(out);
	return rc;
}

/* --- the file --- */

/* A token between quotes, an end of a line as such. */
static void print_token(struct text *out, const struct job *job, int number)
{
	const char *word = vocabulary_word(&job->streams.lexicon.words, (size_t)number);
	text_print(out, "\"");
	for (; *word != '\0'; word++)
		text_print(out, *word == '"' ? "\"%c" : "%c", *word);
	text_print(out, "\"");
}

void language_predictions_csv(const struct predictions *predictions, const struct job *job, struct text *out)
{
	static const char *const names[] = {"train", "validation", "test"};
	const struct streams *streams = &job->streams;
	size_t known = vocabulary_size(&streams->lexicon.words);
	text_print(out, "part,index,token,probability,token_predicted,probability_predicted\n");
	for (int k = 1; k < STREAMS_PARTS; k++)
		for (size_t i = 1; i < streams->parts[k].count; i++) {
			size_t place = streams->parts[k].first + i;
			const double *row = predictions->values + (place - first_place(job)) * LANGUAGE_WIDTH;
			text_print(out, "%s,%zu,", names[k], i);
			print_token(out, job, streams->tokens.values[place]);
			text_print(out, ",%.17g,", row[LANGUAGE_TRUTH]);
			/* A number that no token has, where the vocabulary has room left. */
			if ((size_t)row[LANGUAGE_CLASS] < known)
				print_token(out, job, (int)row[LANGUAGE_CLASS]);
			text_print(out, ",%.17g\n", row[LANGUAGE_PROBABILITY]);
		}
}

/* --- scores --- */

static json_t *part_metrics(const struct predictions *p, const struct job *job, const struct streams_part *part)
{
	double n = 0, nats = 0, right = 0, unknown = 0;
	bool known = false;
	for (size_t i = 1; i < part->count; i++) {
		size_t place = part->first + i;
		const double *row = p->values + (place - first_place(job)) * LANGUAGE_WIDTH;
		int32_t truth = job->streams.tokens.values[place];
		n++;
		nats -= elementary_log(row[LANGUAGE_TRUTH]);
		known |= row[LANGUAGE_CLASS] >= 0;
		right += row[LANGUAGE_CLASS] == (double)truth;
		unknown += truth == LEXICON_UNKNOWN;
	}
	return json_pack("[{s:s, s:I, s:o, s:o, s:o, s:o, s:o}]", "target", job_target_name(job, 0), "samples",
	                 (json_int_t)n, "cross_entropy", reply_number(nats / n), "perplexity",
	                 reply_number(elementary_exp(nats / n)), "bits_per_character",
	                 reply_number(nats / NATS_A_BIT / (double)part->characters), "accuracy",
	                 reply_number(known ? right / n : (double)NAN), "unknown", reply_number(unknown / n));
}

json_t *language_predictions_metrics(const struct predictions *predictions, const struct job *job)
{
	static const char *const names[] = {"train", "validation", "test"};
	json_t *metrics = json_object();
	for (int k = 1; k < STREAMS_PARTS; k++)
		if (job->streams.parts[k].count > 0 &&
		    json_object_set_new(metrics, names[k], part_metrics(predictions, job, &job->streams.parts[k])) !=
		        0) {
			json_decref(metrics);
			return NULL;
		}
	return metrics;
}
