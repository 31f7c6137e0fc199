/* Predictions: in original units for every target, as CSV, and their metrics. */
#include "tests/unit/job_fixture.h"

#include "server/worker/train/predictions.h"
#include "server/worker/train/scores.h"

static int never(void *context, size_t done, size_t count)
{
	(void)context, (void)done, (void)count;
	return 0;
}

static void computed(struct predictions *predictions, struct job *job)
{
	struct qlstm_error error = {0};
	must(predictions_compute(predictions, job, never, NULL, &error), &error);
}

/* Min-max over the rows that training windows touch, 0 .. 18: scaled = (raw - middle) / half the spread. */
static void rows_of_table(int target, double *offset, double *factor)
{
	double low = INFINITY, high = -INFINITY;
	for (int i = 0; i < 14 + 3 + 2; i++) {
		double value = target == 0 ? sin(i) : 1000 * cos(0.7 * i);
		low = fmin(low, value);
		high = fmax(high, value);
	}
	*offset = (low + high) / 2;
	*factor = (high - low) / 2;
}

static void every_target_has_its_own_scale(void **state)
{
	(void)state;
	struct job job;
	struct predictions p;
	double scaled[26 * 2];
	job_of(&job, JOB_SPEC);
	job_train(&job, 2);
	computed(&p, &job);
	assert_int_equal(job.windows.parts.train, 15);
	assert_int_equal(p.count, 26);
	assert_int_equal(p.width, 2);
	assert_int_equal(trainer_predict(job.trainer, 0, 26, scaled, NULL), 0);
	for (int target = 0; target < 2; target++) {
		double offset, factor;
		rows_of_table(target, &offset, &factor);
		for (size_t i = 0; i < 26; i++) {
			double expected = scaled[2 * i + (size_t)target] * factor + offset;
			assert_true(fabs(p.values[2 * i + (size_t)target] - expected) <= 1e-12 * factor);
			assert_true(job_truth(&job, i, target) == job.table.columns[target == 0 ? 1 : 2].values[i + 4]);
		}
	}
	predictions_free(&p);
	assert_null(p.values);
	job_close(&job);
}

struct visits {
	int calls, stop_at;
	size_t last, count;
};

static int visit(void *context, size_t done, size_t count)
{
	struct visits *v = context;
	v->last = done;
	v->count = count;
	return ++v->calls == v->stop_at;
}

