/* Resident predictors.
 *
 * A seat holds a process. Threads take a free seat and use its socket; whatever has to do with the process itself
 * happens on the loop thread:
 *
 *   EMPTY --(a thread wants one)--> WANTED --(loop: started)--> FREE <--> TAKEN
 *     ^                                                          |          |
 *     `---------------(loop: its process has ended)---- DYING <--'----------' */
#include "server/predict/predictor_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/common/clock.h"
#include "server/common/predict/predict_wire.h"
#include "server/run/command.h"

/* Two, so that a long prediction leaves room for short ones. */
enum { SEATS = 2 };

enum seat_state { SEAT_EMPTY, SEAT_WANTED, SEAT_FREE, SEAT_TAKEN, SEAT_DYING };

struct seat {
	struct predictor_pool *pool;
	enum seat_state state;
	void *launch; /* the loop thread's */
	int socket;
	bool ended; /* its process has */
	double used_at;
};

struct predictor_pool {
	uv_loop_t *loop;
	struct predictor_pool_config config;
	struct launcher launcher;
	uv_async_t async;
	uv_timer_t timer;
	int open_handles;
	pthread_mutex_t lock; /* guards what follows, and the seats but for `launch` */
	pthread_cond_t changed;
	struct seat seats[SEATS];
	bool stopping;
	int refusals; /* starts that failed, with the last reason */
	struct qlstm_error refusal;
	struct predictor_counters counters;
};

/* The loop thread's part. The lock is held in all of it. */

static void empty(struct seat *seat)
{
	seat->pool->launcher.close(seat->launch);
	close(seat->socket);
	seat->launch = NULL;
	seat->state = SEAT_EMPTY;
	seat->pool->counters.processes--;
	pthread_cond_broadcast(&seat->pool->changed);
}

static void on_ended(void *context)
{
	struct seat *seat = context;
	pthread_mutex_lock(&seat->pool->lock);
	seat->ended = true;
	if (seat->state != SEAT_TAKEN) /* else the thread finds its socket closed, and gives the seat back */
		empty(seat);
	pthread_mutex_unlock(&seat->pool->lock);
}

static int start(struct seat *seat, struct qlstm_error *error)
{
	struct predictor_pool *pool = seat->pool;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return error_set(error, ERR_UNAVAILABLE, NULL, "no socket for a predictor: %s", strerror(errno));
	struct command command;
	command_init(&command, pool->config.worker_path);
	command_add_option(&command, "--isa", pool->config.isa);
	command_add(&command, "predict");
	command_add(&command, "--serve");
	command_add_option(&command, "--folder", pool->config.folder);
	command_add_memory(&command, pool->config.max_bytes);
	command.input = pair[1];
	command.errors = STDERR_FILENO;
	seat->ended = false;
	int rc = pool->launcher.start(pool->launcher.self, &command, on_ended, seat, &seat->launch, error);
	command_free(&command);
	close(pair[1]);
	if (rc != 0) {
		close(pair[0]);
		return rc;
	}
	seat->socket = pair[0];
	seat->state = SEAT_FREE;
	seat->used_at = clock_monotonic();
	pool->counters.started++;
	pool->counters.processes++;
	return 0;
}

static void start_wanted(struct seat *seat)
{
	struct predictor_pool *pool = seat->pool;
	error_clear(&pool->refusal);
	if (pool->stopping || start(seat, &pool->refusal) != 0) {
		seat->state = SEAT_EMPTY;
		pool->refusals++;
	}
	pthread_cond_broadcast(&pool->changed);
}

static void on_async(uv_async_t *async)
{
	struct predictor_pool *pool = async->data;
	pthread_mutex_lock(&pool->lock);
	for (int i = 0; i < SEATS; i++) {
		struct seat *seat = &pool->seats[i];
		if (seat->state == SEAT_WANTED)
			start_wanted(seat);
		else if (seat->state == SEAT_DYING && seat->ended)
			empty(seat);
		else if (seat->state == SEAT_DYING)
			pool->launcher.kill(seat->launch);
	}
	pthread_mutex_unlock(&pool->lock);
}

