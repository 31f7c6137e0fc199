/* Jobs: a spec and its data read, what is built of them, hashes and fingerprints, resuming. */
#include "tests/unit/job_fixture.h"

#include "engine/data/series.h"

static void everything_is_there(void **state)
{
	(void)state;
	struct job job;
	char sha256[65];
	job_of(&job, JOB_SPEC);
	assert_int_equal(job.table.n_rows, JOB_ROWS);
	assert_int_equal(job.table.n_columns, 4);
	assert_int_equal(job.windows.parts.train, 15);
	assert_int_equal(job.windows.parts.test, 11);
	assert_int_equal(job.windows.steps, 3);
	assert_int_equal(job.spec.training.epochs, 5);
	assert_int_equal(trainer_epochs_done(job.trainer), 0);
	assert_int_equal(sha256_file(path_of("table.csv"), sha256, &(size_t){0}, NULL), 0);
	assert_string_equal(job.data_sha256, sha256);
	assert_int_equal(strlen(job.fingerprint), 64);
	assert_true(job.load_seconds > 0 && job.load_seconds < 60);
	assert_null(job.team); /* one thread */
	/* Columns are bound: the index 2 has become a name. */
	const json_t *targets = at(at(job.resolved, "data"), "targets");
	assert_int_equal(json_integer_value(json_array_get(targets, 1)), 2); /* an index stays one */
	assert_int_equal(job.spec.windows.targets[1], 2);
	/* The initial values are the seed's. */
	struct params *params = model_params(job.model);
	double first = params->values[0];
	params_initialise(params, 9);
	assert_true(params->values[0] == first && first != 0);
	job_close(&job);
	assert_true(job.model == NULL && job.resolved == NULL && job.table.columns == NULL);
}

static void fingerprints(void **state)
{
	(void)state;
	struct job job;
	struct qlstm_error error = {0};
	char first[65];
	job_of(&job, JOB_SPEC);
	memcpy(first, job.fingerprint, sizeof first);
	job_close(&job);
	const char *table = write_text("other.csv", "t,small,\"la,rge\"\n1,2,3\n2,3,4\n3,4,5\n4,5,6\n5,6,7\n6,7,8\n7,8,"
	                                            "9\n8,9,10\n9,10,11\n");
	must(job_open(&job, path_of("spec.json"), table, 3, &error), &error);
	assert_string_not_equal(job.fingerprint, first); /* other data */
	assert_int_equal(team_threads(job.team), 3);
	assert_ptr_equal(job.spec.training.team, job.team);
	job_close(&job);
}

static void a_built_in_series(void **state)
{
	(void)state;
	struct job job;
	struct table table;
	struct qlstm_error error = {0};
	char sha256[65];
	must(job_open(&job, write_text("s", "{" JOB_MODEL ",\"data\":{\"dataset\":\"sine\"}}"), NULL, 1, &error),
	     &error);
	assert_int_equal(series_table(series_find("sine"), &table, NULL), 0);
	assert_int_equal(job.table.n_rows, 240);
	sha256_hex(table.columns[0].values, 240 * sizeof(double), sha256);
	assert_string_equal(job.data_sha256, sha256);
	table_free(&table);
	job_close(&job);
	assert_int_equal(
	    job_open(&job, write_text("s", "{" JOB_MODEL ",\"data\":{\"dataset\":\"weather\"}}"), NULL, 1, &error),
	    ERR_NOT_FOUND);
	assert_string_equal(error.pointer, "/data/dataset");
	char expected[512] = "'weather' is no built-in series (";
	for (int i = 0; series_at(i) != NULL; i++)
		snprintf(expected + strlen(expected), 512 - strlen(expected), "%s%s", i > 0 ? ", " : "",
		         series_at(i)->name);
	strcat(expected, "), and no file was given with --data");
	assert_string_equal(error.message, expected);
}

