/* The daemon's command line: defaults, every limit of a number, every form of an address, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "engine/team.h"
#include "server/options.h"

static struct options options;
static struct qlstm_error error;

/* Reads a line of words, separated by blanks; "_" stands for an empty word. */
static int reads(const char *line)
{
	static char text[2048];
	char *words[64] = {"qlstmd"};
	int count = 1;
	snprintf(text, sizeof text, "%s", line);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		words[count++] = strcmp(word, "_") == 0 ? "" : word;
	error_clear(&error);
	memset(&options, 0xff, sizeof options);
	return options_parse(&options, count, words, &error);
}

#define WORKER "--worker /bin/true " /* something that can be run */

static void assert_reads(const char *line)
{
	if (reads(line) != 0)
		fail_msg("'%s' is refused: %s", line, error.message);
}

static void assert_refused(const char *line, int code, const char *words)
{
	if (reads(line) != code || error.code != code)
		fail_msg("'%s' gives %d: %s", line, error.code, error.message);
	if (strstr(error.message, words) == NULL)
		fail_msg("'%s' without '%s'", error.message, words);
}

static void defaults(void **state)
{
	(void)state;
	assert_reads(WORKER);
	int cores = (int)uv_available_parallelism();
	assert_string_equal(options.data, "data");
	assert_string_equal(options.listen, "127.0.0.1:8080");
	assert_string_equal(options.address, "127.0.0.1");
	assert_int_equal(options.port, 8080);
	assert_int_equal(options.slots, cores);
	assert_int_equal(options.threads, cores < TEAM_MAX_THREADS ? cores : TEAM_MAX_THREADS);
	assert_string_equal(options.isa, "");
	assert_true(options.max_memory > 0 && options.max_memory <= uv_get_total_memory() / 2);
	assert_int_equal(options.grace_seconds, 10);
	assert_int_equal(options.checkpoint_seconds, 10);
	assert_int_equal(options.hang_seconds, 600);
	assert_int_equal(options.n_host_names, 0);
	assert_false(options.allow_remote || options.published || options.help || options.version);
	assert_true(options_on_loopback(&options));
}

static void both_forms(void **state)
{
	(void)state;
	assert_reads("--worker=/bin/true --data=a=b --slots 3 --threads=2 --allow-remote --listen=0.0.0.0:1");
	assert_string_equal(options.worker, "/bin/true");
	assert_string_equal(options.data, "a=b");
	assert_true(options.slots == 3 && options.threads == 2 && options.allow_remote);
	assert_false(options_on_loopback(&options));
	assert_refused("--data", ERR_MISSING, "--data needs DIR");
	assert_refused("--allow-remote=1", ERR_INVALID, "takes no value");
	assert_refused("--data _", ERR_OUT_OF_RANGE, "--data");
	assert_refused("--slotz 1", ERR_UNKNOWN_FIELD, "did you mean --slots?");
	assert_refused("word", ERR_UNKNOWN_FIELD, "word");
}

static void numbers(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		long minimum, maximum;
		const int *field;
	} cases[] = {{"--slots", 1, 1024, &options.slots},
	             {"--threads", 1, TEAM_MAX_THREADS, &options.threads},
	             {"--grace", 1, 3600, &options.grace_seconds},
	             {"--checkpoint", 0, 86400, &options.checkpoint_seconds},
	             {"--hang", 1, 86400, &options.hang_seconds}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char line[128];
		const long edges[] = {cases[i].minimum, cases[i].maximum};
		for (int k = 0; k < 2; k++) {
			snprintf(line, sizeof line, WORKER "%s %ld", cases[i].name, edges[k]);
			assert_reads(line);
			assert_int_equal(*cases[i].field, edges[k]);
			snprintf(line, sizeof line, WORKER "%s %ld", cases[i].name, edges[k] + (k == 0 ? -1 : 1));
			assert_refused(line, ERR_OUT_OF_RANGE, cases[i].name);
		}
		snprintf(line, sizeof line, WORKER "%s 1x", cases[i].name);
		assert_refused(line, ERR_OUT_OF_RANGE, cases[i].name);
		snprintf(line, sizeof line, WORKER "%s _", cases[i].name);
		assert_refused(line, ERR_OUT_OF_RANGE, cases[i].name);
	}
}

static void bytes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t bytes;
	} cases[] = {{"1", 1}, {"3k", 3072}, {"2M", 2 << 20}, {"1G", 1 << 30}, {"2t", (size_t)2 << 40}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char line[128];
		snprintf(line, sizeof line, WORKER "--max-memory %s", cases[i].text);
		assert_reads(line);
		assert_int_equal(options.max_memory, cases[i].bytes);
	}
	static const char *const wrong[] = {
	    "0", "-1", "1X", "1KB", "K", "_", "99999999999999999999T", "18446744073709551615K"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char line[128];
		snprintf(line, sizeof line, WORKER "--max-memory %s", wrong[i]);
		assert_refused(line, ERR_OUT_OF_RANGE, "--max-memory");
	}
}

