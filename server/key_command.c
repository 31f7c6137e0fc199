/* `qlstmd key`. */
#include "server/key_command.h"

#include <getopt.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/access/keeper.h"
#include "server/common/clock.h"
#include "server/common/file.h"

#define DAY_MS (24 * 60 * 60 * INT64_C(1000))

static const char usage[] =
    "usage: qlstmd key add NAME [--scope SCOPE] [--owner OWNER] [--days N]\n"
    "                  [--max-queued N] [--max-running N] [--max-bytes BYTES] [--rate N] [--data DIR]\n"
    "       qlstmd key list [--data DIR]\n"
    "       qlstmd key rotate ID|NAME [--data DIR]     a new secret, the old one is void\n"
    "       qlstmd key revoke ID|NAME [--data DIR]\n\n"
    "  --scope SCOPE   read, submit (with read; the default) or admin (with both, and the rows of all owners)\n"
    "  --owner OWNER   whose experiments and data sets it makes and sees (default: its NAME); keys may share one\n"
    "  --days N        in force for N days, 1 to 3650 (default: until it is revoked)\n"
    "  --max-queued N, --max-bytes BYTES   of its owner: experiments that wait, all data sets (default: no limit)\n"
    "  --max-running N   what is made with it waits while N of its owner run (default: no limit)\n"
    "  --rate N        requests a second, up to that many at once (default: no limit)\n"
    "  --data DIR      that of the service (default ./data); it may run meanwhile\n\n"
    "A key is written to standard output once; only its hash is kept.\n";

struct words {
	const char *verb, *operand, *scope, *owner, *days, *data, *max_queued, *max_running, *max_bytes, *rate;
};

static int fail(const struct qlstm_error *error)
{
	fprintf(stderr, "qlstmd key: %s\n", error->message);
	return 1;
}

static int refuse(const char *message)
{
	fprintf(stderr, "qlstmd key: %s\n%s", message, usage);
	return 2;
}

/* Run by root, it leaves files that the service can read: as the folder's owner. */
static int become_owner(const char *data, struct qlstm_error *error)
{
	struct stat status;
	if (geteuid() != 0)
		return 0;
	if (stat(data, &status) != 0 || setegid(status.st_gid) != 0 || seteuid(status.st_uid) != 0)
		return error_set(error, ERR_IO, NULL, "cannot become the owner of %s", data);
	return 0;
}

static int open_folder(const struct words *words, bool make, struct qlstm_error *error)
{
	int rc = make ? file_make_directory(words->data, error) : 0;
	if (rc == 0 && access(words->data, F_OK) != 0)
		rc = error_set(error, ERR_NOT_FOUND, NULL, "there is no folder %s", words->data);
	return rc == 0 ? become_owner(words->data, error) : rc;
}

static int show(const struct key *key, char *text)
{
	fprintf(stderr, "key %s '%s': scope %s, owner %s. It is shown this once:\n", key->id, key->name,
	        scope_name(key->scope), key->owner);
	int rc = printf("%s\n", text) > 0 && fflush(stdout) == 0 ? 0 : 1;
	sodium_memzero(text, KEY_TEXT_SIZE);
	return rc;
}

static int read_days(const char *text, int64_t *expires_at)
{
	char *end;
	long days = strtol(text, &end, 10);
	if (end == text || *end != '\0' || days < 1 || days > 3650)
		return -1;
	*expires_at = clock_now_ms() + days * DAY_MS;
	return 0;
}

/* NULL is no limit. */
static int read_limit(const char *text, double most, double *limit)
{
	char *end;
	*limit = 0;
	if (text == NULL)
		return 0;
	*limit = strtod(text, &end);
	return end != text && *end == '\0' && *limit > 0 && *limit <= most ? 0 : -1;
}

static int read_limits(const struct words *words, struct key *key)
{
	double queued, running, bytes;
	if (read_limit(words->max_queued, 1e9, &queued) != 0 || read_limit(words->max_running, 1e9, &running) != 0 ||
	    read_limit(words->max_bytes, 1e15, &bytes) != 0 || read_limit(words->rate, KEY_MAX_RATE, &key->rate) != 0)
		return -1;
	key->quota = (struct quota){(int64_t)ceil(queued), (int64_t)ceil(running), (int64_t)ceil(bytes)};
	return 0;
}

static int run_add(const struct words *words)
{
	struct qlstm_error error = {0};
	struct key key = {.scope = scope_from_name(words->scope)};
	char text[KEY_TEXT_SIZE];
	if (words->operand == NULL)
		return refuse("add needs a NAME");
	const char *owner = words->owner != NULL ? words->owner : words->operand;
	if (strlen(words->operand) >= sizeof key.name || strlen(owner) >= sizeof key.owner)
		return refuse("a name or owner has up to 64 characters");
	if (words->days != NULL && read_days(words->days, &key.expires_at) != 0)
		return refuse("--days takes a number from 1 to 3650");
	if (read_limits(words, &key) != 0)
		return refuse(
		    "--max-queued, --max-running, --max-bytes and --rate take a number above 0, the rate up to "
		    "1e6");
	memcpy(key.name, words->operand, strlen(words->operand));
	memcpy(key.owner, owner, strlen(owner));
	if (open_folder(words, true, &error) != 0 || keyring_add(words->data, &key, text, &error) != 0)
		return fail(&error);
	return show(&key, text);
}

