/* Fills worker slots from the queue. One claim is under way at a time; a claimed attempt is its supervisor's. */
#include "server/run/scheduler.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/common/clock.h"
#include "server/run/attempt.h"
#include "server/run/supervisor.h"

enum {
	LONGEST_WAIT_MS = 60000, /* the wall clock may be put forward: it is looked at this often */
	RETRY_MS = 1000,         /* after a claim that failed */
	ATTEMPT_FILES = 16,      /* descriptors that there must be to begin one */
	LONGEST_DATA_DIR = ATTEMPT_PATH_SIZE - 256,
};

/* An experiment whose worker is to be ended. */
struct request {
	struct request *next;
	char id[RUN_ID_SIZE];
	enum run_reason reason;
};

struct scheduler {
	uv_loop_t *loop;
	struct store *store;
	char *data_dir, *worker_path;
	struct launcher launcher;
	struct supervisor_config supervision;
	struct supervisor **supervisors; /* `slots` long, the first n_running are in use */
	int n_running;
	int threads;
	uv_timer_t timer;
	uv_async_t async;
	int open_handles;
	struct supervisor *next;    /* for the attempt to be claimed; may be NULL */
	bool nothing;               /* the claim found that it is nobody's turn; like `claim` */
	struct attempt_claim claim; /* the writer thread's while claiming */
	struct turn_room room;      /* that it may take */
	/* Not beside `nothing`: a compiler reads neighbors in one, which the thread sanitizer takes for a race. */
	bool claiming, again; /* again: something was queued after the claim had looked */
	bool draining;
	void (*drained)(void *context);
	void *drained_context;
	pthread_mutex_t lock; /* guards what follows */
	struct request *requests;
	bool stop_held; /* while it is held: what runs is to end */
	struct scheduler_counters counters;
};

static void claim_next(struct scheduler *scheduler);

static void on_timer(uv_timer_t *timer)
{
	claim_next(timer->data);
}

static void publish_busy(struct scheduler *scheduler)
{
	int64_t bytes = 0;
	for (int i = 0; i < scheduler->n_running; i++)
		bytes += supervisor_bytes(scheduler->supervisors[i]);
	pthread_mutex_lock(&scheduler->lock);
	scheduler->counters.busy = scheduler->n_running;
	scheduler->counters.planned_bytes = bytes;
	pthread_mutex_unlock(&scheduler->lock);
}

static struct turn_room find_room(const struct scheduler *scheduler)
{
	const struct scheduler_counters *counters = &scheduler->counters; /* written by this thread alone */
	if (counters->memory == 0)
		return TURN_ANY_ROOM;
	int64_t left = counters->memory - counters->planned_bytes;
	return (struct turn_room){.free = left > 0 ? left : 0, .most = counters->memory};
}

static bool is_held(struct scheduler *scheduler, bool *stop)
{
	pthread_mutex_lock(&scheduler->lock);
	bool held = scheduler->counters.held_since != 0;
	*stop = held && scheduler->stop_held;
	pthread_mutex_unlock(&scheduler->lock);
	return held;
}

static void on_drained(uv_timer_t *timer)
{
	struct scheduler *scheduler = timer->data;
	void (*drained)(void *context) = scheduler->drained;
	scheduler->drained = NULL;
	drained(scheduler->drained_context);
}

/* Through the timer, which has nothing else to do by then: `drained` may close us, and whoever called us is not done.
 */
static void finish_drain(struct scheduler *scheduler)
{
	if (scheduler->drained != NULL && scheduler->n_running == 0 && !scheduler->claiming)
		uv_timer_start(&scheduler->timer, on_drained, 0, 0);
}

static void count_end(struct scheduler_counters *counters, enum run_status now)
{
	uint64_t *const places[STATUS_COUNT] = {
	    [STATUS_SUCCEEDED] = &counters->succeeded,
	    [STATUS_FAILED] = &counters->failed,
	    [STATUS_CANCELLED] = &counters->cancelled,
	    [STATUS_QUEUED] = &counters->requeued,
	};
	if (places[now] != NULL)
		++*places[now];
}

static void on_ended(void *context, struct supervisor *supervisor, enum run_status now)
{
	struct scheduler *scheduler = context;
	for (int i = 0; i < scheduler->n_running; i++)
		if (scheduler->supervisors[i] == supervisor)
			scheduler->supervisors[i] = scheduler->supervisors[--scheduler->n_running];
	pthread_mutex_lock(&scheduler->lock);
	count_end(&scheduler->counters, now);
	pthread_mutex_unlock(&scheduler->lock);
	publish_busy(scheduler);
	scheduler_wake(scheduler);
	finish_drain(scheduler);
}

