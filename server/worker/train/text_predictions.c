/* What a model on texts says. */
#include "server/worker/train/text_predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/elementary/elementary.h"
#include "engine/score/classes.h"
#include "server/common/classes.h"
#include "server/worker/reply.h"

/* Texts between two calls of the progress function. */
enum { TEXTS_CHUNK = 64 };

/* --- tags --- */

static int open_rows(struct predictions *out, const struct job *job, struct qlstm_error *error)
{
	size_t rows = job->texts.tokens.count;
	*out = (struct predictions){.width = TAGGED_WIDTH};
	out->values = calloc(rows + 1, TAGGED_WIDTH * sizeof(double));
	out->places = calloc(rows + 1, sizeof *out->places);
	if (out->values != NULL && out->places != NULL)
		return 0;
	predictions_free(out);
	return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu predictions", rows);
}

/* SEQUENCES_UNKNOWN, or a class. */
static int truth_at(const struct job *job, size_t place)
{
	return job->texts.classes_of.values[place];
}

static void add_row(struct predictions *out, size_t place, size_t class, double probability, double of_truth)
{
	double *row = out->values + out->count * TAGGED_WIDTH;
	row[TAGGED_CLASS] = (double)class;
	row[TAGGED_PROBABILITY] = probability;
	row[TAGGED_TRUTH] = of_truth;
	out->places[out->count++] = place;
}

/* The tokens of texts first .. first + n - 1 from y [n][steps][classes]. */
static void take_rows(struct predictions *out, const struct job *job, size_t first, size_t n, double *y)
{
	const struct sequences *texts = &job->texts;
	size_t width = (size_t)job->samples.shape.width, steps = (size_t)job->samples.shape.steps;
	for (size_t i = 0; i < n; i++)
		for (size_t t = 0; t < sequences_length(texts, first + i); t++) {
			double *said = y + (i * steps + t) * width;
			size_t place = texts->starts[first + i] + t;
			classes_probabilities(job->spec.training.loss, said, width);
			size_t class = (size_t)classes_likeliest(said, width);
			int truth = truth_at(job, place);
			add_row(out, place, class, said[class], truth >= 0 ? said[truth] : (double)NAN);
		}
}

int tag_predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress, void *context,
                            struct qlstm_error *error)
{
	const struct samples_shape *shape = &job->samples.shape;
	size_t count = samples_count(&job->samples);
	double *y = calloc(TEXTS_CHUNK * (size_t)shape->steps, (size_t)shape->width * sizeof *y);
	int rc = y != NULL ? open_rows(out, job, error)
	                   : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for predictions");
	bool opened = rc == 0;
	for (size_t first = 0; y != NULL && rc == 0 && first < count; first += TEXTS_CHUNK) {
		size_t n = count - first < TEXTS_CHUNK ? count - first : TEXTS_CHUNK;
		rc = progress(context, first, count) != 0
		         ? error_set(error, ERR_CANCELLED, NULL, "stopped while predicting")
		         : trainer_predict(job->trainer, first, n, y, error);
		if (rc == 0)
			take_rows(out, job, first, n, y);
	}
	free(y);
	if (rc != 0 && opened)
		predictions_free(out);
	return rc;
}

/* How often each token has each tag in the training part: counts [words][classes]. */
static void count_tags(const struct job *job, uint32_t *counts, size_t *tags)
{
	const struct sequences *texts = &job->texts;
	size_t width = (size_t)texts->classes, end = texts->starts[texts->parts.train];
	for (size_t place = 0; place < end; place++) {
		counts[(size_t)texts->tokens.values[place] * width + (size_t)truth_at(job, place)]++;
		tags[truth_at(job, place)]++;
	}
}

