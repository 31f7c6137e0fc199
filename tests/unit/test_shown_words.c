/* Sequences shown as text: words as numbers and as characters, what is left out, what is cut, models that draw none. */
#include "tests/unit/job_fixture.h"

#include "server/worker/train/shown_words.h"
#include "server/worker/train/tensorboard.h"

#define WORDS(more)                                                                                                    \
	"\"data\":{\"dataset\":\"mine\",\"task\":\"words\",\"word_bits\":2,\"split\":{\"train\":0.5}," more "}"
#define QRNN     "\"model\":{\"layers\":[{\"type\":\"qrnn\",\"workspace\":1,\"stages\":1}]}"
#define TRAINING "\"training\":{\"epochs\":1,\"shown_sequences\":"

/* Four sequences of `length` positions: targets 0, 1, 2, 3, 0, ...; scored as `scored` says, again and again. */
static const char *write_sequences(size_t length, const char *scored)
{
	static char text[1 << 16];
	char *at = text + sprintf(text, "input,target,scored\n");
	for (size_t i = 0; i < 4 * length; i++)
		at += sprintf(at, "%zu,%zu,%c\n", i % 4, i % length % 4, scored[i % length % strlen(scored)]);
	return write_text("words.csv", text);
}

static void open_words(struct job *job, const char *table, const char *spec)
{
	struct qlstm_error error = {0};
	must(job_open(job, write_text("spec.json", spec), table, 1, &error), &error);
}

/* What stands before ", " in the line of sequence k. */
static const char *targets_of(const struct job *job, size_t k, const char *word)
{
	static char line[SHOWN_WORDS_SIZE];
	struct qlstm_error error = {0};
	must(shown_words_line(job, k, line, &error), &error);
	char *comma = strstr(line, word);
	assert_non_null(comma);
	*comma = '\0';
	return line;
}

static void numbers_of_what_is_scored(void **state)
{
	(void)state;
	struct job job;
	open_words(&job, write_sequences(6, "010121"), "{" QRNN "," WORDS("\"length\":6") "," TRAINING "2}}");
	assert_int_equal(shown_words_count(&job), 2);
	assert_string_equal(targets_of(&job, 0, ", drawn "), "1 3 0 1");
	assert_string_equal(targets_of(&job, 1, ", drawn "), "1 3 0 1");
	job_close(&job);
}

/* No more than there are; none where none is asked for. */
static void how_many(void **state)
{
	(void)state;
	static const struct {
		const char *wanted, *validation;
		size_t count;
	} rows[] = {
	    {"0", "", 0}, {"8", "", 2}, {"1", "", 1}, {"8", ",\"split\":{\"train\":0.5,\"validation\":0.25}", 1}};
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct job job;
		char spec[1024];
		snprintf(spec, sizeof spec,
		         "{" QRNN ",\"data\":{\"dataset\":\"mine\",\"task\":\"words\",\"word_bits\":2,\"length\":6%s},"
		         "\"training\":{\"shown_sequences\":%s}}",
		         rows[k].validation[0] != '\0' ? rows[k].validation : ",\"split\":{\"train\":0.5}",
		         rows[k].wanted);
		open_words(&job, write_sequences(6, "1"), spec);
		assert_int_equal(shown_words_count(&job), rows[k].count);
		job_close(&job);
	}
}

static void characters(void **state)
{
	(void)state;
	struct job job;
	open_words(&job, write_sequences(6, "1"),
	           "{" QRNN "," WORDS("\"length\":6,\"alphabet\":\"a\\n\\u00fc\"") "," TRAINING "1}}");
	/* A blank for the newline, U+FFFD for the word that has no character. */
	assert_string_equal(targets_of(&job, 0, ", drawn "), " \xc3\xbc\xef\xbf\xbd"
	                                                     "a ");
	job_close(&job);
}

/* Cut between characters, short enough for a message. */
static void long_lines(void **state)
{
	(void)state;
	struct job job;
	open_words(&job, write_sequences(400, "1"),
	           "{" QRNN
	           "," WORDS("\"length\":400,\"alphabet\":\"\\u00fc\\u00e9\\u20ac\\ud83d\\ude00\"") "," TRAINING "1}}");
	const char *targets = targets_of(&job, 0, ", drawn ");
	size_t length = strlen(targets);
	assert_in_range(length, 120, 170);
	assert_string_equal(targets + length - 3, "...");
	assert_true(((unsigned char)targets[length - 4] & 0x80) != 0);
	json_t *text = json_stringn(targets, length);
	assert_non_null(text);
	json_decref(text);
	job_close(&job);
}

/* What is drawn is what error_rate counts: of two shown sequences of two, so many are wrong. */
static void draws_are_those_that_are_counted(void **state)
{
	(void)state;
	struct job job;
	char line[SHOWN_WORDS_SIZE];
	open_words(&job, write_sequences(30, "1"), "{" QRNN "," WORDS("\"length\":30") "," TRAINING "2}}");
	job_train(&job, 1);
	double wrong = 0;
	for (size_t k = 0; k < 2; k++) {
		must(shown_words_line(&job, k, line, NULL), NULL);
		const char *drawn = strstr(line, ", drawn ") + strlen(", drawn ");
		for (int t = 0; t < 29; t++)
			wrong += line[2 * t] != drawn[2 * t];
	}
	const struct epoch_metrics *row = trainer_history(job.trainer);
	assert_true(wrong > 0 && wrong < 58);
	assert_relative(wrong / 58, epoch_metric(row, "test_error_rate"), 1e-12);
	job_close(&job);
}

/* A classical model says words; the words shown are in TensorBoard's file, too. */
static void others_say_and_tensorboard_shows(void **state)
{
	(void)state;
	struct job job;
	struct qlstm_error error = {0};
	unsigned char *bytes;
	size_t length;
	open_words(
	    &job, write_sequences(6, "1"),
	    "{\"model\":{\"layers\":[{\"type\":\"gru\",\"hidden_size\":2}]}," WORDS(
	        "\"length\":6") ",\"training\":{\"epochs\":1,\"loss\":\"cross_entropy\",\"shown_sequences\":1}}");
	assert_string_equal(targets_of(&job, 0, ", said "), "1 2 3 0 1");
	job_train(&job, 1);
	must(tensorboard_events(&job, 1e9, &bytes, &length, &error), &error);
	assert_non_null(memmem(bytes, length, "validation_samples", 18));
	assert_non_null(memmem(bytes, length, "    1 2 3 0 1, said ", 20));
	free(bytes);
	job_close(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_of_what_is_scored),
	    cmocka_unit_test(how_many),
	    cmocka_unit_test(characters),
	    cmocka_unit_test(long_lines),
	    cmocka_unit_test(draws_are_those_that_are_counted),
	    cmocka_unit_test(others_say_and_tensorboard_shows),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
