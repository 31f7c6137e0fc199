/* Event files: checksums, records byte by byte, and what a run's history becomes. */
#include "tests/unit/job_fixture.h"

#include "server/common/crc32c.h"
#include "server/worker/event_file.h"
#include "server/worker/train/tensorboard.h"

/* RFC 3720, appendix B.4; the nine digits are the usual check. */
static void checksums(void **state)
{
	(void)state;
	unsigned char bytes[32] = {0};
	assert_int_equal(crc32c("123456789", 9), 0xE3069283);
	assert_int_equal(crc32c(bytes, 32), 0x8A9136AA);
	memset(bytes, 0xff, 32);
	assert_int_equal(crc32c(bytes, 32), 0x62A8AB43);
	for (int k = 0; k < 32; k++)
		bytes[k] = (unsigned char)k;
	assert_int_equal(crc32c(bytes, 32), 0x46DD794E);
	assert_int_equal(crc32c("", 0), 0);
}

/* As TensorFlow's writers have them: the first record of every event file is known, but for its time. */
static void records(void **state)
{
	(void)state;
	struct event_file file = {0};
	char *bytes;
	size_t length;
	event_file_begin(&file, 1.5);
	event_file_scalar(&file, 2.0, 300, "a/b", 0.25);
	event_file_text(&file, 2.0, 1, "t", "x");
	assert_int_equal(text_take(&file.bytes, &bytes, &length), 0);
	static const unsigned char first[] = "\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22"
	                                     "\x09\0\0\0\0\0\0\xf8\x3f\x1a\x0d"
	                                     "brain.Event:2";
	assert_memory_equal(bytes, first, 12 + 24);
	static const unsigned char scalar[] = "\x09\0\0\0\0\0\0\0\x40\x10\xac\x02\x2a\x0c\x0a\x0a\x0a\x03"
	                                      "a/b\x15\0\0\x80\x3e";
	assert_int_equal(bytes[40], sizeof scalar - 1);
	assert_memory_equal(bytes + 52, scalar, sizeof scalar - 1);
	static const unsigned char text[] =
	    "\x09\0\0\0\0\0\0\0\x40\x10\x01\x2a\x1c\x0a\x1a\x0a\x01t\x42\x0b\x08\x07\x12\x04"
	    "\x12\x02\x08\x01\x42\x01x\x4a\x08\x0a\x06\x0a\x04text";
	size_t at = 40 + 12 + sizeof scalar - 1 + 4;
	assert_int_equal(bytes[at], sizeof text - 1);
	assert_memory_equal(bytes + at + 12, text, sizeof text - 1);
	assert_int_equal(length, at + 12 + sizeof text - 1 + 4);
	free(bytes);
}

/* Whether the file has the tag, and how often. */
static int count_tag(const unsigned char *bytes, size_t length, const char *tag)
{
	int count = 0;
	size_t n = strlen(tag);
	for (size_t k = 1; k + n < length; k++)
		count += bytes[k - 1] == n && memcmp(bytes + k, tag, n) == 0;
	return count;
}

static void assert_tags(const char *spec, const char *const *tags, int epochs)
{
	struct job job;
	struct qlstm_error error = {0};
	unsigned char *bytes;
	size_t length;
	must(job_open(&job, write_text("spec.json", spec), NULL, 1, &error), &error);
	job_train(&job, epochs);
	must(tensorboard_events(&job, 1e9, &bytes, &length, &error), &error);
	for (; *tags != NULL; tags++)
		if (count_tag(bytes, length, *tags) != epochs)
			fail_msg("%s: %d", *tags, count_tag(bytes, length, *tags));
	assert_int_equal(count_tag(bytes, length, "args"), 1);
	bool words = model_measures_words(job.model);
	assert_int_equal(count_tag(bytes, length, "hparams/num_parameters"), words);
	int best = count_tag(bytes, length, "loss/validate_best");
	assert_true(words ? best >= 1 && best <= epochs : best == 0);
	free(bytes);
	job_close(&job);
}

static void histories(void **state)
{
	(void)state;
	static const char *const series[] = {"loss/train", "loss/test", "gradient_norm", "time", NULL};
	static const char *const words[] = {"loss/train",
	                                    "loss/validate",
	                                    "min_postsel_prob/train",
	                                    "min_postsel_prob/validate",
	                                    "accuracy/character_error_rate_current",
	                                    "time",
	                                    NULL};
	assert_tags("{\"type\":\"lstm\",\"hidden_size\":1,\"training\":{\"epochs\":3}}", series, 3);
	assert_tags("{\"type\":\"qrnn\",\"workspace\":1,\"stages\":1,\"training\":{\"epochs\":3},\"data\":"
	            "{\"dataset\":\"simple_seq\",\"task\":\"words\",\"word_bits\":3}}",
	            words, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(checksums),
	    cmocka_unit_test(records),
	    cmocka_unit_test_setup_teardown(histories, make_folder, drop_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
