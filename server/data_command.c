/* Check, backup, restore. */
#include "server/data_command.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/common/file.h"
#include "server/disk/backup.h"
#include "server/disk/check.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_UNOWNED = 3 };

struct words {
	const char *data, *file;
};

static int fail(const struct qlstm_error *error)
{
	fprintf(stderr, "qlstmd: %s\n", error->message);
	return EXIT_FAILED;
}

static void say(const char *kind, const char *path, const char *what)
{
	printf("%s: %s: %s\n", kind, path, what);
}

/* The directory as an absolute path; NULL after saying that there is none. */
static const char *existing(const char *data, char out[PATH_MAX])
{
	if (realpath(data, out) != NULL)
		return out;
	fprintf(stderr, "qlstmd: there is no data directory %s\n", data);
	return NULL;
}

static int check(const struct words *words)
{
	struct qlstm_error error = {0};
	struct check found;
	char data[PATH_MAX];
	if (existing(words->data, data) == NULL)
		return EXIT_FAILED;
	if (check_directory(data, say, &found, &error) != 0)
		return fail(&error);
	printf("%d files hold, %d damaged, %d of nobody, %d of others\n", found.files, found.damaged, found.unowned,
	       found.foreign);
	return found.damaged > 0 ? EXIT_FAILED : found.unowned > 0 ? EXIT_UNOWNED : 0;
}

/* The database as one read transaction of a connection of our own sees it, beside a daemon or without one. */
static int copy_database(const char *data, const char *path, struct backup *backup, struct qlstm_error *error)
{
	char database[PATH_MAX];
	struct db *db = NULL;
	snprintf(database, sizeof database, "%.4000s/qlstmd.db", data);
	int rc = db_open(&db, database, DB_READER, NULL, error);
	for (int try = 0; db != NULL && (try == 0 ? rc == 0 : rc == ERR_UNAVAILABLE) && try < BACKUP_TRIES; try++) {
		rc = db_begin(db) == 0 ? backup_begin(db, data, path, try, backup, error) : db_error(db, error);
		db_rollback(db);
	}
	db_close(db);
	return rc;
}

static int make_backup(const struct words *words)
{
	struct qlstm_error error = {0};
	struct backup copy;
	struct backup_report report = {0};
	char data[PATH_MAX], begun[PATH_MAX];
	if (existing(words->data, data) == NULL)
		return EXIT_FAILED;
	if (access(words->file, F_OK) == 0) {
		fprintf(stderr, "qlstmd: %s is there already\n", words->file);
		return EXIT_FAILED;
	}
	snprintf(begun, sizeof begun, "%.4000s.%08x.tmp", words->file, randombytes_random());
	int rc = copy_database(data, begun, &copy, &error);
	if (rc == 0)
		rc = backup_finish(&copy, begun, &report, &error);
	if (rc == 0)
		rc = file_rename_durably(begun, words->file, &error);
	unlink(begun);
	if (rc != 0)
		return fail(&error);
	printf("%s: the database and %d files, %lld bytes\n", words->file, report.files, (long long)report.bytes);
	if (report.missing > 0)
		fprintf(stderr,
		        "qlstmd: %d files are damaged or gone and not in the backup, %s the first; see qlstmd check\n",
		        report.missing, report.first);
	return report.missing > 0 ? EXIT_FAILED : 0;
}

static int restore(const struct words *words)
{
	struct qlstm_error error = {0};
	struct backup_report report;
	if (backup_restore(words->file, words->data, &report, &error) != 0)
		return fail(&error);
	printf("%s: %d files, %lld bytes\n", words->data, report.files, (long long)report.bytes);
	return check(words);
}

static const struct {
	const char *word;
	bool takes_file;
	int (*run)(const struct words *words);
	const char *help;
} commands[] = {
    {"check", false, check, "qlstmd check [--data DIR]: does everything hold, and whose are the files?"},
    {"backup", true, make_backup,
     "qlstmd backup FILE [--data DIR]: all of it into one file, also while the daemon runs"},
    {"restore", true, restore, "qlstmd restore FILE [--data DIR]: a backup into an empty or new folder"},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static int find(const char *word)
{
	int i = 0;
	while (i < N_COMMANDS && strcmp(commands[i].word, word) != 0)
		i++;
	return i;
}

bool data_command_is(const char *word)
{
	return find(word) < N_COMMANDS;
}

/* False where the words are not those of the command. */
static bool parse(int argc, char **argv, bool takes_file, struct words *out)
{
	*out = (struct words){.data = "data"};
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--data=", 7) == 0)
			out->data = argv[i] + 7;
		else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc)
			out->data = argv[++i];
		else if (argv[i][0] != '-' && takes_file && out->file == NULL)
			out->file = argv[i];
		else
			return false;
	}
	return out->data[0] != '\0' && takes_file == (out->file != NULL);
}

int data_command(int argc, char **argv)
{
	struct words words;
	int command = find(argv[0]);
	if (command == N_COMMANDS || sodium_init() < 0)
		return EXIT_FAILED;
	bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
	if (help || !parse(argc, argv, commands[command].takes_file, &words)) {
		fprintf(help ? stdout : stderr, "usage: %s\n", commands[command].help);
		return help ? 0 : EXIT_USAGE;
	}
	return commands[command].run(&words);
}
