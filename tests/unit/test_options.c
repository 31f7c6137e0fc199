/* The daemon's command line: defaults, every limit of a number, every form of an address, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "engine/team.h"
#include "server/common/file.h"
#include "server/memory.h"
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
	assert_int_equal(options.checkpoint_epochs, 0);
	assert_int_equal(options.queue, 10000);
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
	             {"--checkpoint-epochs", 0, 1000000000, &options.checkpoint_epochs},
	             {"--queue", 1, 1000000, &options.queue},
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
	assert_reads(WORKER);
	assert_int_equal(options.max_upload, 1 << 30);
	assert_reads(WORKER "--max-upload 1G");
	assert_refused(WORKER "--max-upload 1025M", ERR_OUT_OF_RANGE, "at most 1G");
}

/* What is given of the two moves the other one, never itself. */
static void memory_of_one_and_of_all(void **state)
{
	(void)state;
	size_t all = memory_available();
	assert_reads(WORKER);
	assert_true(options.max_memory == all / 2 && options.memory == all - all / 4);
	assert_reads(WORKER "--memory 1M");
	assert_true(options.max_memory == 1 << 20 && options.memory == 1 << 20);
	assert_reads(WORKER "--memory 1000T");
	assert_true(options.max_memory == all / 2 && options.memory == (size_t)1000 << 40);
	assert_reads(WORKER "--max-memory 1M");
	assert_true(options.max_memory == 1 << 20 && options.memory == all - all / 4);
	assert_reads(WORKER "--max-memory 1000T");
	assert_true(options.max_memory == options.memory && options.memory == (size_t)1000 << 40);
	assert_reads(WORKER "--max-memory 2M --memory 2M");
	assert_refused(WORKER "--max-memory 3M --memory 2M", ERR_INVALID, "could never run");
}

static char groups[300];

static void write_limit(const char *group, const char *text)
{
	char path[400];
	snprintf(path, sizeof path, "%s%s/memory.max", groups, group);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* The smallest limit of a control group and those above it. */
static void memory_of_control_groups(void **state)
{
	(void)state;
	char path[400];
	const char *base = getenv("TMPDIR");
	snprintf(groups, sizeof groups, "%s/qlstm-groups-XXXXXX", base != NULL ? base : "/tmp");
	assert_non_null(mkdtemp(groups));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s%s", groups, i == 0 ? "/a" : "/a/b");
		assert_int_equal(mkdir(path, 0700), 0);
	}
	assert_true(memory_of_group(groups, "/a/b") == UINT64_MAX);
	write_limit("/a/b", "max\n");
	assert_true(memory_of_group(groups, "/a/b") == UINT64_MAX);
	write_limit("/a", "3000000000\n");
	assert_true(memory_of_group(groups, "/a/b") == 3000000000);
	assert_true(memory_of_group(groups, "/a") == 3000000000);
	assert_true(memory_of_group(groups, "/") == UINT64_MAX);
	write_limit("/a/b", "7\n");
	assert_true(memory_of_group(groups, "/a/b") == 7);
	write_limit("", "5\n"); /* what a container sees of its own */
	assert_true(memory_of_group(groups, "/a/b") == 5);
	assert_true(memory_of_group(groups, "/") == 5);
	assert_int_equal(file_remove_tree(groups, NULL), 0);
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
	                                   cmocka_unit_test(memory_of_one_and_of_all),
	                                   cmocka_unit_test(memory_of_control_groups),
	                                   cmocka_unit_test(addresses),
	                                   cmocka_unit_test(who_may_reach_it),
	                                   cmocka_unit_test(names_of_the_host),
	                                   cmocka_unit_test(worker_and_instruction_set),
	                                   cmocka_unit_test(help_version_health)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