static void addresses(void **state)
{
	(void)state;
	static const struct {
		const char *given, *address;
		int port;
	} cases[] = {{"127.0.0.1:0", "127.0.0.1", 0},
	             {"[::1]:8080", "::1", 8080},
	             {"localhost:65535", "127.0.0.1", 65535},
	             {"9000", "127.0.0.1", 9000},
	             {"127.9.9.9:1", "127.9.9.9", 1}};
	char line[128];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(line, sizeof line, WORKER "--listen %s", cases[i].given);
		assert_reads(line);
		assert_string_equal(options.address, cases[i].address);
		assert_int_equal(options.port, cases[i].port);
	}
	static const char *const wrong[] = {"127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:", "nowhere:1",  "[::1:1",
	                                    "127.0.0.1:1x",    "::1]:1",       ":",          "256.0.0.1:1"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(line, sizeof line, WORKER "--listen %s", wrong[i]);
		assert_refused(line, ERR_INVALID, "an IP address and a port are expected");
	}
}

static void who_may_reach_it(void **state)
{
	(void)state;
	static const char *const remote[] = {"0.0.0.0:1", "[::]:1", "192.0.2.1:1"};
	char line[128];
	for (size_t i = 0; i < sizeof remote / sizeof *remote; i++) {
		snprintf(line, sizeof line, WORKER "--listen %s", remote[i]);
		assert_int_equal(reads(line), ERR_INVALID);
		snprintf(line, sizeof line, WORKER "--listen %s --allow-remote", remote[i]);
		assert_reads(line);
		snprintf(line, sizeof line, WORKER "--listen %s --published-on-loopback", remote[i]);
		assert_int_equal(reads(line), i < 2 ? 0 : ERR_INVALID);
		assert_true(i == 2 || options_on_loopback(&options));
	}
	assert_refused(WORKER "--published-on-loopback", ERR_INVALID, "is for a container");
}

static void names_of_the_host(void **state)
{
	(void)state;
	assert_reads(WORKER "--host-name a.example --host-name [::1] --host-name x_y-Z9");
	assert_int_equal(options.n_host_names, 3);
	assert_string_equal(options.host_names[0], "a.example");
	assert_string_equal(options.host_names[1], "[::1]");
	static const char *const wrong[] = {"_", "a:80", "a/b", "[::1", "[::1]x", "[g]"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char line[128];
		snprintf(line, sizeof line, WORKER "--host-name %s", wrong[i]);
		assert_refused(line, ERR_INVALID, "without a port");
	}
	char many[1024] = WORKER;
	for (int i = 0; i < OPTIONS_MAX_NAMES; i++)
		strcat(many, "--host-name a ");
	assert_reads(many);
	strcat(many, "--host-name a ");
	assert_refused(many, ERR_OUT_OF_RANGE, "more than");
}

static void worker_and_instruction_set(void **state)
{
	(void)state;
	assert_refused("--worker /nowhere/at/all", ERR_NOT_FOUND, "/nowhere/at/all cannot be run");
	assert_refused("--worker /dev/null", ERR_NOT_FOUND, "cannot be run");
	assert_int_not_equal(reads(""), 0); /* no qlstm-worker beside this test */
	assert_non_null(strstr(error.message, "/unit/qlstm-worker cannot be run"));
	assert_int_not_equal(reads(WORKER "--isa no-such-set"), 0);
	assert_non_null(strstr(error.message, "no-such-set"));
}

/* These ask for nothing else, so that they answer on any machine. */
static void help_version_health(void **state)
{
	(void)state;
	assert_reads("--help --worker /nowhere");
	assert_true(options.help);
	assert_reads("--version");
	assert_true(options.version);
	assert_reads("--health 127.0.0.1:81 --worker /nowhere");
	assert_int_equal(options.port, 81);
	assert_refused("--health 127.0.0.1:0", ERR_INVALID, "--health");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(defaults),
	                                   cmocka_unit_test(both_forms),
	                                   cmocka_unit_test(numbers),
	                                   cmocka_unit_test(bytes),
	                                   cmocka_unit_test(addresses),
	                                   cmocka_unit_test(who_may_reach_it),
	                                   cmocka_unit_test(names_of_the_host),
	                                   cmocka_unit_test(worker_and_instruction_set),
	                                   cmocka_unit_test(help_version_health)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
