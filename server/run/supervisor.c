/* One attempt from its claim to its end.
 *
 *   preparing --> running --> collecting --> ending
 *        |           |                          ^
 *        `-----------+--------------------------'
 *
 * Preparing and collecting happen on a pool thread, which then has the fields it uses for itself. */
#include "server/run/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/utf8.h"
#include "server/common/clock.h"
#include "server/run/collect.h"
#include "server/run/prepare.h"
#include "server/run/process.h"
#include "server/run/recorder.h"
#include "server/run/worklog.h"

/* So many messages may wait for the store before the worker has to, and so few let it go on. */
enum { QUEUE_HIGH = 512, QUEUE_LOW = 128 };

/* Lines of its log that become events; all of them are in worker.log. */
enum { MAX_LOG_EVENTS = 1000 };

struct supervisor {
	const struct supervisor_config *config;
	struct attempt attempt;
	struct prepared prepared;
	struct recorder *recorder;
	struct worklog *log;     /* NULL before the worker runs */
	struct process *process; /* NULL before the worker runs */
	uv_work_t work;
	int work_code; /* of the pool thread's work */
	struct qlstm_error work_error;
	enum run_reason stop_reason;    /* what supervisor_stop was told first */
	bool fenced;                    /* another attempt is current */
	struct message *done, *failure; /* the worker's last words */
	bool partial;                   /* what it left is of a run that ended early */
	struct process_end worker_end;
	int log_events;
	struct checkpoint_row checkpoints[2]; /* that the store knows, newest first; file "": none */
	/* What the last write is told, and says. */
	enum run_reason end_reason;
	char end_message[384];
	enum run_status end_status;
	bool end_repeated;
};

static void end_with(struct supervisor *supervisor, enum run_reason reason, const char *message);

const char *supervisor_id(const struct supervisor *supervisor)
{
	return supervisor->attempt.token.id;
}

int64_t supervisor_bytes(const struct supervisor *supervisor)
{
	return supervisor->attempt.bytes;
}

void supervisor_close(struct supervisor *supervisor)
{
	if (supervisor == NULL)
		return;
	worklog_close(supervisor->log);
	process_close(supervisor->process);
	recorder_close(supervisor->recorder);
	attempt_free(&supervisor->attempt);
	free(supervisor->done);
	free(supervisor->failure);
	free(supervisor);
}

static void retire(struct supervisor *supervisor, enum run_status now)
{
	supervisor->config->ended(supervisor->config->context, supervisor, now);
	supervisor_close(supervisor);
}

/* A checkpoint of that name that the store knows as this attempt's own. */
static bool is_kept(const struct supervisor *supervisor, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	for (int i = 0; i < 2; i++)
		if (supervisor->checkpoints[i].attempt == supervisor->attempt.token.attempt &&
		    strcmp(supervisor->checkpoints[i].file, name) == 0)
			return true;
	return false;
}

/* The links to the data set and to the checkpoint of an attempt before go ahead of the end: whoever looks once it is
 * known finds nothing that is nobody's. In the last write of the attempt: nothing of the worker's is on its way then.
 */
static void remove_links(const struct supervisor *supervisor)
{
	const struct prepared *prepared = &supervisor->prepared;
	if (prepared->data[0] != '\0')
		unlink(prepared->data);
	if (prepared->resume[0] != '\0' && !is_kept(supervisor, prepared->resume))
		unlink(prepared->resume);
}

static int store_end(struct db *db, void *argument, struct qlstm_error *error)
{
	struct supervisor *supervisor = argument;
	const char *message = supervisor->end_message[0] != '\0' ? supervisor->end_message : NULL;
	remove_links(supervisor);
	int rc = state_end(db, &supervisor->attempt.token, supervisor->end_reason, message, clock_now_ms(),
	                   &supervisor->end_status, error);
	if (rc != 0 || !supervisor->partial || !status_terminal(supervisor->end_status))
		return rc;
	return collect_add(db, &supervisor->attempt.token, supervisor->done, error);
}

