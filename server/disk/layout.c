/* Names in the data directory. */
#include "server/disk/layout.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/data_file.h"
#include "server/common/spool.h"

#define HEX "0123456789abcdef"

enum { SHA256_LETTERS = 64, RANDOM_LETTERS = 8 };

static const char temporary_suffix[] = ".tmp";

/* By prefix and suffix; between them stands what `between` allows, as often as one likes. */
static const struct {
	const char *prefix, *suffix, *between; /* between NULL: any; "": nothing */
	enum layout_need need;
} attempt_files[] = {
    {"worker.log", "", "", NEED_ROW},
    {"spec.json", "", "", NEED_NEIGHBOR},
    {"resolved-spec.json", "", "", NEED_NEIGHBOR},
    {"weights.safetensors", "", "", NEED_NAMED},
    {"weights-best.safetensors", "", "", NEED_NAMED},
    {"weights-last.safetensors", "", "", NEED_NAMED},
    {"state.safetensors", "", "", NEED_NAMED},
    {"predictions.csv", "", "", NEED_NAMED},
    {"report.json", "", "", NEED_NAMED},
    {"events.out.tfevents.qlstm", "", "", NEED_NAMED},
    {"checkpoint-", ".safetensors", "0123456789", NEED_NAMED},
    {"data", "", "", NEED_LIVE},
    {"init.safetensors", "", "", NEED_LIVE},
    {"data.", "", "abcdefghijklmnopqrstuvwxyz0123456789.", NEED_LIVE},
};

static bool fits(const char *name, const char *prefix, const char *suffix, const char *between)
{
	size_t length = strlen(name), begin = strlen(prefix), end = strlen(suffix);
	if (length < begin + end || strncmp(name, prefix, begin) != 0 || strcmp(name + length - end, suffix) != 0)
		return false;
	return between == NULL || strspn(name + begin, between) >= length - begin - end;
}

enum layout_need layout_attempt_file(const char *name)
{
	for (size_t i = 0; i < sizeof attempt_files / sizeof *attempt_files; i++)
		if (fits(name, attempt_files[i].prefix, attempt_files[i].suffix, attempt_files[i].between))
			return attempt_files[i].need;
	return NEED_UNKNOWN;
}

int layout_attempt(const char *name)
{
	static const char prefix[] = "attempt-";
	size_t length = sizeof prefix - 1;
	if (strncmp(name, prefix, length) != 0 || name[length] < '1' || name[length] > '9')
		return 0;
	char *end;
	long number = strtol(name + length, &end, 10);
	return *end == '\0' && number <= INT_MAX ? (int)number : 0;
}

bool layout_is_dataset(const char *name)
{
	size_t hash = strspn(name, HEX);
	char expected[DATA_FILE_NAME_SIZE], sha256[SHA256_LETTERS + 1];
	if (hash < SHA256_LETTERS || name[SHA256_LETTERS] != '.')
		return false;
	const struct data_file file = data_file_of_name(name);
	if (file.kind == NULL)
		return false;
	snprintf(sha256, sizeof sha256, "%s", name);
	data_file_name(&file, sha256, expected);
	return strcmp(name, expected) == 0;
}

/* The letters of NAME in .NAME.0123abcd.tmp; 0: no such name. */
static size_t temporary_length(const char *name)
{
	size_t length = strlen(name), end = sizeof temporary_suffix - 1;
	if (name[0] != '.' || length < 2 + 1 + RANDOM_LETTERS + end ||
	    strcmp(name + length - end, temporary_suffix) != 0)
		return 0;
	const char *random = name + length - end - RANDOM_LETTERS;
	if (random[-1] != '.' || strspn(random, HEX) < RANDOM_LETTERS)
		return 0;
	return (size_t)(random - name) - 2;
}

bool layout_is_temporary(const char *name)
{
	return temporary_length(name) > 0;
}

/* NAME, cut out. */
static bool temporary_target(const char *name, char target[NAME_MAX + 1])
{
	size_t length = temporary_length(name);
	snprintf(target, NAME_MAX + 1, "%.*s", (int)length, name + 1);
	return length > 0;
}

bool layout_is_temporary_dataset(const char *name)
{
	char target[NAME_MAX + 1];
	return temporary_target(name, target) && layout_is_dataset(target);
}

bool layout_is_temporary_own(const char *name)
{
	char target[NAME_MAX + 1];
	return temporary_target(name, target) && layout_is_own(target);
}

bool layout_is_own(const char *name)
{
	static const char *const names[] = {"qlstmd.db",      "qlstmd.db-wal", "qlstmd.db-shm", "qlstmd.db-journal",
	                                    "qlstmd.reserve", "qlstmd.backup", SPOOL_FILE,      "audit.log",
	                                    "audit.log.1",    "keys.json",     "keys.lock",     "keys.used.json"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return fits(name, "qlstmd.db.v", "", "0123456789");
}

bool layout_is_copy_begun(const char *name)
{
	return fits(name, "qlstmd.db.v", ".tmp", "0123456789");
}