/* A process whose socket is closed ends by itself; it is killed to be sure. */
static void on_timer(uv_timer_t *timer)
{
	struct predictor_pool *pool = timer->data;
	double now = clock_monotonic();
	pthread_mutex_lock(&pool->lock);
	for (int i = 0; i < SEATS; i++) {
		struct seat *seat = &pool->seats[i];
		if (seat->state != SEAT_FREE || (now - seat->used_at) * 1000 < pool->config.idle_ms)
			continue;
		seat->state = SEAT_DYING;
		pool->launcher.kill(seat->launch);
	}
	pthread_mutex_unlock(&pool->lock);
}

/* The other threads' part. */

static struct timespec time_of(double deadline)
{
	double whole = (double)(long)deadline;
	return (struct timespec){.tv_sec = (time_t)whole, .tv_nsec = (long)((deadline - whole) * 1e9)};
}

static struct seat *seat_in(struct predictor_pool *pool, enum seat_state state)
{
	for (int i = 0; i < SEATS; i++)
		if (pool->seats[i].state == state)
			return &pool->seats[i];
	return NULL;
}

/* Waits for a free seat; asks for a process where there is room for one and none is on its way. */
static int take(struct predictor_pool *pool, double deadline, struct seat **out, struct qlstm_error *error)
{
	struct timespec until = time_of(deadline);
	int rc = 0, timed_out = 0;
	pthread_mutex_lock(&pool->lock);
	int refusals = pool->refusals;
	for (*out = seat_in(pool, SEAT_FREE); *out == NULL && rc == 0; *out = seat_in(pool, SEAT_FREE)) {
		struct seat *room = seat_in(pool, SEAT_EMPTY);
		if (pool->stopping)
			rc = error_set(error, ERR_UNAVAILABLE, NULL, "the service is shutting down");
		else if (pool->refusals != refusals)
			rc = error_set(error, ERR_UNAVAILABLE, NULL, "%s", pool->refusal.message);
		else if (timed_out != 0)
			rc = error_set(error, ERR_UNAVAILABLE, NULL, "too many predictions are waiting");
		if (rc != 0)
			break;
		if (room != NULL && seat_in(pool, SEAT_WANTED) == NULL) {
			room->state = SEAT_WANTED;
			uv_async_send(&pool->async);
		}
		timed_out = pthread_cond_timedwait(&pool->changed, &pool->lock, &until);
	}
	if (rc == 0)
		(*out)->state = SEAT_TAKEN;
	pthread_mutex_unlock(&pool->lock);
	return rc;
}

/* `alive`: its answer was whole, so the next one can be asked for. */
static void give(struct seat *seat, bool alive)
{
	struct predictor_pool *pool = seat->pool;
	pthread_mutex_lock(&pool->lock);
	seat->state = alive && !seat->ended ? SEAT_FREE : SEAT_DYING;
	seat->used_at = clock_monotonic();
	if (seat->state == SEAT_FREE)
		pthread_cond_broadcast(&pool->changed);
	else
		uv_async_send(&pool->async);
	pthread_mutex_unlock(&pool->lock);
}

struct question {
	const char *path;
	const struct predict_inputs *inputs;
	struct generation generation;
	double deadline;
	const char *text; /* in the place of inputs; NULL: numbers */
	size_t text_length;
	char *said; /* the answer to it, malloc */
	size_t said_length;
	double *outputs; /* the answer's, malloc */
	size_t n_outputs;
	struct qlstm_error problem; /* what the predictor says against it */
};

