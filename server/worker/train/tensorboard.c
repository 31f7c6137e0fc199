/* A run's history as an event file. */
#include "server/worker/train/tensorboard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/json_text.h"
#include "server/worker/event_file.h"
#include "server/worker/train/job.h"
#include "server/worker/train/shown_words.h"

enum { TAG_SIZE = 80 };

/* Tags of Bausch's program that do not follow from the names. */
static const struct {
	const char *metric, *tag;
} of_words[] = {{"error_rate", "accuracy/character_error_rate_current"}};

/* The least values so far of a run on words. */
static const struct {
	const char *metric, *tag, *at_the_end;
} bests[] = {{"loss", "loss/validate_best", "hparams/validate_best"},
             {"error_rate", "accuracy/character_error_rate_best", "hparams/character_error_rate_best"}};

enum { N_BESTS = sizeof bests / sizeof bests[0] };

struct writer {
	struct event_file file;
	bool words;       /* the model measures words */
	const char *part; /* how names of the part begin that epochs are chosen by: "validation_", "test_" */
	double wall;
	int epoch;
	double best[N_BESTS];
};

static void put_scalar(struct writer *w, const char *tag, double value)
{
	if (isfinite(value))
		event_file_scalar(&w->file, w->wall, w->epoch, tag, value);
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* train_loss: loss/train. */
static void name_tag(const struct writer *w, const char *metric, char tag[TAG_SIZE])
{
	static const struct {
		const char *prefix, *suffix;
	} parts[] = {{"train_", "train"}, {"validation_", "validate"}, {"test_", "test"}};
	snprintf(tag, TAG_SIZE, "%s", metric);
	for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
		if (!begins(metric, parts[k].prefix))
			continue;
		bool chosen = w->words && strcmp(parts[k].prefix, w->part) == 0;
		const char *name = metric + strlen(parts[k].prefix);
		snprintf(tag, TAG_SIZE, "%s/%s", name, chosen ? "validate" : parts[k].suffix);
		for (size_t i = 0; chosen && i < sizeof of_words / sizeof of_words[0]; i++)
			if (strcmp(name, of_words[i].metric) == 0)
				snprintf(tag, TAG_SIZE, "%s", of_words[i].tag);
	}
}

static void put_epoch(struct writer *w, const struct epoch_metrics *metrics)
{
	char tag[TAG_SIZE];
	w->epoch = metrics->epoch;
	w->wall += metrics->seconds;
	for (int k = 0; k < metrics->count; k++) {
		name_tag(w, metrics->names[k], tag);
		put_scalar(w, tag, metrics->values[k]);
	}
	put_scalar(w, "time", metrics->seconds);
	for (int k = 0; w->words && k < N_BESTS; k++) {
		char name[TAG_SIZE];
		snprintf(name, sizeof name, "%s%s", w->part, bests[k].metric);
		double value = epoch_metric(metrics, name);
		if (!(value < w->best[k]))
			continue;
		w->best[k] = value;
		put_scalar(w, bests[k].tag, value);
	}
}

static void put_end(struct writer *w, const struct job *job)
{
	put_scalar(w, "hparams/epoch", w->epoch);
	put_scalar(w, "hparams/num_parameters", (double)model_params(job->model)->size);
	for (int k = 0; k < N_BESTS; k++)
		put_scalar(w, bests[k].at_the_end, w->best[k]);
}

/* Indented by four blanks Markdown leaves a text as it is. */
static void put_spec(struct writer *w, const struct job *job)
{
	struct text block = {0};
	char *spec = json_text_indented(job->resolved), *text = NULL;
	size_t length;
	for (const char *line = spec; line != NULL && *line != '\0';) {
		size_t n = strcspn(line, "\n");
		text_print(&block, "    %.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
	if (spec != NULL && text_take(&block, &text, &length) == 0)
		event_file_text(&w->file, w->wall, 0, "args", text);
	else
		w->file.bytes.failed = true;
	free(text);
	free(spec);
}

/* What the model draws in the end. */
static void put_shown(struct writer *w, const struct job *job)
{
	struct text block = {0};
	char line[SHOWN_WORDS_SIZE], *text = NULL;
	size_t count = shown_words_count(job), length;
	if (count == 0)
		return;
	for (size_t k = 0; k < count; k++) {
		if (shown_words_line(job, k, line, NULL) != 0)
			w->file.bytes.failed = true;
		else
			text_print(&block, "    %s\n", line);
	}
	if (text_take(&block, &text, &length) == 0)
		event_file_text(&w->file, w->wall, w->epoch, "validation_samples", text);
	else
		w->file.bytes.failed = true;
	free(text);
}

int tensorboard_events(const struct job *job, double now, unsigned char **bytes, size_t *length,
                       struct qlstm_error *error)
{
	const struct epoch_metrics *history = trainer_history(job->trainer);
	int epochs = trainer_epochs_done(job->trainer);
	struct writer w = {
	    .words = model_measures_words(job->model), .part = "test_", .wall = now, .best = {INFINITY, INFINITY}};
	for (int k = 0; k < epochs; k++)
		w.wall -= history[k].seconds;
	if (epochs > 0 && !isnan(epoch_metric(&history[0], "validation_loss")))
		w.part = "validation_";
	event_file_begin(&w.file, w.wall);
	put_spec(&w, job);
	for (int k = 0; k < epochs; k++)
		put_epoch(&w, &history[k]);
	if (w.words)
		put_end(&w, job);
	put_shown(&w, job);
	char *text = NULL;
	if (text_take(&w.file.bytes, &text, length) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the event file");
	*bytes = (unsigned char *)text;
	return 0;
}