/* Tells the supervisors whose experiments are to end. While a claim is under way an unknown id may be its: it waits. */
static void serve_requests(struct scheduler *scheduler)
{
	pthread_mutex_lock(&scheduler->lock);
	struct request *list = scheduler->requests;
	scheduler->requests = NULL;
	pthread_mutex_unlock(&scheduler->lock);
	struct request *kept = NULL, **kept_end = &kept;
	for (struct request *request = list, *next; request != NULL; request = next) {
		next = request->next;
		bool found = false;
		for (int i = 0; i < scheduler->n_running && !found; i++) {
			found = strcmp(supervisor_id(scheduler->supervisors[i]), request->id) == 0;
			if (found)
				supervisor_stop(scheduler->supervisors[i], request->reason);
		}
		if (found || !scheduler->claiming) {
			free(request);
			continue;
		}
		*kept_end = request;
		kept_end = &request->next;
	}
	pthread_mutex_lock(&scheduler->lock);
	*kept_end = scheduler->requests;
	scheduler->requests = kept;
	pthread_mutex_unlock(&scheduler->lock);
}

/* After a claim that found nothing: for how long to sleep, 0 for until woken. */
static int64_t idle_ms(const struct scheduler *scheduler)
{
	if (!scheduler->nothing)
		return RETRY_MS;
	if (scheduler->claim.next_due == 0)
		return 0;
	int64_t wait = scheduler->claim.next_due - clock_now_ms();
	if (wait < 1)
		return 1;
	return wait < LONGEST_WAIT_MS ? wait : LONGEST_WAIT_MS;
}

/* An equal share of the threads, given how many workers there is work for now. A share once dealt is kept to the
 * attempt's end: more work that comes later shares the cores by the kernel's scheduling. */
static int deal_threads(const struct scheduler *scheduler)
{
	int workers = scheduler->n_running + scheduler->claim.waiting;
	if (workers > scheduler->counters.slots)
		workers = scheduler->counters.slots;
	int share = scheduler->threads / (workers > 0 ? workers : 1);
	return share > 1 ? share : 1;
}

static void on_claimed(void *argument, const struct qlstm_error *error)
{
	struct scheduler *scheduler = argument;
	bool again = scheduler->again, stop = false;
	scheduler->claiming = false;
	if (error->code == 0 && !scheduler->nothing) {
		struct supervisor *supervisor = scheduler->next;
		scheduler->next = NULL;
		scheduler->supervisors[scheduler->n_running++] = supervisor;
		pthread_mutex_lock(&scheduler->lock);
		scheduler->counters.started++;
		pthread_mutex_unlock(&scheduler->lock);
		scheduler->claim.attempt.threads = deal_threads(scheduler);
		scheduler->claim.attempt.most_bytes = scheduler->counters.memory;
		supervisor_run(supervisor, &scheduler->claim.attempt);
		scheduler->claim.attempt.spec_json = NULL; /* the supervisor's */
		publish_busy(scheduler);
		is_held(scheduler, &stop);
		if (scheduler->draining)
			supervisor_shut_down(supervisor);
		else if (stop)
			supervisor_stop(supervisor, REASON_SHUTDOWN);
		again = true;
	} else {
		attempt_free(&scheduler->claim.attempt); /* read, and not committed */
	}
	serve_requests(scheduler);
	int64_t wait = again ? 0 : idle_ms(scheduler);
	if (again)
		claim_next(scheduler);
	else if (wait > 0 && !scheduler->draining)
		uv_timer_start(&scheduler->timer, on_timer, (uint64_t)wait, 0);
	finish_drain(scheduler);
}

static int run_claim(struct db *db, void *argument, struct qlstm_error *error)
{
	struct scheduler *scheduler = argument;
	int rc = attempt_claim(db, scheduler->room, &scheduler->claim, error);
	scheduler->nothing = rc == ERR_NOT_FOUND;
	if (!scheduler->nothing)
		return rc;
	error_clear(error); /* what was noted of those that wait is kept */
	return 0;
}

/* An attempt takes a few descriptors; without them it would fail for no fault of its own. They are given out from
 * below: one near the limit says that few are left. */
static bool lacks_descriptors(const struct scheduler *scheduler)
{
	struct rlimit limit;
	int probe = fcntl(uv_backend_fd(scheduler->loop), F_DUPFD_CLOEXEC, 0);
	if (probe >= 0)
		close(probe);
	return probe < 0 || (getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)probe + ATTEMPT_FILES > limit.rlim_cur);
}

static void claim_next(struct scheduler *scheduler)
{
	bool stop = false;
	scheduler->again = scheduler->claiming;
	if (scheduler->claiming || scheduler->draining || scheduler->n_running == scheduler->counters.slots ||
	    is_held(scheduler, &stop))
		return;
	scheduler->room = find_room(scheduler);
	uv_timer_stop(&scheduler->timer);
	int rc = lacks_descriptors(scheduler) ? ERR_UNAVAILABLE : 0;
	if (rc == 0 && scheduler->next == NULL)
		rc = supervisor_open(&scheduler->next, &scheduler->supervision, NULL);
	if (rc == 0)
		rc = store_submit(scheduler->store, run_claim, on_claimed, scheduler);
	scheduler->claiming = rc == 0;
	if (rc != 0)
		uv_timer_start(&scheduler->timer, on_timer, RETRY_MS, 0);
}

void scheduler_wake(struct scheduler *scheduler)
{
	serve_requests(scheduler);
	claim_next(scheduler);
}

