/* Scores by hand: errors of real numbers, classes, a line by least squares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "engine/score/classes.h"
#include "engine/score/forecast.h"
#include "engine/score/linear_fit.h"

static void near(double value, double expected)
{
	if (!(fabs(value - expected) <= 1e-12 * (1 + fabs(expected))))
		fail_msg("%.17g is not %.17g", value, expected);
}

static void errors_by_hand(void **state)
{
	(void)state;
	const double truth[] = {1, 2, 4}, prediction[] = {1, 3, 2}, last[] = {0, 1, 2};
	double s[FORECAST_SCORES];
	forecast_scores(
	    &(struct forecast){.count = 3, .truth = truth, .prediction = prediction, .last = last, .naive = 2}, s);
	near(s[FORECAST_MSE], 5.0 / 3);
	near(s[FORECAST_RMSE], sqrt(5.0 / 3));
	near(s[FORECAST_MAE], 1);
	near(s[FORECAST_MAPE], 100.0 / 3);                    /* 0, 1/2, 1/2 */
	near(s[FORECAST_SMAPE], 200.0 / 3 * (0.2 + 1.0 / 3)); /* 0, 1/5, 2/6 */
	near(s[FORECAST_MASE], 0.5);
	near(s[FORECAST_R2], 1 - 5 / (14.0 / 3)); /* mean 7/3 */
	near(s[FORECAST_DIRECTION], 2.0 / 3);     /* the third stays at 2 */
}

/* Changes by 1, 2 and 4; by 3 and 6 over two. */
static void naive_by_hand(void **state)
{
	(void)state;
	const double values[] = {0, 1, 3, 7};
	near(forecast_naive(values, 4, 1), 7.0 / 3);
	near(forecast_naive(values, 4, 2), 4.5);
	assert_true(isnan(forecast_naive(values, 4, 4)) && isnan(forecast_naive(values, 4, 0)));
}

/* What is not defined is NaN, and only that. */
static void undefined_is_nan(void **state)
{
	(void)state;
	const double flat[] = {0.1, 0.1, 0.1}, zero[] = {0, 1, 2}, prediction[] = {0, 1, 3};
	double s[FORECAST_SCORES];
	forecast_scores(&(struct forecast){.count = 3, .truth = flat, .prediction = prediction, .naive = 0}, s);
	assert_true(isnan(s[FORECAST_R2]) && isnan(s[FORECAST_MASE]) && isnan(s[FORECAST_DIRECTION]));
	assert_true(isfinite(s[FORECAST_MAPE]));
	forecast_scores(&(struct forecast){.count = 3, .truth = zero, .prediction = prediction, .naive = 1}, s);
	assert_true(isnan(s[FORECAST_MAPE]));
	near(s[FORECAST_SMAPE], 200.0 / 3 * 0.2); /* both 0: 0 */
	forecast_scores(&(struct forecast){.count = 0}, s);
	for (int k = 0; k < FORECAST_SCORES; k++)
		assert_true(isnan(s[k]) && forecast_score_names[k] != NULL);
}

/* Truth 0 0 0 1 1 2, told 0 0 1 1 0 0; class 3 neither there nor told. */
static void classes_by_hand(void **state)
{
	(void)state;
	const size_t truth[] = {0, 0, 0, 1, 1, 2}, told[] = {0, 0, 1, 1, 0, 0};
	struct confusion c;
	assert_int_equal(confusion_new(&c, 4, NULL), 0);
	for (size_t i = 0; i < 6; i++)
		confusion_add(&c, truth[i], told[i]);
	struct class_scores zero = confusion_class(&c, 0), two = confusion_class(&c, 2);
	near(zero.precision, 0.5);
	near(zero.recall, 2.0 / 3);
	near(zero.f1, 4.0 / 7);
	near(zero.specificity, 1.0 / 3);
	assert_int_equal(zero.support, 3);
	assert_true(isnan(two.precision) && two.recall == 0 && two.f1 == 0 && two.specificity == 1);
	struct confusion_scores all = confusion_scores(&c);
	near(all.accuracy, 0.5);
	near(all.balanced_accuracy, (2.0 / 3 + 0.5) / 3);
	near(all.precision, (0.5 + 0.5) / 3);
	near(all.recall, (2.0 / 3 + 0.5) / 3);
	near(all.f1, (4.0 / 7 + 0.5) / 3);
	near(all.specificity, (1.0 / 3 + 0.75 + 1) / 3);
	confusion_free(&c);
}

