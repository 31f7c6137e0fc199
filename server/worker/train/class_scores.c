/* How well classes are told. */
#include "server/worker/train/class_scores.h"

#include <math.h>
#include <stdlib.h>

#include "engine/elementary/elementary.h"
#include "engine/score/classes.h"
#include "server/common/classes.h"
#include "server/worker/reply.h"
#include "server/worker/train/scores.h"

/* One part: what is told and what is true. */
struct told {
	size_t n, count;      /* classes, samples */
	const double *values; /* [count][n] probabilities */
	size_t *truth;        /* [count] */
	struct confusion confusion;
	double *areas; /* [n] under ROC curves */
	double cross_entropy;
};

static int told_open(struct told *t, const struct predictions *p, const struct job *job, const struct job_part *part)
{
	*t = (struct told){.n = (size_t)p->width, .count = part->count};
	t->values = p->values + part->first * t->n;
	t->truth = malloc((t->count + 1) * sizeof *t->truth);
	t->areas = calloc(t->n, sizeof *t->areas);
	int rc = confusion_new(&t->confusion, t->n, NULL);
	if (t->truth == NULL || t->areas == NULL || rc != 0)
		return ERR_OUT_OF_MEMORY;
	for (size_t i = 0; i < t->count; i++) {
		const double *values = t->values + i * t->n;
		t->truth[i] = (size_t)job_truth(job, part->first + i, 0);
		confusion_add(&t->confusion, t->truth[i], (size_t)classes_likeliest(values, t->n));
		t->cross_entropy -= elementary_log(values[t->truth[i]]) / (double)t->count;
	}
	for (size_t k = 0; rc == 0 && k < t->n && t->n <= SCORES_MAX_CLASSES; k++)
		rc = classes_roc_auc(t->values, t->truth, t->count, t->n, k, &t->areas[k], NULL);
	return rc;
}

static void told_close(struct told *t)
{
	free(t->truth);
	free(t->areas);
	confusion_free(&t->confusion);
}

/* Of two classes that of the second, of more the mean of those that are defined. */
static double area(const struct told *t)
{
	double sum = 0, count = 0;
	if (t->n == 2)
		return t->areas[1];
	for (size_t k = 0; k < t->n; k++)
		if (!isnan(t->areas[k])) {
			sum += t->areas[k];
			count++;
		}
	return sum / count;
}

/* A list that is whole, else NULL. */
static json_t *whole_list(json_t *list, size_t size)
{
	if (json_array_size(list) == size)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *by_class(const struct told *t)
{
	json_t *list = json_array();
	for (size_t k = 0; k < t->n; k++) {
		struct class_scores scores = confusion_class(&t->confusion, k);
		json_array_append_new(
		    list, json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "class", (json_int_t)k, "support",
		                    (json_int_t)scores.support, "precision", reply_number(scores.precision), "recall",
		                    reply_number(scores.recall), "f1", reply_number(scores.f1), "specificity",
		                    reply_number(scores.specificity), "roc_auc", reply_number(t->areas[k])));
	}
	return whole_list(list, t->n);
}

static json_t *matrix(const struct told *t)
{
	json_t *rows = json_array();
	for (size_t k = 0; k < t->n; k++) {
		json_t *row = json_array();
		for (size_t j = 0; j < t->n; j++)
			json_array_append_new(row, json_integer((json_int_t)t->confusion.counts[k * t->n + j]));
		json_array_append_new(rows, whole_list(row, t->n));
	}
	return whole_list(rows, t->n);
}

json_t *class_scores_json(const struct predictions *p, const struct job *job, const struct job_part *part)
{
	struct told told;
	json_t *entry = NULL;
	if (told_open(&told, p, job, part) == 0) {
		struct confusion_scores all = confusion_scores(&told.confusion);
		bool few = told.n <= SCORES_MAX_CLASSES;
		entry = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "target",
		                  job_target_name(job, 0), "samples", (json_int_t)told.count, "accuracy",
		                  reply_number(all.accuracy), "balanced_accuracy", reply_number(all.balanced_accuracy),
		                  "cross_entropy", reply_number(told.cross_entropy), "precision",
		                  reply_number(all.precision), "recall", reply_number(all.recall), "f1",
		                  reply_number(all.f1), "specificity", reply_number(all.specificity), "roc_auc",
		                  reply_number(few ? area(&told) : (double)NAN), "by_class",
		                  few ? by_class(&told) : json_null(), "confusion", few ? matrix(&told) : json_null());
	}
	told_close(&told);
	return entry;
}
