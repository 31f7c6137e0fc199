/* Probabilities of classes. */
#include "server/common/classes.h"

#include <math.h>
#include <string.h>

#include "engine/elementary/elementary.h"

void classes_softmax(double *values, size_t n)
{
	double most = values[0], sum = 0;
	for (size_t k = 1; k < n; k++)
		most = fmax(most, values[k]);
	for (size_t k = 0; k < n; k++)
		sum += values[k] = elementary_exp(values[k] - most);
	for (size_t k = 0; k < n; k++)
		values[k] /= sum;
}

void classes_probabilities(const char *loss, double *values, size_t n)
{
	double sum = 0;
	if (strcmp(loss, "bce") != 0) {
		classes_softmax(values, n);
		return;
	}
	for (size_t k = 0; k < n; k++) {
		double small = elementary_exp(-fabs(values[k]));
		sum += values[k] = values[k] >= 0 ? 1 / (1 + small) : small / (1 + small);
	}
	for (size_t k = 0; sum > 0 && k < n; k++)
		values[k] /= sum;
}

int classes_likeliest(const double *probabilities, size_t n)
{
	size_t best = 0;
	for (size_t k = 1; k < n; k++)
		if (probabilities[k] > probabilities[best])
			best = k;
	return (int)best;
}