/* With spec_alone a data set that is not here is left out; nothing is built in any case. */
static void reading_alone(void **state)
{
	(void)state;
	struct job job;
	struct qlstm_error error = {0};
	const char *mine = write_text(
	    "s", "{" JOB_MODEL ",\"data\":{\"dataset\":\"mine\",\"targets\":[1]},\"training\":{\"epochs\":7}}");
	must(job_read(&job, mine, NULL, true, &error), &error);
	assert_int_equal(job.table.n_rows, 0);
	assert_int_equal(job.spec.training.epochs, 7);
	assert_true(job.model == NULL && job.trainer == NULL);
	job_close(&job);
	assert_int_equal(job_read(&job, mine, NULL, false, &error), ERR_NOT_FOUND);
	error_clear(&error);
	const char *table = write_table();
	must(job_read(&job, mine, table, true, &error), &error);
	assert_int_equal(job.table.n_rows, JOB_ROWS);
	assert_null(job.model);
	job_close(&job);
	must(job_read(&job, write_text("s", "{\"data\":{\"dataset\":\"sine\"}}"), NULL, true, &error), &error);
	assert_int_equal(job.table.n_rows, 240);
	job_close(&job);
}

static const struct {
	const char *spec, *data;
	int code;
	const char *pointer;
} refused[] = {
    {"{,}", "a\n1\n", ERR_SYNTAX, ""},
    {"{" JOB_MODEL ",\"data\":{\"dataset\":\"d\"}}", "", ERR_SYNTAX, ""},
    {"{" JOB_MODEL "}", "a\n1\n2\n", ERR_CONFLICT, "/data/dataset"},
    {"{" JOB_MODEL ",\"data\":{\"dataset\":\"d\"}}", "a\n1\n2\n", ERR_INVALID, "/data/window"},
    {"{" JOB_MODEL ",\"data\":{\"dataset\":\"d\",\"inputs\":[\"b\"]}}", "a\n1\n2\n3\n4\n5\n6\n7\n8\n", ERR_INVALID,
     "/data/inputs/0"},
    {"{\"model\":{\"layers\":[{\"type\":\"qlstm\",\"variant\":\"chen2020\",\"hidden_size\":3,\"n_qubits\":4}]},"
     "\"data\":{\"dataset\":\"d\",\"inputs\":[0,1]}}",
     "a,b\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6\n7,7\n8,8\n", ERR_INVALID, "/model/layers/0/n_qubits"},
};

static void refusals(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof refused / sizeof refused[0]; k++) {
		struct job job;
		struct qlstm_error error = {0};
		const char *data = write_text("d.csv", refused[k].data);
		int rc = job_open(&job, write_text("s", refused[k].spec), data, 1, &error);
		if (rc != refused[k].code || strcmp(error.pointer, refused[k].pointer) != 0)
			fail_msg("%zu: %d at %s: %s", k, rc, error.pointer, error.message);
		assert_true(job.resolved == NULL && job.model == NULL && job.table.columns == NULL);
	}
	struct job job;
	const char *spec = write_text("s", "{" JOB_MODEL ",\"data\":{\"dataset\":\"d\"}}");
	assert_int_equal(job_open(&job, spec, path_of("absent"), 1, NULL), ERR_NOT_FOUND);
	assert_int_equal(job_open(&job, path_of("absent"), NULL, 1, NULL), ERR_NOT_FOUND);
	assert_true(job_open(&job, spec, NULL, 100000, NULL) != 0);
}

static void resuming(void **state)
{
	(void)state;
	struct job job, again;
	struct qlstm_error error = {0};
	unsigned char *bytes;
	size_t length;
	job_of(&job, JOB_SPEC);
	job_train(&job, 3);
	must(trainer_save(job.trainer, job.fingerprint, &bytes, &length, &error), &error);
	must(file_write_atomic(folder, "c", bytes, length, &error), &error);
	free(bytes);
	job_of(&again, JOB_SPEC);
	must(job_resume(&again, path_of("c"), &error), &error);
	assert_int_equal(trainer_epochs_done(again.trainer), 3);
	job_close(&again);
	job_of(&again, "{" JOB_MODEL ",\"data\":{\"dataset\":\"mine\",\"inputs\":[0],\"targets\":[0]}}");
	assert_int_equal(job_resume(&again, path_of("c"), &error), ERR_CONFLICT);
	assert_int_equal(job_resume(&again, path_of("absent"), NULL), ERR_NOT_FOUND);
	assert_int_equal(trainer_epochs_done(again.trainer), 0);
	job_close(&again);
	job_close(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everything_is_there), cmocka_unit_test(fingerprints), cmocka_unit_test(a_built_in_series),
	    cmocka_unit_test(reading_alone),       cmocka_unit_test(refusals),     cmocka_unit_test(resuming),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