static void on_async(uv_async_t *async)
{
	struct scheduler *scheduler = async->data;
	bool stop = false;
	for (int i = 0; is_held(scheduler, &stop) && stop && i < scheduler->n_running; i++)
		supervisor_stop(scheduler->supervisors[i], REASON_SHUTDOWN);
	scheduler_wake(scheduler);
}

void scheduler_notify(struct scheduler *scheduler)
{
	uv_async_send(&scheduler->async);
}

void scheduler_stop(struct scheduler *scheduler, const char *id, enum run_reason reason)
{
	struct request *request = calloc(1, sizeof *request);
	if (request != NULL) {
		strncpy(request->id, id, sizeof request->id - 1);
		request->reason = reason;
		pthread_mutex_lock(&scheduler->lock);
		request->next = scheduler->requests;
		scheduler->requests = request;
		pthread_mutex_unlock(&scheduler->lock);
	} /* else the supervisor sees it in the row when it stores the next message */
	uv_async_send(&scheduler->async);
}

void scheduler_hold(struct scheduler *scheduler, bool stop)
{
	pthread_mutex_lock(&scheduler->lock);
	if (scheduler->counters.held_since == 0)
		scheduler->counters.held_since = clock_now_ms();
	scheduler->stop_held = stop;
	pthread_mutex_unlock(&scheduler->lock);
	uv_async_send(&scheduler->async);
}

void scheduler_release(struct scheduler *scheduler)
{
	pthread_mutex_lock(&scheduler->lock);
	scheduler->counters.held_since = 0;
	pthread_mutex_unlock(&scheduler->lock);
	uv_async_send(&scheduler->async);
}

void scheduler_drain(struct scheduler *scheduler, void (*done)(void *context), void *context)
{
	scheduler->draining = true;
	scheduler->drained = done;
	scheduler->drained_context = context;
	uv_timer_stop(&scheduler->timer);
	for (int i = 0; i < scheduler->n_running; i++)
		supervisor_shut_down(scheduler->supervisors[i]);
	finish_drain(scheduler);
}

void scheduler_counters(struct scheduler *scheduler, struct scheduler_counters *out)
{
	pthread_mutex_lock(&scheduler->lock);
	*out = scheduler->counters;
	pthread_mutex_unlock(&scheduler->lock);
}

static void free_scheduler(struct scheduler *scheduler)
{
	for (struct request *request = scheduler->requests, *next; request != NULL; request = next) {
		next = request->next;
		free(request);
	}
	pthread_mutex_destroy(&scheduler->lock);
	free(scheduler->supervisors);
	free(scheduler->data_dir);
	free(scheduler->worker_path);
	free(scheduler);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct scheduler *scheduler = handle->data;
	if (--scheduler->open_handles == 0)
		free_scheduler(scheduler);
}

void scheduler_close(struct scheduler *scheduler)
{
	if (scheduler == NULL)
		return;
	supervisor_close(scheduler->next);
	uv_close((uv_handle_t *)&scheduler->timer, on_handle_closed);
	uv_close((uv_handle_t *)&scheduler->async, on_handle_closed);
}

int scheduler_open(struct scheduler **out, uv_loop_t *loop, struct store *store, const struct scheduler_config *config,
                   struct qlstm_error *error)
{
	if (strlen(config->data_dir) > LONGEST_DATA_DIR)
		return error_set(error, ERR_OUT_OF_RANGE, NULL, "the path of the data directory is too long");
	struct scheduler *scheduler = calloc(1, sizeof *scheduler);
	if (scheduler == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the scheduler");
	pthread_mutex_init(&scheduler->lock, NULL);
	scheduler->loop = loop;
	scheduler->store = store;
	scheduler->data_dir = strdup(config->data_dir);
	scheduler->worker_path = strdup(config->worker_path);
	scheduler->supervisors = calloc((size_t)config->slots, sizeof(struct supervisor *));
	if (scheduler->data_dir == NULL || scheduler->worker_path == NULL || scheduler->supervisors == NULL) {
		free_scheduler(scheduler);
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the scheduler");
	}
	scheduler->launcher = config->launcher != NULL ? *config->launcher : launcher_local(loop);
	scheduler->counters.slots = config->slots;
	scheduler->counters.memory = config->memory;
	scheduler->threads = config->threads;
	scheduler->supervision = (struct supervisor_config){
	    .loop = loop,
	    .store = store,
	    .data_dir = scheduler->data_dir,
	    .launcher = &scheduler->launcher,
	    .worker = {scheduler->worker_path, config->checkpoint_seconds, config->isa, config->max_memory,
	               config->checkpoint_epochs},
	    .grace_ms = config->grace_ms,
	    .hang_ms = config->hang_ms,
	    .ended = on_ended,
	    .context = scheduler,
	};
	int rc = uv_async_init(loop, &scheduler->async, on_async);
	if (rc != 0) {
		free_scheduler(scheduler);
		return error_set(error, ERR_IO, NULL, "cannot watch the scheduler: %s", uv_strerror(rc));
	}
	uv_timer_init(loop, &scheduler->timer);
	scheduler->timer.data = scheduler->async.data = scheduler;
	scheduler->open_handles = 2;
	*out = scheduler;
	return 0;
}
