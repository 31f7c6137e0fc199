/* qlstmd, the daemon: a list of steps, undone in reverse. */
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "engine/circuit/plan.h"
#include "engine/qlstm.h"
#include "server/api/catalog.h"
#include "server/api/context.h"
#include "server/api/contract.h"
#include "server/api/routes.h"
#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/common/landlock.h"
#include "server/data_command.h"
#include "server/disk/caretaker.h"
#include "server/disk/loss.h"
#include "server/health.h"
#include "server/http/log.h"
#include "server/key_command.h"
#include "server/options.h"
#include "server/pool.h"
#include "server/run/orphans.h"
#include "server/run/state.h"

#define OPEN_TRIES        32   /* of the database: the reserve is given up in parts */
#define OTHER_FILES       4096 /* that may be open beside connections */
#define PREDICT_SECONDS   30   /* from a request to its answer */
#define PREDICTOR_IDLE_MS 60000
#define IDLE_CHECK_MS     50
#define IDLE_WAIT_MS      5000 /* for clients to take their last replies */

struct daemon {
	struct options options;
	char data[PATH_MAX]; /* absolute */
	uv_loop_t *loop;
	uv_signal_t signals[3]; /* SIGTERM, SIGINT, SIGHUP */
	uv_timer_t idle_timer;
	struct orphans *orphans;
	struct caretaker *caretaker;
	struct api api;
	struct host_names hosts;
	struct tls_files tls;
	struct http_server *http;
	bool stopping, drained;
	uint64_t idle_deadline;
};

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

/* Told to stop before it can, the daemon stops once it can: process 1 of a container would lose the signal, another die
 * of it with the start half done. */
static void hold_stop_signals(bool hold)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static int open_process(struct daemon *daemon, struct qlstm_error *error)
{
	hold_stop_signals(true);
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
	return rc == 0 ? plan_estimates_new(&daemon->api.plans, error) : rc;
}

static int open_pool(struct daemon *daemon, struct qlstm_error *error)
{
	return pool_open(daemon->loop, error);
}

