/* The command line: a table of options. */
#include "server/options.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "engine/circuit/plan.h"
#include "engine/team.h"
#include "server/memory.h"

enum kind { KIND_FLAG, KIND_TEXT, KIND_INT, KIND_BYTES, KIND_SIZE, KIND_NAME };

struct option {
	const char *name, *value; /* value: what --help calls it, NULL for a flag */
	enum kind kind;
	size_t offset, size;   /* of the field */
	long minimum, maximum; /* KIND_INT */
	const char *help;
};

#define FIELD(member) offsetof(struct options, member), sizeof(((struct options *)NULL)->member)

static const struct option table[] = {
    {"--data", "DIR", KIND_TEXT, FIELD(data), 0, 0, "database, data sets, runs (default ./data)"},
    {"--listen", "ADDRESS:PORT", KIND_TEXT, FIELD(listen), 0, 0,
     "default 127.0.0.1:8080; IPv6 as [::1]:8080; port 0 takes a free one"},
    {"--tls-certificate", "FILE", KIND_TEXT, FIELD(tls_certificate), 0, 0,
     "serve HTTPS with this certificate (PEM, those that vouch for it behind)"},
    {"--tls-key", "FILE", KIND_TEXT, FIELD(tls_key), 0, 0, "and this key of it (PEM, without a password)"},
    {"--allow-remote", NULL, KIND_FLAG, FIELD(allow_remote), 0, 0,
     "allow an address that other machines reach; requests then need a key"},
    {"--published-on-loopback", NULL, KIND_FLAG, FIELD(published), 0, 0,
     "allow all addresses of a container whose port is published on the host's loopback only; no keys are needed"},
    {"--require-keys", NULL, KIND_FLAG, FIELD(require_keys), 0, 0,
     "every request but /healthz and the like needs a key, also on a loopback address (qlstmd key --help)"},
    {"--host-name", "NAME", KIND_NAME, FIELD(host_names), 0, 0,
     "a name by which clients reach this server, may be given 16 times; on a loopback address localhost, 127.0.0.1 and "
     "[::1] need none, on another every name will do until one is given"},
    {"--connections", "N", KIND_INT, FIELD(connections), 1, 65536, "connections at once (default 4096)"},
    {"--connections-per-address", "N", KIND_INT, FIELD(address_connections), 1, 65536,
     "of one address; of IPv6 its first 64 bits (default: half of all)"},
    {"--head-timeout", "SECONDS", KIND_INT, FIELD(head_seconds), 1, 3600,
     "a client has this long for the head of a request (default 10)"},
    {"--body-timeout", "SECONDS", KIND_INT, FIELD(body_seconds), 1, 86400, "and for its body (default 120)"},
    {"--idle-timeout", "SECONDS", KIND_INT, FIELD(idle_seconds), 1, 3600,
     "a connection is kept this long between two requests, or while no byte of a reply is taken (default 60)"},
    {"--body-memory", "BYTES", KIND_BYTES, FIELD(body_memory), 0, 0,
     "what all bodies on their way may take, a quarter of it those of 1 MiB and less, and as much again large replies "
     "(default 1G)"},
    {"--slots", "N", KIND_INT, FIELD(slots), 1, 1024, "experiments trained at once (default: one a core)"},
    {"--threads", "N", KIND_INT, FIELD(threads), 1, TEAM_MAX_THREADS,
     "threads of all trainings together, shared out among those that run (default: one a core)"},
    {"--worker", "PATH", KIND_TEXT, FIELD(worker), 0, 0, "default: qlstm-worker beside this program"},
    {"--isa", "NAME", KIND_TEXT, FIELD(isa), 0, 0,
     "instruction set of all computations, such as x86-64-v3 (default: the widest of this machine)"},
    {"--speed", "PERCENT", KIND_INT, FIELD(speed), 1, 100000,
     "of this machine, for estimates of time; 100 is that of the machine the planner was measured on (default: "
     "measured at start)"},
    {"--max-memory", "BYTES", KIND_BYTES, FIELD(max_memory), 0, 0,
     "what one experiment may take; K, M, G are understood (default: half of the memory)"},
    {"--max-upload", "BYTES", KIND_BYTES, FIELD(max_upload), 0, 0,
     "what one uploaded data set may hold, as it comes and unpacked; at most 1G (default 1G)"},
    {"--memory", "BYTES", KIND_BYTES, FIELD(memory), 0, 0,
     "what all experiments that run may take together, by the planner's estimate; others wait (default: three quarters "
     "of "
     "the memory)"},
    {"--queue", "N", KIND_INT, FIELD(queue), 1, 1000000, "experiments that may wait; more are a 503 (default 10000)"},
    {"--grace", "SECONDS", KIND_INT, FIELD(grace_seconds), 1, 3600,
     "a worker has this long to end by itself (default 10)"},
    {"--checkpoint", "SECONDS", KIND_INT, FIELD(checkpoint_seconds), 0, 86400,
     "least time between two checkpoints of a run; 0: after every epoch (default 10)"},
    {"--checkpoint-epochs", "N", KIND_INT, FIELD(checkpoint_epochs), 0, 1000000000,
     "and one after so many epochs, however soon that is; 0: by time alone (default 0)"},
    {"--hang", "SECONDS", KIND_INT, FIELD(hang_seconds), 1, 86400,
     "a worker silent for this long is ended (default 600)"},
    {"--reserve", "BYTES", KIND_SIZE, FIELD(reserve), 0, 0,
     "room on the disk that is kept for deleting and recovering; 0: none (default 16M)"},
    {"--sweep", "SECONDS", KIND_INT, FIELD(sweep_seconds), 1, 86400,
     "between two searches for files that nobody owns (default 600)"},
    {"--log", "FILE", KIND_TEXT, FIELD(log), 0, 0, "the log's file, opened anew on SIGHUP (default: standard error)"},
    {"--log-size", "BYTES", KIND_SIZE, FIELD(log_size), 0, 0,
     "a longer one is renamed to FILE.1, and that to FILE.2; 0: never (default 64M)"},
    {"--log-keep", "N", KIND_INT, FIELD(log_keep), 0, 1000, "how many renamed ones are kept (default 4)"},
    {"--accept-loss", NULL, KIND_FLAG, FIELD(accept_loss), 0, 0,
     "start where the database is missing, damaged or older than the runs beside it; what is of no use is put aside"},
    {"--health", "ADDRESS:PORT", KIND_TEXT, FIELD(health), 0, 0,
     "ask the qlstmd there whether it is ready, and end: status 0 if so, else 1 with the reason; over TLS where it "
     "does not "
     "speak HTTP, or by http:// or https:// before the address alone; a certificate's name is not checked"},
    {"--help", NULL, KIND_FLAG, FIELD(help), 0, 0, "this text"},
    {"--version", NULL, KIND_FLAG, FIELD(version), 0, 0, "version and instruction set"},
};

