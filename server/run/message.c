/* What a worker says. */
#include "server/run/message.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"
#include "server/common/json_text.h"
#include "server/common/line.h"
#include "server/store/progress.h"

/* What a worker may give as the reason of its end; anything else it says becomes `internal`. The other reasons are the
 * daemon's to decide. */
static const enum run_reason spoken[] = {REASON_TIMEOUT,  REASON_OUT_OF_MEMORY, REASON_INVALID_DATA,
                                         REASON_NAN_LOSS, REASON_DISK_FULL,     REASON_INTERNAL};

static int bad(struct qlstm_error *error, const char *member)
{
	return error_set(error, ERR_INVALID, NULL, "'%s' is missing or not what it should be", member);
}

static int read_count(const json_t *line, const char *member, int64_t max, int64_t *out, struct qlstm_error *error)
{
	const json_t *value = json_object_get(line, member);
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
		return bad(error, member);
	*out = json_integer_value(value);
	return 0;
}

/* NaN where there is none. */
static double read_number(const json_t *line, const char *member)
{
	const json_t *value = json_object_get(line, member);
	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static void read_text(const json_t *line, const char *member, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(line, member));
	size_t length = text != NULL ? utf8_cut(text, size - 1) : 0;
	if (length > 0)
		memcpy(out, text, length);
	out[length] = '\0';
	for (char *at = out; *at != '\0';) {
		size_t control = utf8_control(at);
		memset(at, ' ', control); /* no control code reaches a terminal */
		at += control > 0 ? control : 1;
	}
}

/* A name that cannot lead anywhere: letters, digits, '.', '_' and '-', not starting with a dot. */
static int read_name(const json_t *line, const char *member, char *out, size_t size, struct qlstm_error *error)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *text = json_string_value(json_object_get(line, member));
	if (text == NULL || text[0] == '\0' || text[0] == '.' || strlen(text) >= size ||
	    text[strspn(text, allowed)] != '\0')
		return bad(error, member);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int read_sha256(const json_t *line, char out[65], struct qlstm_error *error)
{
	const char *text = json_string_value(json_object_get(line, "sha256"));
	if (text == NULL || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
		return bad(error, "sha256");
	memcpy(out, text, 65);
	return 0;
}

static int parse_hello(const json_t *line, struct message *out, struct qlstm_error *error)
{
	return read_count(line, "pid", INT32_MAX, &out->is.pid, error);
}

/* Every member that is a number or null, but for those that are no metric; in the order of the line. */
static json_t *pick_metrics(json_t *line)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	json_t *metrics = json_object(), *value;
	const char *name;
	json_object_foreach(line, name, value)
	{
		bool other = strcmp(name, "epoch") == 0 || strcmp(name, "seconds") == 0;
		bool number = json_is_number(value) || json_is_null(value);
		if (!other && number && name[0] != '\0' && name[strspn(name, letters)] == '\0')
			json_object_set(metrics, name, value);
	}
	return metrics;
}

static int parse_epoch(const json_t *line, struct message *out, struct qlstm_error *error)
{
	int64_t epoch = 0;
	out->is.metrics.seconds = read_number(line, "seconds");
	int rc = read_count(line, "epoch", INT32_MAX, &epoch, error);
	out->is.metrics.epoch = (int)epoch;
	if (rc == 0 && !isfinite(read_number(line, "train_loss")))
		rc = bad(error, "train_loss");
	if (rc == 0 && !(out->is.metrics.seconds >= 0))
		rc = bad(error, "seconds");
	if (rc != 0)
		return rc;
	json_t *metrics = pick_metrics((json_t *)line);
	char *text = json_text(metrics);
	size_t length = text != NULL ? strlen(text) : 0;
	if (text == NULL)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	else if (length >= sizeof out->is.metrics.metrics_json)
		rc = error_set(error, ERR_INVALID, NULL, "the metrics take %zu bytes; at most %d", length,
		               METRICS_JSON_SIZE - 1);
	else
		memcpy(out->is.metrics.metrics_json, text, length + 1);
	free(text);
	json_decref(metrics);
	return rc;
}

static int parse_checkpoint(const json_t *line, struct message *out, struct qlstm_error *error)
{
	int64_t epoch = 0;
	struct checkpoint_row *checkpoint = &out->is.checkpoint;
	int rc = read_count(line, "epoch", INT32_MAX, &epoch, error);
	checkpoint->epoch = (int)epoch;
	if (rc == 0)
		rc = read_name(line, "file", checkpoint->file, sizeof checkpoint->file, error);
	return rc != 0 ? rc : read_sha256(line, checkpoint->sha256, error);
}

static int parse_log(const json_t *line, struct message *out, struct qlstm_error *error)
{
	(void)error;
	read_text(line, "level", out->is.text.level, sizeof out->is.text.level);
	read_text(line, "message", out->is.text.message, sizeof out->is.text.message);
	return 0;
}

static int parse_artifact(const json_t *entry, struct artifact_row *out, struct qlstm_error *error)
{
	int rc = read_name(entry, "name", out->name, sizeof out->name, error);
	if (rc == 0) /* the attempt's folder goes in front of it */
		rc = read_name(entry, "file", out->file, sizeof out->file / 2, error);
	if (rc == 0)
		rc = read_count(entry, "bytes", INT64_MAX, &out->bytes, error);
	return rc != 0 ? rc : read_sha256(entry, out->sha256, error);
}