static int store_success(struct db *db, void *argument, struct qlstm_error *error)
{
	struct supervisor *supervisor = argument;
	supervisor->end_status = STATUS_SUCCEEDED;
	remove_links(supervisor);
	return collect_store(db, &supervisor->attempt.token, supervisor->done, error);
}

/* A conflict means that another attempt is current. That is made sure of: were this one current nonetheless, it would
 * stay `running` without a worker. */
static void on_end_stored(void *context, int code)
{
	struct supervisor *supervisor = context;
	if (code == ERR_CONFLICT && !supervisor->end_repeated) {
		supervisor->end_repeated = true;
		supervisor->partial = false;
		end_with(supervisor, REASON_LEASE_LOST, "the store refused what the worker reported");
		return;
	}
	retire(supervisor, code == 0 ? supervisor->end_status : STATUS_RUNNING);
}

static void end_with(struct supervisor *supervisor, enum run_reason reason, const char *message)
{
	supervisor->end_reason = reason;
	snprintf(supervisor->end_message, sizeof supervisor->end_message, "%s", message);
	supervisor->end_message[utf8_cut(supervisor->end_message, sizeof supervisor->end_message - 2)] = '\0';
	recorder_finish(supervisor->recorder, store_end, supervisor, on_end_stored);
}

static void collect_work(uv_work_t *work)
{
	struct supervisor *supervisor = work->data;
	supervisor->work_code = collect_verify(supervisor->config->data_dir, &supervisor->attempt.token,
	                                       supervisor->done, &supervisor->work_error);
}

static void end_without_results(struct supervisor *supervisor, const struct process_end *end);

static void on_collected(uv_work_t *work, int status)
{
	(void)status;
	struct supervisor *supervisor = work->data;
	if (supervisor->partial) {
		supervisor->partial = supervisor->work_code == 0;
		end_without_results(supervisor, &supervisor->worker_end);
		return;
	}
	if (supervisor->work_code != 0)
		end_with(supervisor, REASON_WORKER_CRASHED, supervisor->work_error.message);
	else
		recorder_finish(supervisor->recorder, store_success, supervisor, on_end_stored);
}

/* What each of our own reasons to end an attempt tells the user. */
static const char *stop_message(enum run_reason reason)
{
	static const char *const messages[REASON_COUNT] = {
	    [REASON_TIMEOUT] = "the attempt took longer than limits.max_seconds",
	    [REASON_WORKER_HUNG] = "the worker gave no sign of life",
	    [REASON_SHUTDOWN] = "the daemon was stopped or drained",
	    [REASON_USER_PAUSED] = "the worker was stopped to pause the experiment",
	    [REASON_LEASE_LOST] = "the attempt was given up",
	};
	return messages[reason] != NULL ? messages[reason] : "";
}

static void end_without_results(struct supervisor *supervisor, const struct process_end *end)
{
	char message[128];
	if (supervisor->failure != NULL && end->signal == 0) {
		end_with(supervisor, supervisor->failure->is.text.reason, supervisor->failure->is.text.message);
	} else if (end->reason != REASON_NONE) {
		end_with(supervisor, end->reason, stop_message(end->reason));
	} else if (end->signal != 0) {
		snprintf(message, sizeof message, "worker was killed by signal %d%s", end->signal,
		         end->signal == SIGKILL ? " (possibly out of memory)" : "");
		end_with(supervisor, REASON_WORKER_CRASHED, message);
	} else {
		snprintf(message, sizeof message, "worker ended with status %d and without results", (int)end->status);
		end_with(supervisor, REASON_WORKER_CRASHED, message);
	}
}

/* Results count whatever else was going on: a worker that was told to stop may have been done already. */
static void on_over(void *context)
{
	struct supervisor *supervisor = context;
	struct process_end end = process_end(supervisor->process);
	bool finished = end.status == 0 && end.signal == 0 && supervisor->done != NULL && !supervisor->fenced;
	supervisor->partial = !finished && supervisor->done != NULL && !supervisor->fenced;
	supervisor->worker_end = end;
	if (!finished && !supervisor->partial)
		end_without_results(supervisor, &end);
	else if (uv_queue_work(supervisor->config->loop, &supervisor->work, collect_work, on_collected) != 0)
		end_with(supervisor, REASON_WORKER_CRASHED, "the results could not be verified");
}