static int run_rotate(const struct words *words)
{
	struct qlstm_error error = {0};
	struct key key;
	char text[KEY_TEXT_SIZE];
	if (words->operand == NULL)
		return refuse("rotate needs an ID or NAME");
	if (open_folder(words, false, &error) != 0 ||
	    keyring_rotate(words->data, words->operand, &key, text, &error) != 0)
		return fail(&error);
	return show(&key, text);
}

static int run_revoke(const struct words *words)
{
	struct qlstm_error error = {0};
	struct key key;
	if (words->operand == NULL)
		return refuse("revoke needs an ID or NAME");
	if (open_folder(words, false, &error) != 0 || keyring_revoke(words->data, words->operand, &key, &error) != 0)
		return fail(&error);
	fprintf(stderr, "key %s '%s' is revoked\n", key.id, key.name);
	return 0;
}

static const char *state_of(const struct key *key)
{
	return key_in_force(key, clock_now_ms()) ? "in force" : key->revoked_at != 0 ? "revoked" : "expired";
}

static void print_time(int64_t ms)
{
	char text[25];
	clock_iso8601(ms, text);
	printf("  %-24s", ms != 0 ? text : "-");
}

static int run_list(const struct words *words)
{
	struct qlstm_error error = {0};
	struct keyring ring;
	if (words->operand != NULL)
		return refuse("list takes no operand");
	if (open_folder(words, false, &error) != 0)
		return fail(&error);
	if (keyring_read(words->data, &ring, &error) != 0) {
		keyring_free(&ring);
		return fail(&error);
	}
	json_t *used = keeper_last_used(words->data);
	printf("%-26s  %-8s  %-6s  %-24s  %-24s  %-24s  %s\n", "ID", "STATE", "SCOPE", "CREATED", "EXPIRES",
	       "LAST USED", "OWNER NAME");
	for (int i = 0; i < ring.count; i++) {
		const struct key *key = &ring.keys[i];
		printf("%-26s  %-8s  %-6s", key->id, state_of(key), scope_name(key->scope));
		print_time(key->created_at);
		print_time(key->expires_at);
		print_time(json_integer_value(json_object_get(used, key->id)));
		printf("  %s %s\n", key->owner, key->name);
	}
	json_decref(used);
	keyring_free(&ring);
	return 0;
}

static const struct {
	const char *verb;
	int (*run)(const struct words *words);
} verbs[] = {{"add", run_add}, {"list", run_list}, {"rotate", run_rotate}, {"revoke", run_revoke}};

static const char **field_of(struct words *words, int option)
{
	switch (option) {
	case 'd':
		return &words->data;
	case 's':
		return &words->scope;
	case 'o':
		return &words->owner;
	case 'n':
		return &words->days;
	case 'q':
		return &words->max_queued;
	case 'u':
		return &words->max_running;
	case 'b':
		return &words->max_bytes;
	case 'r':
		return &words->rate;
	default:
		return NULL;
	}
}

/* -1 when all is well, else the exit status. */
static int parse(int argc, char **argv, struct words *words)
{
	static const struct option options[] = {{"data", required_argument, NULL, 'd'},
	                                        {"scope", required_argument, NULL, 's'},
	                                        {"owner", required_argument, NULL, 'o'},
	                                        {"days", required_argument, NULL, 'n'},
	                                        {"max-queued", required_argument, NULL, 'q'},
	                                        {"max-running", required_argument, NULL, 'u'},
	                                        {"max-bytes", required_argument, NULL, 'b'},
	                                        {"rate", required_argument, NULL, 'r'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {0}};
	*words = (struct words){.data = "data", .scope = "submit"};
	for (int found; (found = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (found == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		const char **field = field_of(words, found);
		if (field == NULL) /* getopt_long has said which */
			return 2;
		*field = optarg != NULL ? optarg : "";
	}
	if (optind < argc)
		words->verb = argv[optind++];
	if (optind < argc)
		words->operand = argv[optind++];
	if (optind < argc)
		return refuse("too many words");
	if (words->verb != NULL && strcmp(words->verb, "add") != 0 &&
	    (words->owner != NULL || words->days != NULL || words->max_queued != NULL || words->max_running != NULL ||
	     words->max_bytes != NULL || words->rate != NULL || strcmp(words->scope, "submit") != 0))
		return refuse("all options but --data are for add");
	return -1;
}

int key_command(int argc, char **argv)
{
	struct words words;
	int status = parse(argc, argv, &words);
	if (status >= 0)
		return status;
	if (sodium_init() < 0) {
		fputs("qlstmd key: libsodium does not start\n", stderr);
		return 1;
	}
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (words.verb != NULL && strcmp(verbs[i].verb, words.verb) == 0)
			return verbs[i].run(&words);
	return refuse(words.verb != NULL ? "unknown verb" : "a verb is missing");
}