static int parse_done(const json_t *line, struct message *out, struct qlstm_error *error)
{
	const json_t *list = json_object_get(line, "artifacts");
	size_t count = json_array_size(list);
	if (count == 0 || count > MESSAGE_MAX_ARTIFACTS)
		return bad(error, "artifacts");
	for (size_t i = 0; i < count; i++) {
		struct artifact_row *row = &out->is.done.artifacts[i];
		int rc = parse_artifact(json_array_get(list, i), row, error);
		if (rc != 0)
			return rc;
		for (size_t j = 0; j < i; j++)
			if (strcmp(row->name, out->is.done.artifacts[j].name) == 0)
				return error_set(error, ERR_INVALID, NULL, "two artifacts are named '%s'", row->name);
	}
	out->is.done.n_artifacts = (int)count;
	read_text(line, "warning", out->is.done.warning, sizeof out->is.done.warning);
	return 0;
}

static int parse_error(const json_t *line, struct message *out, struct qlstm_error *error)
{
	(void)error;
	enum run_reason reason = REASON_INTERNAL;
	out->is.text.reason = REASON_INTERNAL;
	if (reason_from_name(json_string_value(json_object_get(line, "reason")), &reason) == 0)
		for (size_t i = 0; i < sizeof spoken / sizeof *spoken; i++)
			if (spoken[i] == reason)
				out->is.text.reason = reason;
	read_text(line, "message", out->is.text.message, sizeof out->is.text.message);
	return 0;
}

static int store_hello(struct db *db, const struct run_token *token, const struct message *message,
                       struct qlstm_error *error)
{
	return progress_hello(db, token, message->is.pid, message->at, error);
}

static int store_epoch(struct db *db, const struct run_token *token, const struct message *message,
                       struct qlstm_error *error)
{
	const struct metric_row metric = {.epoch = message->is.metrics.epoch,
	                                  .seconds = message->is.metrics.seconds,
	                                  .metrics_json = message->is.metrics.metrics_json};
	return progress_epoch(db, token, &metric, message->at, error);
}

static int store_checkpoint(struct db *db, const struct run_token *token, const struct message *message,
                            struct qlstm_error *error)
{
	const struct checkpoint_row *checkpoint = &message->is.checkpoint;
	return progress_checkpoint(db, token, checkpoint->epoch, checkpoint->file, checkpoint->sha256, message->at,
	                           error);
}

static int store_log(struct db *db, const struct run_token *token, const struct message *message,
                     struct qlstm_error *error)
{
	return progress_log(db, token, message->is.text.level, message->is.text.message, message->at, error);
}

static const struct {
	const char *type;
	int (*parse)(const json_t *line, struct message *out, struct qlstm_error *error);
	int (*store)(struct db *db, const struct run_token *token, const struct message *message,
	             struct qlstm_error *error);
} kinds[MESSAGE_KINDS] = {
    [MESSAGE_HELLO] = {"hello", parse_hello, store_hello},
    [MESSAGE_HEARTBEAT] = {"heartbeat", NULL, NULL}, /* that it came is all it says */
    [MESSAGE_EPOCH] = {"epoch", parse_epoch, store_epoch},
    [MESSAGE_CHECKPOINT] = {"checkpoint", parse_checkpoint, store_checkpoint},
    [MESSAGE_LOG] = {"log", parse_log, store_log},
    [MESSAGE_DONE] = {"done", parse_done, NULL},
    [MESSAGE_ERROR] = {"error", parse_error, NULL},
};

static int check_epoch(const struct message *message, int epochs, struct qlstm_error *error)
{
	int epoch = message->is.metrics.epoch;
	if (message->kind == MESSAGE_CHECKPOINT)
		epoch = message->is.checkpoint.epoch;
	else if (message->kind != MESSAGE_EPOCH)
		return 0;
	if (epoch >= 1 && epoch <= epochs)
		return 0;
	return error_set(error, ERR_OUT_OF_RANGE, NULL, "epoch %d of %d", epoch, epochs);
}

static int parse_object(const json_t *line, struct message *out, struct qlstm_error *error)
{
	const char *type = json_string_value(json_object_get(line, "type"));
	if (type == NULL)
		return bad(error, "type");
	for (int i = 0; i < MESSAGE_KINDS; i++) {
		if (strcmp(kinds[i].type, type) != 0)
			continue;
		out->kind = (enum message_kind)i;
		return kinds[i].parse != NULL ? kinds[i].parse(line, out, error) : 0;
	}
	return error_set(error, ERR_NOT_FOUND, NULL, "nobody knows the type '%.40s'", type);
}

int message_parse(const char *line, size_t length, int epochs, struct message *out, struct qlstm_error *error)
{
	json_error_t problem;
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
	if (object == NULL)
		return error_set(error, ERR_SYNTAX, NULL, "not JSON: %s", problem.text);
	memset(out, 0, sizeof *out);
	int rc = parse_object(object, out, error);
	json_decref(object);
	return rc == 0 ? check_epoch(out, epochs, error) : rc;
}

bool message_is_stored(const struct message *message)
{
	return kinds[message->kind].store != NULL;
}

int message_store(struct db *db, const struct run_token *token, const struct message *message,
                  struct qlstm_error *error)
{
	return kinds[message->kind].store(db, token, message, error);
}