static void log_text(struct supervisor *supervisor, const char *level, const char *text)
{
	worklog_add(supervisor->log, level, text, strlen(text));
}

/* Keeps the message for the end; the last one of its kind counts. */
static void keep(struct message **place, struct message *message)
{
	free(*place);
	*place = message;
}

static bool is_for_the_store(struct supervisor *supervisor, const struct message *message)
{
	if (message->kind == MESSAGE_LOG && supervisor->log_events++ >= MAX_LOG_EVENTS)
		return false;
	return message_is_stored(message);
}

static void handle_message(struct supervisor *supervisor, struct message *message)
{
	if (message->kind == MESSAGE_LOG || message->kind == MESSAGE_ERROR)
		log_text(supervisor, message->kind == MESSAGE_LOG ? message->is.text.level : "error",
		         message->is.text.message);
	if (message->kind == MESSAGE_DONE) {
		keep(&supervisor->done, message);
	} else if (message->kind == MESSAGE_ERROR) {
		keep(&supervisor->failure, message);
	} else if (is_for_the_store(supervisor, message)) {
		message->at = clock_now_ms();
		recorder_add(supervisor->recorder, message);
		if (recorder_length(supervisor->recorder) >= QUEUE_HIGH)
			process_pause(supervisor->process);
	} else {
		free(message);
	}
}

static void on_line(void *context, const char *text, size_t length)
{
	struct supervisor *supervisor = context;
	if (supervisor->fenced)
		return;
	if (text == NULL) {
		log_text(supervisor, "warning", "a line that was too long");
		return;
	}
	struct message *message = malloc(sizeof *message);
	if (message == NULL) {
		/* A message left out would leave a hole: the attempt is given up, and the next one repeats it. */
		process_stop(supervisor->process, REASON_LEASE_LOST);
		return;
	}
	struct qlstm_error error = {0};
	if (message_parse(text, length, supervisor->attempt.epochs, message, &error) == 0) {
		handle_message(supervisor, message);
		return;
	}
	free(message);
	log_text(supervisor, "warning", error.message);
	worklog_add(supervisor->log, "ignored", text, length);
}

static void on_removed(uv_fs_t *request)
{
	uv_fs_req_cleanup(request); /* a file too many is no harm: the next attempt removes it */
	free(request);
}

/* The store no longer knows it. */
static void remove_checkpoint(struct supervisor *supervisor, const struct checkpoint_row *checkpoint)
{
	char path[ATTEMPT_PATH_SIZE];
	struct run_token owner = supervisor->attempt.token;
	uv_fs_t *request = malloc(sizeof *request);
	if (request == NULL)
		return;
	owner.attempt = checkpoint->attempt;
	attempt_file(supervisor->config->data_dir, &owner, checkpoint->file, path);
	if (uv_fs_unlink(supervisor->config->loop, request, path, on_removed) != 0)
		free(request);
}

/* A checkpoint that the store knows stays on disk as long as it does: what the worker writes may be far ahead of it. */
static void on_stored(void *context, const struct message *message)
{
	struct supervisor *supervisor = context;
	if (message->kind != MESSAGE_CHECKPOINT)
		return;
	struct checkpoint_row *kept = supervisor->checkpoints, stored = message->is.checkpoint;
	stored.attempt = supervisor->attempt.token.attempt;
	/* A row of the same epoch was replaced; else the second is one too many. */
	int gone = kept[0].file[0] != '\0' && kept[0].epoch == stored.epoch ? 0 : 1;
	bool same = kept[gone].attempt == stored.attempt && strcmp(kept[gone].file, stored.file) == 0;
	if (kept[gone].file[0] != '\0' && !same)
		remove_checkpoint(supervisor, &kept[gone]);
	if (gone == 1)
		kept[1] = kept[0];
	kept[0] = stored;
}