#define MAX_UPLOAD ((size_t)1 << 30)

enum { N_OPTIONS = sizeof table / sizeof table[0] };

static int set_text(const struct option *option, void *field, const char *text, struct qlstm_error *error)
{
	int length = snprintf(field, option->size, "%s", text);
	if (length <= 0 || (size_t)length >= option->size)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "%s: empty or too long", option->name);
	return 0;
}

static int set_int(const struct option *option, void *field, const char *text, struct qlstm_error *error)
{
	char *end;
	long value = strtol(text, &end, 10);
	if (end == text || *end != '\0' || value < option->minimum || value > option->maximum)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "%s %s: allowed are %ld to %ld", option->name, text,
		                 option->minimum, option->maximum);
	*(int *)field = (int)value;
	return 0;
}

static int set_bytes(const struct option *option, void *field, const char *text, struct qlstm_error *error)
{
	static const char suffixes[] = "KMGT";
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	const char *suffix = *end != '\0' ? strchr(suffixes, *end & ~0x20) : NULL;
	int shift = suffix != NULL ? 10 * (int)(suffix - suffixes + 1) : 0;
	bool none = value == 0 && option->kind != KIND_SIZE;
	if (end == text || *text == '-' || (*end != '\0' && (suffix == NULL || end[1] != '\0')) || none ||
	    value > SIZE_MAX >> shift)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "%s %s: a number of bytes such as 512M is expected",
		                 option->name, text);
	*(size_t *)field = (size_t)value << shift;
	return 0;
}

/* One more of up to OPTIONS_MAX_NAMES; `field` is the first. */
static int set_name(const struct option *option, void *field, const char *text, struct qlstm_error *error)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	struct options *options = (struct options *)((char *)field - option->offset);
	bool literal = *text == '[' && strspn(text + 1, "0123456789abcdefABCDEF:.") == strlen(text) - 2 &&
	               text[strlen(text) - 1] == ']';
	if (!literal && (*text == '\0' || strspn(text, allowed) != strlen(text)))
		return error_set(error, ERR_INVALID, NULL,
		                 "%s %s: a name such as train.example.org is expected, without a port", option->name,
		                 text);
	if (options->n_host_names == OPTIONS_MAX_NAMES)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "%s: more than %d names", option->name,
		                 OPTIONS_MAX_NAMES);
	options->host_names[options->n_host_names++] = text;
	return 0;
}

static int set_flag(const struct option *option, void *field, const char *text, struct qlstm_error *error)
{
	(void)option;
	(void)text;
	(void)error;
	*(bool *)field = true;
	return 0;
}

