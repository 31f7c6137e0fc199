/* A command: what is to run, wherever that is. A launcher (launcher.h) starts it. */
#ifndef QLSTM_RUN_COMMAND_H
#define QLSTM_RUN_COMMAND_H

#include <stddef.h>

#include <stdbool.h>

#include "engine/error.h"

/* Words in order, with a NULL behind the last; all memory is the list's. */
struct words {
	char **items;
	int count;
	bool failed; /* a word found no memory: the list is not to be used */
};

/* For the launchers that have limits of their own (a batch system's time limit), and for process.h. */
struct command_limits {
	double max_seconds;    /* then it is stopped: timeout */
	int grace_ms, hang_ms; /* from stop to kill; from its last line until it is stopped: worker_hung */
};

struct command {
	struct words arguments;    /* the first is the path of the program */
	struct words environment;  /* NAME=VALUE: all that it sees */
	const char *folder;        /* where it runs, borrowed; NULL: here */
	int input, output, errors; /* descriptors that become its 0, 1 and 2; borrowed until it has started. -1: none */
	struct command_limits limits;
};

/* A command of the program alone, with a clean environment: PATH and TMPDIR as they are, LANG=C, and one thread for
 * libraries that would start their own; in builds under a sanitizer also its options. No descriptors. */
void command_init(struct command *command, const char *program);
void command_free(struct command *command);

/* One more argument; `format` as printf's. A failure is found by command_check. */
void command_add(struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Two more, NAME and VALUE; none where the value is NULL or empty. */
void command_add_option(struct command *command, const char *name, const char *value);
/* "--memory MIB", the memory that a worker should do with; nothing for 0 bytes. */
void command_add_memory(struct command *command, size_t bytes);
/* ERR_OUT_OF_MEMORY when a word is missing. */
int command_check(const struct command *command, struct qlstm_error *error);

#endif