int tag_predictions_most_frequent(struct predictions *out, const struct job *job, struct qlstm_error *error)
{
	const struct sequences *texts = &job->texts;
	size_t width = (size_t)texts->classes, words = vocabulary_size(&texts->lexicon.words), most = 0;
	uint32_t *counts = calloc(words * width, sizeof *counts);
	size_t *tags = calloc(width, sizeof *tags);
	bool room = counts != NULL && tags != NULL;
	int rc = room ? open_rows(out, job, error)
	              : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a baseline");
	bool opened = room && rc == 0;
	if (opened)
		count_tags(job, counts, tags);
	for (size_t k = 1; opened && k < width; k++)
		most = tags[k] > tags[most] ? k : most;
	for (size_t place = 0; opened && place < texts->tokens.count; place++) {
		const uint32_t *row = counts + (size_t)texts->tokens.values[place] * width;
		size_t best = most, sum = 0;
		for (size_t k = 0; k < width; k++) {
			best = row[k] > row[best] ? k : best;
			sum += row[k];
		}
		/* Counted with one more of each tag, so that none is impossible. */
		double n = (double)(sum + width), truth = (double)(row[truth_at(job, place)] + 1);
		add_row(out, place, best, (double)(row[best] + 1) / n, truth / n);
	}
	free(counts);
	free(tags);
	return rc;
}

/* --- the file --- */

/* A field, quoted where RFC 4180 asks for it. */
static void print_field(struct text *out, const char *text, size_t n)
{
	bool quoted = false;
	for (size_t k = 0; k < n; k++)
		quoted |= strchr(",\"\r\n", text[k]) != NULL;
	text_print(out, quoted ? "\"" : "");
	for (size_t k = 0; k < n; k++)
		text_print(out, text[k] == '"' ? "\"%c" : "%c", text[k]);
	text_print(out, quoted ? "\"" : "");
}

static void print_word(struct text *out, const char *text)
{
	print_field(out, text, strlen(text));
}

/* The name of a class; a class that no text has is its number. */
static void print_class(struct text *out, const struct job *job, size_t class)
{
	if (class < vocabulary_size(&job->texts.labels))
		print_word(out, vocabulary_word(&job->texts.labels, class));
	else
		text_print(out, "%zu", class);
}

/* What stands at token `step` of a text; nothing where the column is not known. */
static void print_token(struct text *out, const struct texts *column, size_t row, size_t step)
{
	struct tokens tokens;
	if (column == NULL)
		return;
	tokens_open(&tokens, TOKENIZER_GIVEN, false, texts_at(column, row));
	for (size_t k = 0; k <= step; k++)
		tokens_next(&tokens);
	print_field(out, tokens.token, tokens.length);
}

/* The label of a text as the data have it, also one that the model does not know. */
static void print_label(struct text *out, const struct job *job, size_t sample)
{
	const struct texts *labels = job->table.columns[job->spec.text.target].texts;
	if (labels != NULL)
		print_word(out, texts_at(labels, job_row(job, sample)));
}

static size_t count_given(const char *text)
{
	struct tokens tokens;
	size_t n = 0;
	for (tokens_open(&tokens, TOKENIZER_GIVEN, false, text); tokens_next(&tokens);)
		n++;
	return n;
}

static void print_tags(struct text *out, const struct predictions *p, const struct job *job)
{
	const struct sequences *texts = &job->texts;
	const struct texts *inputs = job->table.columns[job->spec.text.input].texts;
	const struct texts *tags = job->table.columns[job->spec.text.target].texts;
	size_t k = 0;
	text_print(out, "part,index,position,token,");
	print_word(out, job_target_name(job, 0));
	text_print(out, ",");
	print_word(out, job_target_name(job, 0));
	text_print(out, "_predicted,probability,row\n");
	for (size_t i = 0; i < samples_count(&job->samples); i++) {
		size_t row = job_row(job, i), n = sequences_length(texts, i);
		size_t skipped = job->spec.text.keep == KEEP_LAST ? count_given(texts_at(inputs, row)) - n : 0;
		for (size_t t = 0; t < n && k < p->count; t++, k++) {
			const double *values = p->values + k * TAGGED_WIDTH;
			text_print(out, "%s,%zu,%zu,", samples_part(&job->samples, i), i, t + skipped);
			print_token(out, inputs, row, t + skipped);
			text_print(out, ",");
			print_token(out, tags, row, t + skipped);
			text_print(out, ",");
			print_class(out, job, (size_t)values[TAGGED_CLASS]);
			text_print(out, ",%.17g,%zu\n", values[TAGGED_PROBABILITY], row);
		}
	}
}

