/* y = a + b x by least squares, x a row of numbers: rows are added one by one and only a triangle is kept, so that
 * memory does not grow with them. Example: of rows (1, 2), (2, 4), (3, 6), where the second number is y, a = 0 and
 * b = 2.
 *
 * The triangle is that of a QR factorisation by Householder reflections (Golub and Van Loan, "Matrix Computations",
 * 5.2); at the end one with column pivoting finds the rank. Inputs that the others determine, such as a constant one,
 * get the coefficient 0. */
#ifndef QLSTM_SCORE_LINEAR_FIT_H
#define QLSTM_SCORE_LINEAR_FIT_H

#include <stddef.h>

#include "engine/error.h"

struct linear_fit;

/* n_inputs numbers of x, n_outputs of y: a fit for each of them. Memory is about 3 (n_inputs + n_outputs)^2 numbers. */
int linear_fit_new(struct linear_fit **out, size_t n_inputs, size_t n_outputs, struct qlstm_error *error);
void linear_fit_free(struct linear_fit *fit); /* NULL: nothing */
/* Costs about 4 n_inputs^2 operations. */
void linear_fit_add(struct linear_fit *fit, const double *x, const double *y);
/* Once, after all rows. */
void linear_fit_solve(struct linear_fit *fit);
/* After linear_fit_solve: y [n_outputs]. Without any row 0. */
void linear_fit_predict(const struct linear_fit *fit, const double *x, double *y);

#endif
