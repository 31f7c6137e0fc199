/* Least squares by QR factorisation in blocks of rows. */
#include "engine/score/linear_fit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a block, at least. */
enum { BLOCK_ROWS = 32 };

struct linear_fit {
	size_t n_terms, n_outputs; /* n_terms: 1 and the inputs */
	size_t width, height;      /* of the matrix: n_terms + n_outputs; as many rows and a block */
	size_t filled;             /* rows of the matrix: the triangle and what was added since */
	size_t rows;               /* added in all */
	double *matrix;            /* [height][width] */
	double *dots;              /* [width] */
	double *coefficients;      /* [n_outputs][n_terms] */
	size_t *order;             /* [n_terms]: which term the k-th column of the pivoted matrix is */
};

int linear_fit_new(struct linear_fit **out, size_t n_inputs, size_t n_outputs, struct qlstm_error *error)
{
	struct linear_fit *fit = calloc(1, sizeof *fit);
	*out = NULL;
	if (fit == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a linear fit");
	fit->n_terms = n_inputs + 1;
	fit->n_outputs = n_outputs;
	fit->width = fit->n_terms + n_outputs;
	fit->height = fit->width + (fit->width > BLOCK_ROWS ? fit->width : BLOCK_ROWS);
	fit->matrix = calloc(fit->height, fit->width * sizeof *fit->matrix);
	fit->dots = calloc(fit->width, sizeof *fit->dots);
	fit->coefficients = calloc(n_outputs, fit->n_terms * sizeof *fit->coefficients);
	fit->order = calloc(fit->n_terms, sizeof *fit->order);
	if (fit->matrix == NULL || fit->dots == NULL || fit->coefficients == NULL || fit->order == NULL) {
		linear_fit_free(fit);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a linear fit of %zu terms",
		                 n_inputs + 1);
	}
	*out = fit;
	return 0;
}

void linear_fit_free(struct linear_fit *fit)
{
	if (fit == NULL)
		return;
	free(fit->matrix);
	free(fit->dots);
	free(fit->coefficients);
	free(fit->order);
	free(fit);
}

static double *at(const struct linear_fit *fit, size_t row, size_t column)
{
	return fit->matrix + row * fit->width + column;
}

/* The norm of a column from a row on. */
static double norm_below(const struct linear_fit *fit, size_t row, size_t column)
{
	double sum = 0;
	for (size_t i = row; i < fit->filled; i++)
		sum += *at(fit, i, column) * *at(fit, i, column);
	return sqrt(sum);
}

/* Reflects rows k .. so that column k becomes 0 below row k; v, the reflection's vector, takes the column's place until
 * the other columns are done. */
static void reflect(struct linear_fit *fit, size_t k)
{
	double norm = norm_below(fit, k, k), head = *at(fit, k, k);
	if (norm == 0)
		return;
	double pivot = head > 0 ? -norm : norm, square = 2 * norm * (norm + fabs(head));
	*at(fit, k, k) = head - pivot;
	memset(fit->dots, 0, fit->width * sizeof *fit->dots);
	for (size_t i = k; i < fit->filled; i++)
		for (size_t j = k + 1; j < fit->width; j++)
			fit->dots[j] += *at(fit, i, k) * *at(fit, i, j);
	for (size_t i = k; i < fit->filled; i++)
		for (size_t j = k + 1; j < fit->width; j++)
			*at(fit, i, j) -= 2 * fit->dots[j] / square * *at(fit, i, k);
	*at(fit, k, k) = pivot;
	for (size_t i = k + 1; i < fit->filled; i++)
		*at(fit, i, k) = 0;
}

static void triangulate(struct linear_fit *fit)
{
	for (size_t k = 0; k < fit->width && k < fit->filled; k++)
		reflect(fit, k);
	if (fit->filled > fit->width)
		fit->filled = fit->width;
}

void linear_fit_add(struct linear_fit *fit, const double *x, const double *y)
{
	if (fit->filled == fit->height)
		triangulate(fit);
	double *row = at(fit, fit->filled++, 0);
	row[0] = 1;
	memcpy(row + 1, x, (fit->n_terms - 1) * sizeof *x);
	memcpy(row + fit->n_terms, y, fit->n_outputs * sizeof *y);
	fit->rows++;
}

static void swap_columns(struct linear_fit *fit, size_t a, size_t b)
{
	size_t term = fit->order[a];
	fit->order[a] = fit->order[b];
	fit->order[b] = term;
	for (size_t i = 0; i < fit->filled; i++) {
		double value = *at(fit, i, a);
		*at(fit, i, a) = *at(fit, i, b);
		*at(fit, i, b) = value;
	}
}

/* Of the terms from k on the one that is longest below row k. */
static size_t longest(const struct linear_fit *fit, size_t k)
{
	size_t best = k;
	double most = -1;
	for (size_t j = k; j < fit->n_terms; j++) {
		double norm = norm_below(fit, k, j);
		if (norm > most) {
			most = norm;
			best = j;
		}
	}
	return best;
}

/* Columns of the pivoted triangle that are not lost in rounding, as numpy.linalg.lstsq decides. */
static size_t pivot(struct linear_fit *fit)
{
	size_t size = fit->rows > fit->n_terms ? fit->rows : fit->n_terms, k = 0;
	double least = 0;
	for (; k < fit->n_terms && k < fit->filled; k++) {
		swap_columns(fit, k, longest(fit, k));
		reflect(fit, k);
		if (k == 0)
			least = DBL_EPSILON * (double)size * fabs(*at(fit, 0, 0));
		if (fabs(*at(fit, k, k)) <= least)
			break;
	}
	return k;
}

void linear_fit_solve(struct linear_fit *fit)
{
	for (size_t k = 0; k < fit->n_terms; k++)
		fit->order[k] = k;
	triangulate(fit);
	size_t rank = pivot(fit);
	for (size_t o = 0; o < fit->n_outputs; o++) {
		double *coefficients = fit->coefficients + o * fit->n_terms;
		for (size_t k = rank; k-- > 0;) {
			double sum = *at(fit, k, fit->n_terms + o);
			for (size_t j = k + 1; j < rank; j++)
				sum -= *at(fit, k, j) * coefficients[fit->order[j]];
			coefficients[fit->order[k]] = sum / *at(fit, k, k);
		}
	}
}

void linear_fit_predict(const struct linear_fit *fit, const double *x, double *y)
{
	for (size_t o = 0; o < fit->n_outputs; o++) {
		const double *coefficients = fit->coefficients + o * fit->n_terms;
		y[o] = coefficients[0];
		for (size_t k = 1; k < fit->n_terms; k++)
			y[o] += coefficients[k] * x[k - 1];
	}
}