static void print_labels(struct text *out, const struct predictions *p, const struct job *job)
{
	size_t width = (size_t)p->width;
	text_print(out, "part,index,");
	print_word(out, job_target_name(job, 0));
	text_print(out, ",");
	print_word(out, job_target_name(job, 0));
	text_print(out, "_predicted");
	for (size_t k = 0; k < width; k++) {
		text_print(out, ",");
		print_word(out, job_target_name(job, 0));
		text_print(out, "_probability_");
		print_class(out, job, k);
	}
	text_print(out, ",row\n");
	for (size_t i = 0; i < p->count; i++) {
		const double *values = p->values + i * width;
		text_print(out, "%s,%zu,", samples_part(&job->samples, i), i);
		print_label(out, job, i);
		text_print(out, ",");
		print_class(out, job, (size_t)classes_likeliest(values, width));
		for (size_t k = 0; k < width; k++)
			text_print(out, ",%.17g", values[k]);
		text_print(out, ",%zu\n", job_row(job, i));
	}
}

void text_predictions_csv(const struct predictions *predictions, const struct job *job, struct text *out)
{
	if (job->spec.task == TASK_TAGGING)
		print_tags(out, predictions, job);
	else
		print_labels(out, predictions, job);
}

/* --- scores --- */

struct tagged {
	struct confusion confusion;
	size_t tokens, unknown, unknown_right;
	double cross_entropy;
};

/* Of rows first .. last - 1. */
static void count_rows(struct tagged *t, const struct predictions *p, const struct job *job, size_t first, size_t last)
{
	for (size_t k = first; k < last; k++) {
		const double *values = p->values + k * TAGGED_WIDTH;
		size_t truth = (size_t)truth_at(job, p->places[k]), class = (size_t)values[TAGGED_CLASS];
		bool unknown = job->texts.tokens.values[p->places[k]] == LEXICON_UNKNOWN;
		confusion_add(&t->confusion, truth, class);
		t->tokens++;
		t->unknown += unknown;
		t->unknown_right += unknown && truth == class;
		t->cross_entropy -= elementary_log(values[TAGGED_TRUTH]) / (double)(last - first);
	}
}

static json_t *by_class(const struct tagged *t, const struct job *job)
{
	json_t *list = json_array();
	for (size_t k = 0; k < vocabulary_size(&job->texts.labels); k++) {
		const struct class_scores scores = confusion_class(&t->confusion, k);
		json_array_append_new(
		    list, json_pack("{s:s, s:I, s:o, s:o, s:o}", "class", vocabulary_word(&job->texts.labels, k),
		                    "support", (json_int_t)scores.support, "precision", reply_number(scores.precision),
		                    "recall", reply_number(scores.recall), "f1", reply_number(scores.f1)));
	}
	return list;
}

static json_t *part_metrics(const struct predictions *p, const struct job *job, const struct job_part *part)
{
	struct tagged t = {0};
	const size_t *starts = job->texts.starts;
	if (confusion_new(&t.confusion, (size_t)job->texts.classes, NULL) != 0)
		return NULL;
	count_rows(&t, p, job, starts[part->first], starts[part->first + part->count]);
	struct confusion_scores all = confusion_scores(&t.confusion);
	double unknown = (double)t.unknown;
	json_t *json = json_pack(
	    "[{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}]", "target", job_target_name(job, 0),
	    "texts", (json_int_t)part->count, "samples", (json_int_t)t.tokens, "accuracy", reply_number(all.accuracy),
	    "balanced_accuracy", reply_number(all.balanced_accuracy), "cross_entropy", reply_number(t.cross_entropy),
	    "precision", reply_number(all.precision), "recall", reply_number(all.recall), "f1", reply_number(all.f1),
	    "unknown", reply_number(unknown / (double)t.tokens), "accuracy_unknown",
	    reply_number(unknown > 0 ? (double)t.unknown_right / unknown : (double)NAN), "by_class", by_class(&t, job));
	confusion_free(&t.confusion);
	return json;
}

json_t *tag_predictions_metrics(const struct predictions *predictions, const struct job *job)
{
	struct job_part parts[JOB_MAX_PARTS];
	int n = job_parts(job, parts);
	json_t *metrics = json_object();
	for (int k = 0; k < n; k++)
		if (json_object_set_new(metrics, parts[k].name, part_metrics(predictions, job, &parts[k])) != 0) {
			json_decref(metrics);
			return NULL;
		}
	return metrics;
}
