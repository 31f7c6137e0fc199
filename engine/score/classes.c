/* How well classes are told. */
#include "engine/score/classes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

int confusion_new(struct confusion *out, size_t n, struct qlstm_error *error)
{
	*out = (struct confusion){.n = n, .counts = calloc(n * n + 1, sizeof(size_t))};
	return out->counts != NULL ? 0 : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu classes", n);
}

void confusion_free(struct confusion *confusion)
{
	free(confusion->counts);
	*confusion = (struct confusion){0};
}

void confusion_add(struct confusion *confusion, size_t truth, size_t prediction)
{
	confusion->counts[truth * confusion->n + prediction]++;
}

static double quotient(size_t part, size_t whole)
{
	return whole > 0 ? (double)part / (double)whole : (double)NAN;
}

/* Of class k: samples told as it that are, samples that are, samples told as it. */
struct marginals {
	size_t right, there, told;
};

static struct marginals marginals_of(const struct confusion *confusion, size_t k)
{
	struct marginals m = {.right = confusion->counts[k * confusion->n + k]};
	for (size_t j = 0; j < confusion->n; j++) {
		m.there += confusion->counts[k * confusion->n + j];
		m.told += confusion->counts[j * confusion->n + k];
	}
	return m;
}

static size_t samples_of(const struct confusion *confusion)
{
	size_t all = 0;
	for (size_t i = 0; i < confusion->n * confusion->n; i++)
		all += confusion->counts[i];
	return all;
}

static struct class_scores scores_of(struct marginals m, size_t all)
{
	return (struct class_scores){.precision = quotient(m.right, m.told),
	                             .recall = quotient(m.right, m.there),
	                             .f1 = quotient(2 * m.right, m.told + m.there),
	                             .specificity = quotient(all - m.there - (m.told - m.right), all - m.there),
	                             .support = m.there};
}

struct class_scores confusion_class(const struct confusion *confusion, size_t k)
{
	return scores_of(marginals_of(confusion, k), samples_of(confusion));
}

static double or_zero(double value)
{
	return isnan(value) ? 0 : value;
}

struct confusion_scores confusion_scores(const struct confusion *confusion)
{
	struct confusion_scores out = {0};
	size_t right = 0, there = 0, met = 0, all = samples_of(confusion);
	for (size_t k = 0; k < confusion->n; k++) {
		struct marginals m = marginals_of(confusion, k);
		struct class_scores scores = scores_of(m, all);
		if (m.there == 0 && m.told == 0)
			continue;
		met++;
		there += m.there > 0;
		right += m.right;
		out.balanced_accuracy += or_zero(scores.recall);
		out.precision += or_zero(scores.precision);
		out.recall += or_zero(scores.recall);
		out.f1 += or_zero(scores.f1);
		out.specificity += or_zero(scores.specificity);
	}
	out.accuracy = quotient(right, all);
	out.balanced_accuracy /= (double)there;
	out.precision /= (double)met;
	out.recall /= (double)met;
	out.f1 /= (double)met;
	out.specificity /= (double)met;
	return out;
}

struct scored {
	double score;
	bool of_class;
};

static int by_score(const void *a, const void *b)
{
	double x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
	return (x > y) - (x < y);
}

/* The pairs (of the class, of another) in which the first has more, in halves, so that equal ones are whole numbers. */
static double half_pairs(const struct scored *sorted, size_t count)
{
	double pairs = 0, others = 0;
	for (size_t i = 0, next; i < count; i = next) {
		double own = 0, equal = 0;
		for (next = i; next < count && sorted[next].score == sorted[i].score; next++) {
			own += sorted[next].of_class;
			equal += !sorted[next].of_class;
		}
		pairs += own * (2 * others + equal);
		others += equal;
	}
	return pairs;
}

int classes_roc_auc(const double *scores, const size_t *truth, size_t count, size_t width, size_t k, double *out,
                    struct qlstm_error *error)
{
	struct scored *sorted = malloc((count + 1) * sizeof *sorted);
	size_t own = 0;
	if (sorted == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu samples", count);
	*out = (double)NAN;
	for (size_t i = 0; i < count; i++) {
		sorted[i] = (struct scored){.score = scores[i * width + k], .of_class = truth[i] == k};
		if (isnan(sorted[i].score))
			goto done;
		own += sorted[i].of_class;
	}
	qsort(sorted, count, sizeof *sorted, by_score);
	if (own > 0 && own < count)
		*out = half_pairs(sorted, count) / 2 / (double)own / (double)(count - own);
done:
	free(sorted);
	return 0;
}
