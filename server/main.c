/* qlstmd, the daemon: a list of steps, undone in reverse. */
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/circuit/plan.h"
#include "engine/circuit/plan_speed.h"
#include "engine/qlstm.h"
#include "server/api/catalog.h"
#include "server/api/contract.h"
#include "server/common/clock.h"
#include "server/common/landlock.h"
#include "server/daemon.h"
#include "server/data_command.h"
#include "server/health.h"
#include "server/http/log.h"
#include "server/key_command.h"
#include "server/notify.h"
#include "server/pool.h"

#define OTHER_FILES       4096 /* that may be open beside connections */
#define PREDICT_SECONDS   30   /* from a request to its answer */
#define PREDICTOR_IDLE_MS 60000

/* A step of the start: names what failed; the message is in `error`. */
struct step {
	const char *name;
	int (*open)(struct daemon *daemon, struct qlstm_error *error);
	void (*close)(struct daemon *daemon); /* NULL: nothing to undo */
};

/* Shells allow 1024 open files, which is fewer than the connections and workers may need. */
static void raise_file_limit(int connections)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)connections + OTHER_FILES;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_process(struct daemon *daemon, struct qlstm_error *error)
{
	daemon_hold_signals(true);
	notify_open();
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit(daemon->options.connections);
	if (sodium_init() < 0)
		return error_set(error, ERR_INTERNAL, NULL, "libsodium does not start");
	if (daemon->options.log[0] != '\0') {
		int rc = log_to(daemon->options.log, daemon->options.log_size, daemon->options.log_keep, error);
		if (rc != 0)
			return rc;
	}
	json_object_seed(0); /* before threads race for it */
	daemon->loop = uv_default_loop();
	if (daemon->loop == NULL || uv_mutex_init(&daemon->api.datasets) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	int rc = labels_seen_open(&daemon->api.labels, error);
	if (rc == 0)
		rc = assessments_open(&daemon->api.assessments, error);
	return rc == 0 ? plan_estimates_new(&daemon->api.plans, error) : rc;
}

static int open_pool(struct daemon *daemon, struct qlstm_error *error)
{
	return pool_open(daemon->loop, error);
}

static void close_process(struct daemon *daemon)
{
	plan_estimates_free(daemon->api.plans);
	assessments_close(daemon->api.assessments);
	labels_seen_close(daemon->api.labels);
	uv_mutex_destroy(&daemon->api.datasets);
	uv_loop_close(daemon->loop);
	log_close();
}

static int open_contract(struct daemon *daemon, struct qlstm_error *error)
{
	(void)daemon;
	int rc = catalog_open(error);
	return rc == 0 ? contract_open(error) : rc;
}

static void close_contract(struct daemon *daemon)
{
	(void)daemon;
	contract_close();
}

static bool look_at_keys(void *context)
{
	return keeper_look(context);
}

static int open_events(struct daemon *daemon, struct qlstm_error *error)
{
	daemon->api.loop = daemon->loop;
	int rc = hub_open(&daemon->api.hub, daemon->loop, daemon->api.store, error);
	if (rc == 0)
		hub_on_look(daemon->api.hub, look_at_keys, daemon->api.keeper);
	return rc;
}

static void close_events(struct daemon *daemon)
{
	hub_close(daemon->api.hub);
}

static int open_orphans(struct daemon *daemon, struct qlstm_error *error)
{
	return orphans_open(&daemon->orphans, daemon->loop, error);
}

static void close_orphans(struct daemon *daemon)
{
	orphans_close(daemon->orphans);
}

static int open_scheduler(struct daemon *daemon, struct qlstm_error *error)
{
	const struct scheduler_config config = {
	    .data_dir = daemon->data,
	    .worker_path = daemon->options.worker,
	    .isa = daemon->options.isa,
	    .max_memory = daemon->options.max_memory,
	    .memory = daemon->options.memory < INT64_MAX ? (int64_t)daemon->options.memory : INT64_MAX,
	    .checkpoint_seconds = daemon->options.checkpoint_seconds,
	    .checkpoint_epochs = daemon->options.checkpoint_epochs,
	    .slots = daemon->options.slots,
	    .threads = daemon->options.threads,
	    .grace_ms = daemon->options.grace_seconds * 1000,
	    .hang_ms = daemon->options.hang_seconds * 1000};
	return scheduler_open(&daemon->api.scheduler, daemon->loop, daemon->api.store, &config, error);
}

static void close_scheduler(struct daemon *daemon)
{
	scheduler_close(daemon->api.scheduler);
}

static int open_predictors(struct daemon *daemon, struct qlstm_error *error)
{
	const struct launcher here = launcher_local(daemon->loop);
	static char runs[PATH_MAX + 8];
	snprintf(runs, sizeof runs, "%s/runs", daemon->data);
	if (landlock_version() == 0)
		log_message("warning",
		            "this kernel has no Landlock, or a container forbids it: workers are not kept from "
		            "files of this user");
	const struct predictor_pool_config config = {.worker_path = daemon->options.worker,
	                                             .isa = daemon->options.isa,
	                                             .folder = runs,
	                                             .launcher = &here,
	                                             .max_bytes = daemon->options.max_memory,
	                                             .idle_ms = PREDICTOR_IDLE_MS,
	                                             .max_seconds = PREDICT_SECONDS};
	return predictor_pool_open(&daemon->api.predictors, daemon->loop, &config, error);
}

static void close_predictors(struct daemon *daemon)
{
	predictor_pool_close(daemon->api.predictors);
}

static int serve(struct daemon *daemon, struct qlstm_error *error)
{
	(void)error;
	bool ipv6 = strchr(daemon->options.address, ':') != NULL;
	printf("listening on http%s://%s%s%s:%d\n", daemon->tls.certificate != NULL ? "s" : "", ipv6 ? "[" : "",
	       daemon->options.address, ipv6 ? "]" : "", http_port(daemon->http));
	fflush(stdout);
	scheduler_wake(daemon->api.scheduler);
	notify_send("READY=1\nSTATUS=listening\n");
	uv_run(daemon->loop, UV_RUN_DEFAULT); /* until on_idle_timer stops it */
	return 0;
}

static const struct step steps[] = {
    {"process", open_process, close_process},
    {"certificate", daemon_open_tls, daemon_close_tls},
    {"threads", open_pool, NULL},
    {"contract", open_contract, close_contract},
    {"store", daemon_open_store, daemon_close_store},
    {"keys", daemon_open_keeper, daemon_close_keeper},
    {"recover", daemon_recover, NULL},
    {"caretaker", daemon_open_caretaker, daemon_close_caretaker},
    {"events", open_events, close_events},
    {"orphans", open_orphans, close_orphans},
    {"scheduler", open_scheduler, close_scheduler},
    {"predictors", open_predictors, close_predictors},
    {"listen", daemon_open_http, daemon_close_http},
    {"signals", daemon_open_signals, daemon_close_signals},
    {"serve", serve, NULL},
};

enum { N_STEPS = sizeof steps / sizeof steps[0] };

static int run(struct daemon *daemon)
{
	struct qlstm_error error = {0};
	int done = 0, rc = 0;
	daemon->api.max_memory = daemon->options.max_memory;
	daemon->api.max_upload = daemon->options.max_upload;
	daemon->api.max_queued = daemon->options.queue;
	daemon->api.threads = daemon->options.threads;
	daemon->api.started_at = clock_now_ms();
	daemon->api.started = clock_monotonic();
	daemon->api.speed = daemon->options.speed > 0 ? daemon->options.speed / 100.0 : plan_speed_measure();
	clock_steady_ms(NULL);
	for (; rc == 0 && done < N_STEPS; done++)
		rc = steps[done].open(daemon, &error);
	if (rc != 0) {
		done--; /* the one that failed has undone its own part */
		fprintf(stderr, "qlstmd: %s: %s\n", steps[done].name, error.message);
	}
	while (done-- > 0)
		if (steps[done].close != NULL)
			steps[done].close(daemon);
	return rc == 0 ? 0 : 1;
}

static int ask_health(const struct options *options)
{
	struct qlstm_error error = {0};
	if (health_check(options->address, options->port, options->health_scheme, &error) == 0)
		return 0;
	fprintf(stderr, "qlstmd: %s\n", error.message);
	return 1;
}

int main(int argc, char **argv)
{
	static struct daemon daemon;
	struct qlstm_error error = {0};
	if (argc > 1 && strcmp(argv[1], "key") == 0)
		return key_command(argc - 1, argv + 1);
	if (argc > 1 && data_command_is(argv[1]))
		return data_command(argc - 1, argv + 1);
	if (options_parse(&daemon.options, argc, argv, &error) != 0) {
		fprintf(stderr, "qlstmd: %s\n", error.message);
		return 2;
	}
	if (daemon.options.help)
		options_print_help();
	else if (daemon.options.version)
		printf("qlstmd %s (%s)\n", QLSTM_VERSION, plan_isa());
	else
		return daemon.options.health[0] != '\0' ? ask_health(&daemon.options) : run(&daemon);
	return 0;
}