static void close_process(struct daemon *daemon)
{
	plan_estimates_free(daemon->api.plans);
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

static int make_folders(struct daemon *daemon, struct qlstm_error *error)
{
	static const char *const folders[] = {"", "/runs", "/datasets"};
	char path[PATH_MAX + 16];
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		snprintf(path, sizeof path, "%s%s", daemon->options.data, folders[i]);
		int rc = file_make_directory(path, error);
		while (rc == ERR_DISK_FULL && reserve_give_up(daemon->api.reserve)) {
			error_clear(error);
			rc = file_make_directory(path, error);
		}
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* A disk that is full gets its reserve, which is there for this; a damaged database is put aside where that is
 * accepted. What may be tried again: 0, with the store still closed. */
static int make_openable(struct daemon *daemon, const struct qlstm_error *cause, struct loss *loss,
                         struct qlstm_error *error)
{
	bool full = cause->code == ERR_DISK_FULL || cause->code == ERR_IO;
	if (full && reserve_give_up(daemon->api.reserve))
		return 0;
	if (cause->code == ERR_CORRUPT)
		return loss_of_damage(daemon->data, daemon->options.accept_loss, loss, error);
	return error_set(error, cause->code, NULL, "%s", cause->message);
}

static int open_database(struct daemon *daemon, struct qlstm_error *error)
{
	char path[PATH_MAX + 16];
	struct loss loss = {0};
	snprintf(path, sizeof path, "%s/qlstmd.db", daemon->data);
	int rc = loss_before_open(daemon->data, daemon->options.accept_loss, &loss, error);
	for (int tries = 0; rc == 0; tries++) {
		struct qlstm_error cause = {0};
		rc = store_open(&daemon->api.store, path, daemon->loop, &cause);
		if (rc == 0)
			break;
		rc = tries < OPEN_TRIES ? make_openable(daemon, &cause, &loss, error)
		                        : error_set(error, rc, NULL, "%s", cause.message);
	}
	if (loss.report[0] != '\0')
		log_message("warning", "%s", loss.report);
	return rc;
}

static int open_store(struct daemon *daemon, struct qlstm_error *error)
{
	int rc = file_make_directory(daemon->options.data, error);
	if (rc == 0 && realpath(daemon->options.data, daemon->data) == NULL)
		rc = error_set(error, ERR_IO, NULL, "%s: no such directory", daemon->options.data);
	if (rc == 0)
		rc = reserve_open(&daemon->api.reserve, daemon->data, daemon->options.reserve, error);
	if (rc != 0)
		return rc;
	daemon->api.data_dir = daemon->data;
	rc = make_folders(daemon, error);
	if (rc == 0)
		rc = open_database(daemon, error);
	if (rc == 0 && store_remark(daemon->api.store)[0] != '\0')
		log_message("warning", "%s", store_remark(daemon->api.store));
	if (rc != 0)
		reserve_close(daemon->api.reserve);
	return rc;
}

static void close_store(struct daemon *daemon)
{
	store_close(daemon->api.store);
	uv_run(daemon->loop, UV_RUN_DEFAULT); /* the close callbacks of all that was in the loop */
	reserve_close(daemon->api.reserve);
}

/* Who reaches an address that others reach shows a key, but where an option says who that is. */
static int open_keeper(struct daemon *daemon, struct qlstm_error *error)
{
	const struct options *options = &daemon->options;
	int rc = audit_open(&daemon->api.audit, daemon->data, error);
	if (rc != 0)
		return rc;
	rc = keeper_open(&daemon->api.keeper, daemon->data, options->keys_required, error);
	if (rc != 0)
		audit_close(daemon->api.audit);
	if (rc == 0 && options->keys_required && !keeper_has_keys(daemon->api.keeper))
		log_message("warning",
		            "keys are required and there are none: qlstmd key add NAME --data DIR makes one");
	return rc;
}

static void close_keeper(struct daemon *daemon)
{
	keeper_close(daemon->api.keeper);
	audit_close(daemon->api.audit);
}

struct recovered {
	int requeued, cancelled;
};

static int write_recovery(struct db *db, void *argument, struct qlstm_error *error)
{
	struct recovered *recovered = argument;
	return state_recover(db, clock_now_ms(), &recovered->requeued, &recovered->cancelled, error);
}

/* Runs that the last daemon left behind are put right before anybody can ask about them; then what it left of files is
 * removed, and the reserve is filled up. */
static int recover(struct daemon *daemon, struct qlstm_error *error)
{
	struct recovered recovered = {0};
	struct loss loss = {0};
	struct inventory inventory = caretaker_inventory(daemon->data, daemon->api.store);
	inventory.alone = true;
	int rc = loss_after_open(&inventory, daemon->options.accept_loss, &loss, error);
	if (rc != 0)
		return rc;
	if (loss.report[0] != '\0')
		log_message("warning", "%s", loss.report);
	rc = reserve_write(daemon->api.reserve, daemon->api.store, write_recovery, &recovered, error);
	if (rc == ERR_DISK_FULL) { /* even so: what is nobody's may be enough */
		caretaker_sweep(&inventory, daemon->api.store);
		error_clear(error);
		rc = store_write(daemon->api.store, write_recovery, &recovered, error);
	}
	if (rc == 0 && recovered.requeued + recovered.cancelled > 0)
		log_message("info", "recovered: %d experiments queued again, %d cancelled", recovered.requeued,
		            recovered.cancelled);
	if (rc == 0) {
		caretaker_sweep(&inventory, daemon->api.store);
		caretaker_fill_reserve(daemon->api.reserve, daemon->api.store);
	}
	return rc;
}

static int open_caretaker(struct daemon *daemon, struct qlstm_error *error)
{
	const struct caretaker_config config = {.data_dir = daemon->data,
	                                        .datasets = &daemon->api.datasets,
	                                        .reserve = daemon->api.reserve,
	                                        .sweep_seconds = daemon->options.sweep_seconds};
	return caretaker_open(&daemon->caretaker, daemon->loop, daemon->api.store, &config, error);
}

static void close_caretaker(struct daemon *daemon)
{
	caretaker_close(daemon->caretaker);
}

static int open_events(struct daemon *daemon, struct qlstm_error *error)
{
	daemon->api.loop = daemon->loop;
	return hub_open(&daemon->api.hub, daemon->loop, daemon->api.store, error);
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
	const struct scheduler_config config = {.data_dir = daemon->data,
	                                        .worker_path = daemon->options.worker,
	                                        .isa = daemon->options.isa,
	                                        .max_memory = daemon->options.max_memory,
	                                        .memory = (int64_t)daemon->options.memory,
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

/* By which names requests may call this server. On a loopback address no others than those of this machine and those
 * given: a browser there could be led to it under any. Elsewhere all, until some are given: who sees the address from
 * outside is the proxy's or the keys' to judge, and its names are not known here. --health calls it localhost. */
static void name_hosts(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	if (options_on_loopback(options) || options->n_host_names > 0)
		host_names_add_loopback(&daemon->hosts);
	if (options_on_loopback(options) && !options->published)
		host_names_add(&daemon->hosts, options->address); /* 127.0.0.2 */
	for (int i = 0; i < options->n_host_names; i++)
		host_names_add(&daemon->hosts, options->host_names[i]);
}

/* A wrong file is said before anything is begun. */
static int open_tls(struct daemon *daemon, struct qlstm_error *error)
{
	const struct options *options = &daemon->options;
	if (options->tls_certificate[0] == '\0')
		return 0;
	int rc = tls_open(&daemon->tls, options->tls_certificate, options->tls_key, error);
	if (rc != 0)
		tls_close(&daemon->tls);
	return rc;
}

static void close_tls(struct daemon *daemon)
{
	tls_close(&daemon->tls);
}

static int open_http(struct daemon *daemon, struct qlstm_error *error)
{
	/* Shares of the pool that leave threads for short requests and attempts, however much of the rest there is. */
	int threads = pool_threads(), few = threads < 16 ? 1 : threads / 16;
	/* Many: the more wait for one commit, the more share it. */
	int submissions = threads < 8 ? 1 : threads / 2;
	name_hosts(daemon);
	const struct http_config config = {.tls = daemon->tls.certificate != NULL ? &daemon->tls : NULL,
	                                   .hosts = &daemon->hosts,
	                                   .address = daemon->options.address,
	                                   .port = daemon->options.port,
	                                   .max_connections = daemon->options.connections,
	                                   .max_connections_by_address = daemon->options.address_connections,
	                                   .header_seconds = daemon->options.head_seconds,
	                                   .body_seconds = daemon->options.body_seconds,
	                                   .body_memory = daemon->options.body_memory,
	                                   .idle_seconds = daemon->options.idle_seconds,
	                                   .handler = routes_handle,
	                                   .admits = routes_admit,
	                                   .body_limit = routes_body_limit,
	                                   .lane = routes_lane,
	                                   .lane_limits = {[LANE_LIST] = few,
	                                                   [LANE_SUBMIT] = submissions,
	                                                   [LANE_WRITE] = few,
	                                                   [LANE_BULK] = few,
	                                                   [LANE_PREDICT] = few},
	                                   .context = &daemon->api};
	return http_open(&daemon->http, daemon->loop, &config, error);
}

static void close_http(struct daemon *daemon)
{
	predictor_pool_stop(daemon->api.predictors); /* handlers that wait for an answer wait no longer */
	http_close(daemon->http);
}

/* Ends the loop when the workers are gone and the last replies are out, or nobody takes them. */
static void on_idle_timer(uv_timer_t *timer)
{
	struct daemon *daemon = timer->data;
	if (!daemon->drained)
		return;
	if (daemon->idle_deadline == 0)
		daemon->idle_deadline = uv_now(daemon->loop) + IDLE_WAIT_MS;
	if (http_idle(daemon->http) || uv_now(daemon->loop) >= daemon->idle_deadline)
		uv_stop(daemon->loop);
}

static void on_drained(void *context)
{
	struct daemon *daemon = context;
	daemon->drained = true;
}

/* The first signal stops politely: no new connections, workers checkpoint and their runs go back to the queue. */
static void on_signal(uv_signal_t *handle, int number)
{
	struct daemon *daemon = handle->data;
	if (daemon->stopping)
		_exit(128 + number);
	daemon->stopping = true;
	log_message("info", "stopping");
	atomic_store(&daemon->api.draining, true);
	http_quiesce(daemon->http);
	scheduler_drain(daemon->api.scheduler, on_drained, daemon);
	uv_timer_start(&daemon->idle_timer, on_idle_timer, 0, IDLE_CHECK_MS);
}

static void on_hangup(uv_signal_t *handle, int number)
{
	(void)handle, (void)number;
	log_reopen();
}

static int open_signals(struct daemon *daemon, struct qlstm_error *error)
{
	static const struct {
		int number;
		void (*seen)(uv_signal_t *handle, int number);
	} signals[] = {{SIGTERM, on_signal}, {SIGINT, on_signal}, {SIGHUP, on_hangup}};
	uv_timer_init(daemon->loop, &daemon->idle_timer);
	daemon->idle_timer.data = daemon;
	for (int i = 0; i < 3; i++) {
		daemon->signals[i].data = daemon;
		bool ends = signals[i].number == SIGHUP && daemon->options.log[0] == '\0'; /* as it does by itself */
		if (uv_signal_init(daemon->loop, &daemon->signals[i]) != 0 ||
		    (!ends && uv_signal_start(&daemon->signals[i], signals[i].seen, signals[i].number) != 0))
			return error_set(error, ERR_INTERNAL, NULL, "cannot watch signals");
	}
	hold_stop_signals(false);
	return 0;
}

static void close_signals(struct daemon *daemon)
{
	uv_close((uv_handle_t *)&daemon->idle_timer, NULL);
	for (int i = 0; i < 3; i++)
		uv_close((uv_handle_t *)&daemon->signals[i], NULL);
}

static int serve(struct daemon *daemon, struct qlstm_error *error)
{
	(void)error;
	bool ipv6 = strchr(daemon->options.address, ':') != NULL;
	printf("listening on http%s://%s%s%s:%d\n", daemon->tls.certificate != NULL ? "s" : "", ipv6 ? "[" : "",
	       daemon->options.address, ipv6 ? "]" : "", http_port(daemon->http));
	fflush(stdout);
	scheduler_wake(daemon->api.scheduler);
	uv_run(daemon->loop, UV_RUN_DEFAULT); /* until on_idle_timer stops it */
	return 0;
}

static const struct step steps[] = {
    {"process", open_process, close_process},
    {"certificate", open_tls, close_tls},
    {"threads", open_pool, NULL},
    {"contract", open_contract, close_contract},
    {"store", open_store, close_store},
    {"keys", open_keeper, close_keeper},
    {"recover", recover, NULL},
    {"caretaker", open_caretaker, close_caretaker},
    {"events", open_events, close_events},
    {"orphans", open_orphans, close_orphans},
    {"scheduler", open_scheduler, close_scheduler},
    {"predictors", open_predictors, close_predictors},
    {"listen", open_http, close_http},
    {"signals", open_signals, close_signals},
    {"serve", serve, NULL},
};

enum { N_STEPS = sizeof steps / sizeof steps[0] };

static int run(struct daemon *daemon)
{
	struct qlstm_error error = {0};
	int done = 0, rc = 0;
	daemon->api.max_memory = daemon->options.max_memory;
	daemon->api.max_queued = daemon->options.queue;
	daemon->api.threads = daemon->options.threads;
	daemon->api.started_at = clock_now_ms();
	daemon->api.started = clock_monotonic();
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
	if (health_check(options->address, options->port, options->health_tls, &error) == 0)
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