static int (*const setters[])(const struct option *, void *, const char *, struct qlstm_error *) = {
    [KIND_FLAG] = set_flag,   [KIND_TEXT] = set_text,  [KIND_INT] = set_int,
    [KIND_BYTES] = set_bytes, [KIND_SIZE] = set_bytes, [KIND_NAME] = set_name};

static int refuse(const char *word, struct qlstm_error *error)
{
	const char *names[N_OPTIONS];
	for (int i = 0; i < N_OPTIONS; i++)
		names[i] = table[i].name;
	const char *nearest = error_nearest(word, names, N_OPTIONS);
	return nearest != NULL
	           ? error_set(error, ERR_UNKNOWN_FIELD, NULL, "unknown option %s; did you mean %s?", word, nearest)
	           : error_set(error, ERR_UNKNOWN_FIELD, NULL, "unknown option %s; see --help", word);
}

/* One option at argv[*at], as "--name value" or "--name=value"; *at moves to its last word. */
static int parse_one(struct options *options, int argc, char **argv, int *at, struct qlstm_error *error)
{
	const char *word = argv[*at];
	size_t length = strcspn(word, "=");
	for (int i = 0; i < N_OPTIONS; i++) {
		const struct option *option = &table[i];
		if (strlen(option->name) != length || strncmp(option->name, word, length) != 0)
			continue;
		const char *value = word[length] == '=' ? word + length + 1 : NULL;
		if (option->kind == KIND_FLAG && value != NULL)
			return error_set(error, ERR_INVALID, NULL, "%s takes no value", option->name);
		if (option->kind != KIND_FLAG && value == NULL) {
			if (*at + 1 >= argc)
				return error_set(error, ERR_MISSING, NULL, "%s needs %s", option->name, option->value);
			value = argv[++*at];
		}
		return setters[option->kind](option, (char *)options + option->offset, value, error);
	}
	return refuse(word, error);
}