static void area_by_hand(void **state)
{
	(void)state;
	const size_t truth[] = {0, 0, 1, 1};
	const double scores[] = {0.1, 0.4, 0.35, 0.8}, tied[] = {0.5, 0.5, 0.5, 0.5}, wide[] = {9, 1, 9, 2, 9, 3, 9, 4};
	double area;
	assert_int_equal(classes_roc_auc(scores, truth, 4, 1, 0, &area, NULL), 0);
	near(area, 0.25); /* of class 0: 1 of 4 pairs */
	const size_t ones[] = {1, 1, 1, 1};
	assert_int_equal(classes_roc_auc(tied, truth, 4, 1, 0, &area, NULL), 0);
	near(area, 0.5);
	assert_int_equal(classes_roc_auc(wide, truth, 4, 2, 1, &area, NULL), 0);
	near(area, 1);
	assert_int_equal(classes_roc_auc(scores, ones, 4, 1, 0, &area, NULL), 0);
	assert_true(isnan(area));
}

static struct linear_fit *fitted(size_t inputs, size_t outputs)
{
	struct linear_fit *fit;
	assert_int_equal(linear_fit_new(&fit, inputs, outputs, NULL), 0);
	return fit;
}

/* y = 1.5 + 0.5 x is the best line through (0, 1), (1, 3), (2, 2). */
static void line_by_hand(void **state)
{
	(void)state;
	struct linear_fit *fit = fitted(1, 1);
	const double x[] = {0, 1, 2}, y[] = {1, 3, 2};
	double at = 10, value;
	for (size_t i = 0; i < 3; i++)
		linear_fit_add(fit, &x[i], &y[i]);
	linear_fit_solve(fit);
	linear_fit_predict(fit, &at, &value);
	near(value, 6.5);
	linear_fit_free(fit);
}

/* More rows than a block, two outputs, one input constant and one twice another: what is exactly linear is found. */
static void many_rows(void **state)
{
	(void)state;
	struct linear_fit *fit = fitted(4, 2);
	double x[4], y[2];
	for (int i = 0; i < 500; i++) {
		x[0] = sin(i);
		x[1] = cos(0.3 * i) * 1000;
		x[2] = 2 * x[0];
		x[3] = 7;
		y[0] = 3 + 2 * x[0] - 0.25 * x[1];
		y[1] = -x[1] + x[3];
		linear_fit_add(fit, x, y);
	}
	linear_fit_solve(fit);
	linear_fit_predict(fit, (const double[]){0.5, 100, 1, 7}, y);
	near(y[0], 3 + 1 - 25);
	near(y[1], -93);
	linear_fit_free(fit);
}

/* Fewer rows than terms: those rows are met. None at all: 0. */
static void few_rows(void **state)
{
	(void)state;
	struct linear_fit *fit = fitted(3, 1);
	double y = 5;
	linear_fit_add(fit, (const double[]){1, 2, 3}, &(double){4});
	linear_fit_add(fit, (const double[]){2, 0, 1}, &(double){-1});
	linear_fit_solve(fit);
	linear_fit_predict(fit, (const double[]){1, 2, 3}, &y);
	near(y, 4);
	linear_fit_predict(fit, (const double[]){2, 0, 1}, &y);
	near(y, -1);
	linear_fit_free(fit);
	fit = fitted(1, 1);
	linear_fit_solve(fit);
	linear_fit_predict(fit, &(double){3}, &y);
	assert_true(y == 0);
	linear_fit_free(fit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors_by_hand),  cmocka_unit_test(naive_by_hand), cmocka_unit_test(undefined_is_nan),
	    cmocka_unit_test(classes_by_hand), cmocka_unit_test(area_by_hand),  cmocka_unit_test(line_by_hand),
	    cmocka_unit_test(many_rows),       cmocka_unit_test(few_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