static void on_moved(void *context)
{
	struct supervisor *supervisor = context;
	if (recorder_length(supervisor->recorder) <= QUEUE_LOW)
		process_resume(supervisor->process);
}

static void on_stopping(void *context, enum run_reason reason)
{
	supervisor_stop(context, reason);
}

static void on_fenced(void *context)
{
	struct supervisor *supervisor = context;
	supervisor->fenced = true;
	process_kill(supervisor->process, REASON_LEASE_LOST); /* nothing that it could still save is wanted */
}

static const struct recorder_events recorder_events = {on_stored, on_moved, on_stopping, on_fenced};
static const struct process_events process_events = {on_line, on_over};

void supervisor_stop(struct supervisor *supervisor, enum run_reason reason)
{
	if (supervisor->stop_reason == REASON_NONE)
		supervisor->stop_reason = reason;
	if (supervisor->process != NULL)
		process_stop(supervisor->process, reason);
}

void supervisor_shut_down(struct supervisor *supervisor)
{
	recorder_hurry(supervisor->recorder);
	supervisor_stop(supervisor, REASON_SHUTDOWN);
}

static enum run_reason reason_from_code(int code)
{
	static const struct {
		int code;
		enum run_reason reason;
	} reasons[] = {{ERR_DISK_FULL, REASON_DISK_FULL},
	               {ERR_INVALID, REASON_INVALID_DATA},
	               {ERR_TOO_LARGE, REASON_OUT_OF_MEMORY}};
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return REASON_WORKER_CRASHED; /* taken up again: it may pass */
}

static void prepare_work(uv_work_t *work)
{
	struct supervisor *supervisor = work->data;
	supervisor->work_code = prepare_attempt(supervisor->config->data_dir, &supervisor->attempt,
	                                        &supervisor->prepared, &supervisor->work_error);
}

static int run_worker(struct supervisor *supervisor, struct qlstm_error *error)
{
	const struct supervisor_config *config = supervisor->config;
	struct command command;
	train_command(&command, &config->worker, &supervisor->prepared);
	command.limits = (struct command_limits){supervisor->attempt.max_seconds, config->grace_ms, config->hang_ms};
	int rc = process_start(&supervisor->process, config->loop, config->launcher, &command, &process_events,
	                       supervisor, error);
	command_free(&command);
	return rc;
}

static void on_prepared(uv_work_t *work, int status)
{
	(void)status;
	struct supervisor *supervisor = work->data;
	struct qlstm_error error = {0};
	if (supervisor->work_code != 0) {
		end_with(supervisor, reason_from_code(supervisor->work_code), supervisor->work_error.message);
		return;
	}
	int rc = worklog_open(&supervisor->log, supervisor->config->loop, supervisor->prepared.log_file, &error);
	if (supervisor->stop_reason != REASON_NONE)
		end_with(supervisor, supervisor->stop_reason, stop_message(supervisor->stop_reason));
	else if (rc != 0 || run_worker(supervisor, &error) != 0)
		end_with(supervisor, REASON_WORKER_CRASHED, error.message);
}

void supervisor_run(struct supervisor *supervisor, const struct attempt *attempt)
{
	supervisor->attempt = *attempt;
	for (int i = 0; i < attempt->n_checkpoints && i < 2; i++)
		supervisor->checkpoints[i] = attempt->checkpoints[i];
	if (uv_queue_work(supervisor->config->loop, &supervisor->work, prepare_work, on_prepared) != 0)
		end_with(supervisor, REASON_WORKER_CRASHED, "the attempt could not be prepared");
}

int supervisor_open(struct supervisor **out, const struct supervisor_config *config, struct qlstm_error *error)
{
	struct supervisor *supervisor = calloc(1, sizeof *supervisor);
	if (supervisor == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a supervisor");
	supervisor->config = config;
	supervisor->work.data = supervisor;
	int rc = recorder_open(&supervisor->recorder, config->loop, config->store, &supervisor->attempt.token,
	                       &recorder_events, supervisor, error);
	if (rc != 0) {
		free(supervisor);
		return rc;
	}
	*out = supervisor;
	return 0;
}