static bool can_be_run(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* qlstm-worker in the folder of this executable. */
static int default_worker(struct options *options, struct qlstm_error *error)
{
	ssize_t length = readlink("/proc/self/exe", options->worker, sizeof options->worker - 1);
	if (length > 0) {
		options->worker[length] = '\0';
		char *name = strrchr(options->worker, '/') + 1;
		size_t room = sizeof options->worker - (size_t)(name - options->worker);
		if ((size_t)snprintf(name, room, "qlstm-worker") < room)
			return 0;
	}
	return error_set(error, ERR_IO, NULL, "cannot tell where this program is; use --worker");
}

/* Half of what there is for one experiment, three quarters for all; what is given moves the other one. */
static int complete_memory(struct options *options, struct qlstm_error *error)
{
	size_t all = memory_available(), half = all / 2, most = all - all / 4;
	bool one_given = options->max_memory > 0, all_given = options->memory > 0;
	if (one_given && all_given && options->max_memory > options->memory)
		return error_set(error, ERR_INVALID, NULL,
		                 "--max-memory is more than --memory: an experiment of that size could never run");
	if (!one_given)
		options->max_memory = all_given && options->memory < half ? options->memory : half;
	if (!all_given)
		options->memory = options->max_memory > most ? options->max_memory : most;
	return 0;
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* 0.0.0.0 or [::]: every address the machine, or the container, has. */
static bool is_all_addresses(const char *address)
{
	static const unsigned char zero[16];
	unsigned char binary[16] = {0};
	int known = inet_pton(strchr(address, ':') != NULL ? AF_INET6 : AF_INET, address, binary);
	return known == 1 && memcmp(binary, zero, sizeof zero) == 0;
}

/* The value of `option`: ADDRESS:PORT or [ADDRESS]:PORT, or a PORT alone. */
static int parse_address(struct options *options, const char *option, const char *value, long least_port,
                         struct qlstm_error *error)
{
	char text[sizeof options->listen];
	snprintf(text, sizeof text, "%s", value);
	char *colon = strrchr(text, ':'), *address = text;
	const char *port = colon != NULL ? colon + 1 : text;
	if (colon == NULL)
		address = "127.0.0.1";
	else
		*colon = '\0';
	if (*address == '[' && address[strlen(address) - 1] == ']') {
		address[strlen(address) - 1] = '\0';
		address++;
	}
	if (strcmp(address, "localhost") == 0)
		address = "127.0.0.1";

	unsigned char binary[16];
	char *end;
	long number = strtol(port, &end, 10);
	if (end == port || *end != '\0' || number < least_port || number > 65535 ||
	    (inet_pton(AF_INET, address, binary) != 1 && inet_pton(AF_INET6, address, binary) != 1))
		return error_set(error, ERR_INVALID, NULL,
		                 "%s %s: an IP address and a port are expected, as in 127.0.0.1:8080 or [::1]:8080",
		                 option, value);
	snprintf(options->address, sizeof options->address, "%s", address);
	options->port = (int)number;
	return 0;
}

bool options_on_loopback(const struct options *options)
{
	return is_loopback(options->address) || options->published;
}

/* Whether the command line says who may reach the address. */
static int check_reach(const struct options *options, struct qlstm_error *error)
{
	if (options->published && !is_all_addresses(options->address))
		return error_set(error, ERR_INVALID, NULL,
		                 "--published-on-loopback is for a container, which listens on all its addresses: say "
		                 "--listen 0.0.0.0:%d with it, not %s",
		                 options->port, options->listen);
	if (is_loopback(options->address) || options->allow_remote || options->published)
		return 0;
	return error_set(error, ERR_INVALID, NULL,
	                 "--listen %s: other machines can reach this address. Say --allow-remote if they shall: every "
	                 "request then needs a key (qlstmd key add), or, in a container whose port is published on the "
	                 "host's loopback only, --published-on-loopback",
	                 options->listen);
}

/* "https://127.0.0.1:8443" */
static int parse_health(struct options *options, struct qlstm_error *error)
{
	static const char secure[] = "https://", plain[] = "http://";
	const char *value = options->health;
	if (strncmp(value, secure, sizeof secure - 1) == 0) {
		options->health_scheme = HEALTH_HTTPS;
		value += sizeof secure - 1;
	} else if (strncmp(value, plain, sizeof plain - 1) == 0) {
		options->health_scheme = HEALTH_HTTP;
		value += sizeof plain - 1;
	}
	return parse_address(options, "--health", value, 1, error);
}

/* A certificate is of no use without its key, nor a key without its certificate. */
static int check_tls(const struct options *options, struct qlstm_error *error)
{
	if ((options->tls_certificate[0] != '\0') == (options->tls_key[0] != '\0'))
		return 0;
	return error_set(error, ERR_MISSING, NULL, "--tls-certificate and --tls-key are given together or not at all");
}

static int default_threads(void)
{
	unsigned cores = uv_available_parallelism();
	return cores < TEAM_MAX_THREADS ? (int)cores : TEAM_MAX_THREADS;
}

int options_parse(struct options *options, int argc, char **argv, struct qlstm_error *error)
{
	*options = (struct options){.data = "data",
	                            .listen = "127.0.0.1:8080",
	                            .slots = (int)uv_available_parallelism(),
	                            .threads = default_threads(),
	                            .queue = 10000,
	                            .connections = 4096,
	                            .head_seconds = 10,
	                            .body_seconds = 120,
	                            .idle_seconds = 60,
	                            .body_memory = (size_t)1 << 30,
	                            .max_upload = MAX_UPLOAD,
	                            .grace_seconds = 10,
	                            .checkpoint_seconds = 10,
	                            .hang_seconds = 600,
	                            .reserve = (size_t)16 << 20,
	                            .sweep_seconds = 600,
	                            .log_size = (size_t)64 << 20,
	                            .log_keep = 4};
	int rc = 0;
	for (int i = 1; rc == 0 && i < argc; i++)
		rc = parse_one(options, argc, argv, &i, error);
	if (rc == 0 && options->isa[0] != '\0')
		rc = plan_isa_use(options->isa, error);
	if (rc != 0 || options->help || options->version)
		return rc;
	if (options->health[0] != '\0')
		return parse_health(options, error);
	if (options->address_connections == 0)
		options->address_connections = options->connections > 1 ? options->connections / 2 : 1;
	rc = parse_address(options, "--listen", options->listen, 0, error);
	if (rc == 0)
		rc = check_reach(options, error);
	options->keys_required = options->require_keys || (!is_loopback(options->address) && !options->published);
	if (rc == 0)
		rc = check_tls(options, error);
	if (rc == 0 && options->max_upload > MAX_UPLOAD)
		rc = error_set(error, ERR_OUT_OF_RANGE, NULL, "--max-upload: at most 1G");
	if (rc == 0)
		rc = complete_memory(options, error);
	if (rc == 0 && options->worker[0] == '\0')
		rc = default_worker(options, error);
	if (rc == 0 && !can_be_run(options->worker))
		rc = error_set(error, ERR_NOT_FOUND, NULL, "%s cannot be run; build it, or use --worker",
		               options->worker);
	return rc;
}

void options_print_help(void)
{
	puts("qlstmd: trains quantum recurrent networks over HTTP\n\nusage: qlstmd [OPTION...]\n       qlstmd "
	     "check|backup|restore|key ... (--help tells more)");
	for (int i = 0; i < N_OPTIONS; i++) {
		char left[64];
		snprintf(left, sizeof left, "%s %s", table[i].name, table[i].value != NULL ? table[i].value : "");
		printf("  %-24s %s\n", left, table[i].help);
	}
}