static int send_question(const struct predictor_pool *pool, int socket, const struct question *question,
                         struct qlstm_error *error)
{
	const struct predict_inputs *inputs = question->inputs;
	const struct predict_request request = {.magic = PREDICT_MAGIC,
	                                        .path_bytes = strlen(question->path),
	                                        .samples = inputs->samples,
	                                        .steps = inputs->steps,
	                                        .features = inputs->features,
	                                        .ahead = inputs->ahead,
	                                        .max_bytes = pool->config.max_bytes,
	                                        .max_seconds = pool->config.max_seconds,
	                                        .generation = question->generation,
	                                        .text_bytes = question->text_length};
	size_t bytes = inputs->samples * inputs->steps * inputs->features * sizeof(double);
	int rc = wire_write(socket, &request, sizeof request, question->deadline, error);
	if (rc == 0)
		rc = wire_write(socket, question->path, request.path_bytes, question->deadline, error);
	if (rc == 0 && question->text != NULL)
		return wire_write(socket, question->text, question->text_length, question->deadline, error);
	return rc == 0 ? wire_write(socket, inputs->values, bytes, question->deadline, error) : rc;
}

static int read_said(int socket, struct question *question, uint64_t bytes, struct qlstm_error *error)
{
	if (bytes == 0 || bytes > PREDICT_MAX_TEXT)
		return error_set(error, ERR_IO, NULL, "the predictor's answer has another shape");
	question->said = malloc(bytes + 1);
	if (question->said == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the predictions");
	question->said_length = bytes;
	question->said[bytes] = '\0';
	int rc = wire_read(socket, question->said, bytes, question->deadline, error);
	if (rc != 0) {
		free(question->said);
		question->said = NULL;
	}
	return rc;
}

static int read_answer(int socket, struct question *question, struct qlstm_error *error)
{
	struct predict_reply reply;
	int rc = wire_read(socket, &reply, sizeof reply, question->deadline, error);
	if (rc != 0)
		return rc;
	if (reply.magic != PREDICT_MAGIC)
		return error_set(error, ERR_IO, NULL, "the predictor speaks another language");
	if (reply.code != 0) {
		rc = wire_read(socket, &question->problem, sizeof question->problem, question->deadline, error);
		if (rc != 0) /* half of it says nothing */
			question->problem = (struct qlstm_error){0};
		question->problem.message[sizeof question->problem.message - 1] = '\0';
		question->problem.pointer[sizeof question->problem.pointer - 1] = '\0';
		return rc;
	}
	if (question->text != NULL)
		return read_said(socket, question, reply.text_bytes, error);
	if (reply.samples != question->inputs->samples || reply.outputs == 0 ||
	    reply.outputs > PREDICT_MAX_NUMBERS / reply.samples)
		return error_set(error, ERR_IO, NULL, "the predictor's answer has another shape");
	size_t bytes = reply.samples * reply.outputs * sizeof(double);
	question->n_outputs = reply.outputs;
	question->outputs = malloc(bytes);
	if (question->outputs == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the predictions");
	rc = wire_read(socket, question->outputs, bytes, question->deadline, error);
	if (rc != 0) {
		free(question->outputs);
		question->outputs = NULL;
	}
	return rc;
}

/* ERR_IO: the process died. */
static int ask(struct predictor_pool *pool, struct question *question, struct qlstm_error *error)
{
	struct seat *seat = NULL;
	int rc = take(pool, question->deadline, &seat, error);
	if (rc != 0)
		return rc;
	rc = send_question(pool, seat->socket, question, error);
	if (rc == 0)
		rc = read_answer(seat->socket, question, error);
	give(seat, rc == 0);
	return rc;
}

/* The answer to a question, of which a process may die once. */
static int answer(struct predictor_pool *pool, struct question *question, struct qlstm_error *error)
{
	struct qlstm_error first = {0}, second = {0};
	question->deadline = clock_monotonic() + pool->config.max_seconds;
	int rc = ask(pool, question, &first);
	if (rc == ERR_IO && (rc = ask(pool, question, &second)) == ERR_IO)
		return error_set(error, ERR_INTERNAL, NULL, "two processes died of this prediction");
	if (rc != 0)
		return error_set(error, rc, NULL, "%s", second.code != 0 ? second.message : first.message);
	if (question->problem.code != 0)
		return error_set(error, question->problem.code, question->problem.pointer, "%s",
		                 question->problem.message);
	pthread_mutex_lock(&pool->lock);
	pool->counters.answered++;
	pthread_mutex_unlock(&pool->lock);
	return 0;
}

int predictor_pool_compute(struct predictor_pool *pool, const char *weights_path, const struct predict_inputs *inputs,
                           double **outputs, size_t *n_outputs, struct qlstm_error *error)
{
	struct question question = {.path = weights_path, .inputs = inputs};
	int rc = answer(pool, &question, error);
	*outputs = question.outputs;
	*n_outputs = question.n_outputs;
	return rc;
}

int predictor_pool_read(struct predictor_pool *pool, const char *weights_path, const char *text, size_t length,
                        char **reply, size_t *reply_length, struct qlstm_error *error)
{
	static const struct predict_inputs none = {.samples = 1, .steps = 1, .features = 1};
	struct question question = {.path = weights_path, .inputs = &none, .text = text, .text_length = length};
	int rc = length > 0 ? answer(pool, &question, error) : error_set(error, ERR_SYNTAX, NULL, "there is no body");
	*reply = question.said;
	*reply_length = question.said_length;
	return rc;
}

int predictor_pool_generate(struct predictor_pool *pool, const char *weights_path, const struct predict_inputs *prompts,
                            const struct generation *generation, double **outputs, struct qlstm_error *error)
{
	struct question question = {.path = weights_path, .inputs = prompts, .generation = *generation};
	int rc = answer(pool, &question, error);
	*outputs = question.outputs;
	if (rc == 0 && question.n_outputs != 2 * generation->length)
		rc = error_set(error, ERR_INTERNAL, NULL, "the predictor's sequences have another length");
	return rc;
}

void predictor_pool_counters(struct predictor_pool *pool, struct predictor_counters *out)
{
	pthread_mutex_lock(&pool->lock);
	*out = pool->counters;
	pthread_mutex_unlock(&pool->lock);
}

int predictor_pool_open(struct predictor_pool **out, uv_loop_t *loop, const struct predictor_pool_config *config,
                        struct qlstm_error *error)
{
	struct predictor_pool *pool = calloc(1, sizeof *pool);
	if (pool == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for predictors");
	pool->loop = loop;
	pool->config = *config;
	pool->launcher = *config->launcher;
	int rc = uv_async_init(loop, &pool->async, on_async);
	if (rc != 0) {
		free(pool);
		return error_set(error, ERR_IO, NULL, "cannot watch predictors: %s", uv_strerror(rc));
	}
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	uv_timer_init(loop, &pool->timer);
	pool->async.data = pool->timer.data = pool;
	pool->open_handles = 2;
	for (int i = 0; i < SEATS; i++)
		pool->seats[i].pool = pool;
	uint64_t every = (uint64_t)config->idle_ms / 4 + 1;
	uv_timer_start(&pool->timer, on_timer, every, every);
	*out = pool;
	return 0;
}

void predictor_pool_stop(struct predictor_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	for (int i = 0; i < SEATS; i++) {
		struct seat *seat = &pool->seats[i];
		if (seat->launch != NULL && !seat->ended)
			pool->launcher.kill(seat->launch);
		if (seat->state == SEAT_FREE)
			seat->state = SEAT_DYING;
	}
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

static void on_closed(uv_handle_t *handle)
{
	struct predictor_pool *pool = handle->data;
	if (--pool->open_handles > 0)
		return;
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void predictor_pool_close(struct predictor_pool *pool)
{
	if (pool == NULL)
		return;
	predictor_pool_stop(pool);
	while (pool->counters.processes > 0)
		uv_run(pool->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&pool->async, on_closed);
	uv_close((uv_handle_t *)&pool->timer, on_closed);
}
