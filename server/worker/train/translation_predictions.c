/* What a model that translates says. */
#include "server/worker/train/text_predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/score/bleu.h"
#include "server/worker/reply.h"
#include "server/worker/translate.h"

int translation_take(struct job *job, struct qlstm_error *error)
{
	const struct pairs_config config = spec_pairs(&job->spec);
	int rc = pairs_take(&job->table, &config, &job->pairs, error);
	if (rc == 0)
		job->samples = pairs_samples(&job->pairs);
	else
		error_prefix(error, "/data");
	return rc;
}

static size_t first_sample(const struct job *job)
{
	return job->pairs.parts.train;
}

static double *row_at(const struct predictions *p, size_t index)
{
	return p->values + index * (size_t)p->width;
}

static struct translate_options options_of(const struct job *job, int beam_width)
{
	return (struct translate_options){.beam_width = beam_width,
	                                  .length_penalty = job->spec.length_penalty,
	                                  .length = job->spec.text.length,
	                                  .target = &job->pairs.sides[PAIRS_TARGET].lexicon};
}

/* What is said to samples first .. first + n - 1. */
static int translate_samples(const struct job *job, const struct translate_options *options, size_t first, size_t n,
                             struct translate_said *said, struct qlstm_error *error)
{
	const struct pairs *pairs = &job->pairs;
	struct translate_source sources[TRANSLATE_COLUMNS] = {0};
	for (size_t i = 0; i < n; i++)
		sources[i] = (struct translate_source){.tokens = pairs_tokens(pairs, PAIRS_SOURCE, first + i),
		                                       .count = pairs_length(pairs, PAIRS_SOURCE, first + i)};
	return translate(job->model, options, sources, n, said, error);
}

/* Samples first .. first + n - 1. */
static int say(struct predictions *out, struct job *job, size_t first, size_t n, struct qlstm_error *error)
{
	struct translate_said said;
	const struct translate_options options = options_of(job, job->spec.beam_width);
	int rc = translate_samples(job, &options, first, n, &said, error);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		double *row = row_at(out, first - first_sample(job) + i);
		row[TRANSLATION_COUNT] = (double)said.lengths[i];
		row[TRANSLATION_LOG_PROBABILITY] = said.log_probability[i];
		for (size_t k = 0; k < said.lengths[i]; k++)
			row[TRANSLATION_TOKENS + k] = said.tokens[i * said.room + k];
	}
	if (rc == 0)
		translate_free(&said);
	return rc;
}

