/* What a worker says: one parsed line of common/line.h. Nothing in it is trusted: names of files are plain names,
 * hashes are hashes, numbers are finite. */
#ifndef QLSTM_RUN_MESSAGE_H
#define QLSTM_RUN_MESSAGE_H

#include <stdint.h>

#include "engine/error.h"
#include "server/run/state.h"
#include "server/store/artifacts.h"
#include "server/store/checkpoints.h"
#include "server/store/db.h"
#include "server/store/metrics.h"

enum message_kind {
	MESSAGE_HELLO,
	MESSAGE_HEARTBEAT,
	MESSAGE_EPOCH,
	MESSAGE_CHECKPOINT,
	MESSAGE_LOG,
	MESSAGE_DONE,
	MESSAGE_ERROR,
	MESSAGE_KINDS
};

/* Those of every run, the weights of another epoch, and two for each of training.snapshots. */
#define MESSAGE_MAX_ARTIFACTS 40

struct message {
	struct message *next; /* the owner's list */
	enum message_kind kind;
	int64_t at; /* ms, when it arrived */
	union {
		int64_t pid; /* hello */
		struct {
			int epoch;
			double seconds;
			char metrics_json[METRICS_JSON_SIZE]; /* as in struct metric_row */
		} metrics;                                    /* epoch */
		struct checkpoint_row checkpoint;             /* attempt is the token's */
		struct {
			struct artifact_row artifacts[MESSAGE_MAX_ARTIFACTS]; /* file: inside the attempt's folder */
			int n_artifacts;
			char warning[256]; /* what people should know of the results; "": nothing */
		} done;
		struct {
			char level[16];         /* of a log line */
			enum run_reason reason; /* of an error */
			char message[384];
		} text;
	} is;
};

/* Of a run of `epochs` epochs. ERR_NOT_FOUND for a type nobody knows, ERR_SYNTAX, ERR_INVALID, ERR_OUT_OF_RANGE for an
 * epoch that the run does not have, ...: the line is to be logged and ignored. Texts hold blanks for control
 * characters. */
int message_parse(const char *line, size_t length, int epochs, struct message *out, struct qlstm_error *error);

/* Whether there is something to store, and storing it (writer thread). ERR_CONFLICT: the token is not current. */
bool message_is_stored(const struct message *message);
int message_store(struct db *db, const struct run_token *token, const struct message *message,
                  struct qlstm_error *error);

#endif