/* 600 windows are more than two chunks of 256. */
static void progress_and_stopping(void **state)
{
	(void)state;
	static char text[8192] = "value\n";
	for (int i = 0; i < 604; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%.3f\n", sin(i));
	const char *table = write_text("long.csv", text);
	struct qlstm_error error = {0};
	struct job job;
	struct predictions p;
	must(
	    job_open(&job,
	             write_text("spec.json", "{" JOB_MODEL ",\"data\":{\"dataset\":\"d\",\"drop_last_window\":false}}"),
	             table, 1, &error),
	    &error);
	struct visits visits = {.stop_at = 0};
	must(predictions_compute(&p, &job, visit, &visits, &error), &error);
	assert_int_equal(p.count, 600);
	assert_int_equal(visits.calls, 3);
	assert_int_equal(visits.last, 512);
	assert_int_equal(visits.count, 600);
	double *scaled = calloc(600, sizeof *scaled);
	assert_int_equal(trainer_predict(job.trainer, 0, 600, scaled, NULL), 0);
	for (size_t i = 0; i < 600; i++)
		assert_true(p.values[i] == scaler_invert(job.windows.target_scalers[0], scaled[i]));
	free(scaled);
	predictions_free(&p);
	visits = (struct visits){.stop_at = 2};
	assert_int_equal(predictions_compute(&p, &job, visit, &visits, &error), ERR_CANCELLED);
	assert_string_equal(error.message, "stopped while predicting");
	assert_int_equal(visits.calls, 2);
	assert_null(p.values);
	job_close(&job);
}

static void csv(void **state)
{
	(void)state;
	struct job job;
	struct predictions p;
	job_of(&job, JOB_SPEC);
	computed(&p, &job);
	for (size_t k = 0; k < 52; k++)
		p.values[k] = (double)k + 0.1;
	char *text = NULL;
	size_t length = 0;
	struct text out = {0};
	predictions_csv(&p, &job, &out);
	assert_int_equal(text_take(&out, &text, &length), 0);
	assert_int_equal(length, strlen(text));
	char *line = strtok(text, "\n");
	assert_string_equal(line, "part,index,small,small_predicted,\"la,rge\",\"la,rge_predicted\",row");
	for (int i = 0; i < 26; i++) {
		char expected[256];
		snprintf(expected, sizeof expected, "%s,%d,%.17g,%.17g,%.17g,%.17g,%d", i < 15 ? "train" : "test", i,
		         sin(i + 4), 2 * i + 0.1, 1000 * cos(0.7 * (i + 4)), 2 * i + 1 + 0.1, i + 4);
		line = strtok(NULL, "\n");
		assert_string_equal(line, expected);
	}
	assert_null(strtok(NULL, "\n"));
	free(text);
	predictions_free(&p);
	job_close(&job);
}

/* Each of the characters that RFC 4180 quotes. */
static void quoted_names(void **state)
{
	(void)state;
	static const char *const names[][2] = {{"a\"b", "\"a\"\"b\",\"a\"\"b_predicted\""},
	                                       {"a\nb", "\"a\nb\",\"a\nb_predicted\""},
	                                       {"a\rb", "\"a\rb\",\"a\rb_predicted\""},
	                                       {"a b'", "a b',a b'_predicted"}};
	struct job job;
	struct predictions p;
	job_of(&job, JOB_SPEC);
	computed(&p, &job);
	for (size_t k = 0; k < 4; k++) {
		char *text = NULL, expected[128];
		size_t length;
		free(job.table.columns[1].name);
		job.table.columns[1].name = strdup(names[k][0]);
		struct text out = {0};
		predictions_csv(&p, &job, &out);
		assert_int_equal(text_take(&out, &text, &length), 0);
		snprintf(expected, sizeof expected, "part,index,%s,", names[k][1]);
		assert_memory_equal(text, expected, strlen(expected));
		free(text);
	}
	predictions_free(&p);
	job_close(&job);
}

static void check_part(const json_t *list, const struct job *job, const struct predictions *p, size_t first,
                       size_t last)
{
	assert_int_equal(json_array_size(list), 2);
	for (size_t t = 0; t < 2; t++) {
		const json_t *found = json_array_get(list, t);
		double n = (double)(last - first), mean = 0, squares = 0, absolute = 0, spread = 0;
		for (size_t i = first; i < last; i++)
			mean += job_truth(job, i, (int)t);
		mean /= n;
		for (size_t i = first; i < last; i++) {
			double truth = job_truth(job, i, (int)t), off = p->values[2 * i + t] - truth;
			squares += off * off;
			absolute += fabs(off);
			spread += (truth - mean) * (truth - mean);
		}
		assert_string_equal(text_at(found, "target"), t == 0 ? "small" : "la,rge");
		assert_relative(real_at(found, "mse"), squares / n, 1e-12);
		assert_relative(real_at(found, "rmse"), sqrt(squares / n), 1e-12);
		assert_relative(real_at(found, "mae"), absolute / n, 1e-12);
		assert_relative(real_at(found, "r2"), 1 - squares / spread, 1e-11);
		assert_int_equal(real_at(found, "samples"), last - first);
	}
}

static void metrics(void **state)
{
	(void)state;
	struct job job;
	struct predictions p;
	job_of(&job, JOB_SPEC);
	job_train(&job, 1);
	computed(&p, &job);
	json_t *found = scores_json(&p, &job);
	assert_int_equal(json_object_size(found), 2);
	check_part(at(found, "train"), &job, &p, 0, 15);
	check_part(at(found, "test"), &job, &p, 15, 26);
	json_decref(found);
	/* All right: no error and an R2 of 1; all a quarter off: by hand. */
	for (size_t i = 0; i < 26; i++)
		for (size_t t = 0; t < 2; t++)
			p.values[2 * i + t] = job_truth(&job, i, (int)t) - (t == 1 ? 0.25 : 0);
	found = scores_json(&p, &job);
	const json_t *exact = json_array_get(at(found, "test"), 0), *off = json_array_get(at(found, "test"), 1);
	assert_true(real_at(exact, "mse") == 0 && real_at(exact, "mae") == 0 && real_at(exact, "r2") == 1);
	assert_relative(real_at(off, "mse"), 0.0625, 1e-9);
	assert_relative(real_at(off, "rmse"), 0.25, 1e-9);
	assert_relative(real_at(off, "mae"), 0.25, 1e-9);
	json_decref(found);
	predictions_free(&p);
	job_close(&job);
}

/* R2 says nothing about a truth that does not change. */
static void a_constant_truth_has_no_r2(void **state)
{
	(void)state;
	struct job job;
	struct predictions p;
	job_of(&job, "{" JOB_MODEL ",\"data\":{\"dataset\":\"d\",\"inputs\":[\"t\"],\"targets\":[\"flat\"]}}");
	computed(&p, &job);
	json_t *found = scores_json(&p, &job);
	assert_true(json_is_null(at(json_array_get(at(found, "train"), 0), "r2")));
	assert_true(json_is_real(at(json_array_get(at(found, "train"), 0), "mse")));
	json_decref(found);
	predictions_free(&p);
	job_close(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_target_has_its_own_scale),
	    cmocka_unit_test(progress_and_stopping),
	    cmocka_unit_test(csv),
	    cmocka_unit_test(quoted_names),
	    cmocka_unit_test(metrics),
	    cmocka_unit_test(a_constant_truth_has_no_r2),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