int translation_predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress,
                                    void *context, struct qlstm_error *error)
{
	size_t count = samples_count(&job->samples), start = first_sample(job);
	*out = (struct predictions){.count = count - start, .width = TRANSLATION_TOKENS + job->spec.text.length + 1};
	out->values = calloc(out->count + 1, (size_t)out->width * sizeof(double));
	if (out->values == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu predictions", out->count);
	const struct translate_options options = options_of(job, job->spec.beam_width);
	size_t most = translate_at_once(&options);
	int rc = 0;
	for (size_t first = start; rc == 0 && first < count; first += most) {
		size_t n = count - first < most ? count - first : most;
		rc = progress(context, first - start, count - start) != 0
		         ? error_set(error, ERR_CANCELLED, NULL, "stopped while predicting")
		         : say(out, job, first, n, error);
	}
	if (rc != 0)
		predictions_free(out);
	return rc;
}

/* What was said to a sample, as a text. malloc; NULL: out of memory. */
static char *said_text(const struct predictions *p, const struct job *job, size_t index)
{
	const double *row = row_at(p, index);
	size_t n = (size_t)row[TRANSLATION_COUNT];
	int32_t *tokens = malloc((n + 1) * sizeof *tokens);
	for (size_t k = 0; tokens != NULL && k < n; k++)
		tokens[k] = (int32_t)row[TRANSLATION_TOKENS + k];
	char *text = tokens != NULL ? translate_text(&job->pairs.sides[PAIRS_TARGET].lexicon, tokens, n) : NULL;
	free(tokens);
	return text;
}

static const char *written(const struct job *job, enum pairs_side side, size_t sample)
{
	int column = side == PAIRS_SOURCE ? job->spec.text.input : job->spec.text.target;
	const struct texts *texts = job->table.columns[column].texts;
	return texts != NULL ? texts_at(texts, job_row(job, sample)) : ""; /* of a prediction */
}

/* --- the file --- */

/* A field, quoted where RFC 4180 asks for it. */
static void print_field(struct text *out, const char *text, const char *suffix)
{
	const char *quote = strpbrk(text, ",\"\r\n") != NULL ? "\"" : "";
	text_print(out, "%s", quote);
	for (; *text != '\0'; text++)
		text_print(out, *text == '"' ? "\"%c" : "%c", *text);
	text_print(out, "%s%s", suffix, quote);
}

static const char *column_name(const struct job *job, int column)
{
	return job->table.columns[column].name;
}

void translation_predictions_csv(const struct predictions *predictions, const struct job *job, struct text *out)
{
	text_print(out, "part,index,");
	print_field(out, column_name(job, job->spec.text.input), "");
	text_print(out, ",");
	print_field(out, column_name(job, job->spec.text.target), "");
	text_print(out, ",");
	print_field(out, column_name(job, job->spec.text.target), "_predicted");
	text_print(out, ",log_probability,row\n");
	for (size_t k = 0; !out->failed && k < predictions->count; k++) {
		size_t i = first_sample(job) + k;
		char *said = said_text(predictions, job, k);
		out->failed |= said == NULL;
		text_print(out, "%s,%zu,", samples_part(&job->samples, i), i);
		print_field(out, written(job, PAIRS_SOURCE, i), "");
		text_print(out, ",");
		print_field(out, written(job, PAIRS_TARGET, i), "");
		text_print(out, ",");
		print_field(out, said != NULL ? said : "", "");
		text_print(out, ",%.17g,%zu\n", row_at(predictions, k)[TRANSLATION_LOG_PROBABILITY], job_row(job, i));
		free(said);
	}
}

/* --- scores --- */

static int add_said(struct bleu *bleu, const struct job *job, const struct translate_said *said, size_t i,
                    size_t sample)
{
	const struct lexicon *lexicon = &job->pairs.sides[PAIRS_TARGET].lexicon;
	char *text = translate_text(lexicon, said->tokens + i * said->room, said->lengths[i]);
	char *reference = translate_reference(lexicon, written(job, PAIRS_TARGET, sample));
	int rc = text != NULL && reference != NULL ? bleu_add(bleu, text, reference, NULL) : ERR_OUT_OF_MEMORY;
	free(reference);
	free(text);
	return rc;
}

double translation_bleu(const struct job *job, size_t first, size_t n)
{
	const struct translate_options options = options_of(job, 1);
	size_t most = translate_at_once(&options);
	struct bleu bleu = {0};
	int rc = 0;
	for (size_t done = 0; rc == 0 && done < n; done += most) {
		size_t count = n - done < most ? n - done : most;
		struct translate_said said = {0};
		rc = translate_samples(job, &options, first + done, count, &said, NULL);
		for (size_t i = 0; rc == 0 && i < count; i++)
			rc = add_said(&bleu, job, &said, i, first + done + i);
		translate_free(&said);
	}
	return rc == 0 ? bleu_score(&bleu) : (double)NAN;
}

static int add_sample(struct bleu *bleu, size_t *exact, const struct predictions *p, const struct job *job,
                      size_t sample)
{
	const struct lexicon *lexicon = &job->pairs.sides[PAIRS_TARGET].lexicon;
	char *said = said_text(p, job, sample - first_sample(job));
	char *reference = translate_reference(lexicon, written(job, PAIRS_TARGET, sample));
	int rc = said != NULL && reference != NULL ? bleu_add(bleu, said, reference, NULL) : ERR_OUT_OF_MEMORY;
	*exact += rc == 0 && strcmp(said, reference) == 0;
	free(reference);
	free(said);
	return rc;
}

static json_t *part_metrics(const struct predictions *p, const struct job *job, const struct job_part *part)
{
	struct bleu bleu = {0};
	size_t exact = 0;
	for (size_t i = part->first; i < part->first + part->count; i++)
		if (add_sample(&bleu, &exact, p, job, i) != 0)
			return NULL;
	json_t *precisions = json_array();
	for (int n = 0; n < BLEU_ORDER; n++)
		json_array_append_new(precisions, json_real(100.0 * bleu_precision(&bleu, n)));
	double n = (double)part->count;
	return json_pack("[{s:s, s:I, s:f, s:f, s:o, s:o, s:f}]", "target", column_name(job, job->spec.text.target),
	                 "samples", (json_int_t)part->count, "bleu", bleu_score(&bleu), "brevity_penalty",
	                 bleu_brevity(&bleu), "precisions", precisions, "length_ratio",
	                 reply_number((double)bleu.system / (double)bleu.reference), "exact", (double)exact / n);
}

json_t *translation_predictions_metrics(const struct predictions *predictions, const struct job *job)
{
	struct job_part parts[JOB_MAX_PARTS];
	int n = job_parts(job, parts);
	json_t *metrics = json_object();
	for (int k = 0; k < n; k++)
		if (parts[k].first >= first_sample(job) &&
		    json_object_set_new(metrics, parts[k].name, part_metrics(predictions, job, &parts[k])) != 0) {
			json_decref(metrics);
			return NULL;
		}
	return metrics;
}
