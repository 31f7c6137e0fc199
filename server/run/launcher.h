/* A launcher: how commands are run somewhere, as a set of operations. launcher_local runs them as processes of this
 * machine; one that hands them to a batch system has the same operations. Loop thread.
 *
 * To add one: a file with its operations and a function that fills a struct launcher, declared below; README.md says
 * what it must hold. Who uses launchers (process.c, predict/predictor_pool.c) knows the operations alone. */
#ifndef QLSTM_RUN_LAUNCHER_H
#define QLSTM_RUN_LAUNCHER_H

#include <uv.h>

#include "server/run/command.h"

/* How a command ended. */
struct launch_end {
	int64_t status;
	int signal; /* 0: it exited by itself */
};

struct launcher {
	const char *name;
	/* How often `poll` is to be called while a command runs, in ms; 0: never, `ended` says when it is over. */
	int poll_ms;
	void *self; /* the launcher's own: the first argument of start */
	/* Starts the command; *launch is what the other operations take. `command` is borrowed for the call. What the
	 * command writes arrives in command->output, whoever carries it there. `ended` is called at most once, on the
	 * loop thread, never from within start or close. On failure there is nothing to close. */
	int (*start)(void *self, const struct command *command, void (*ended)(void *context), void *context,
	             void **launch, struct qlstm_error *error);
	void (*stop)(void *launch); /* asks it to end: SIGTERM. Nothing once it has ended */
	/* The same, for good: SIGURG before it says that nobody will go on with it. NULL: as stop. */
	void (*stop_for_good)(void *launch);
	void (*kill)(void *launch); /* ends it: SIGKILL. Nothing once it has ended */
	/* True when it has ended, and how. Never waits. */
	bool (*poll)(void *launch, struct launch_end *end);
	/* Once it has ended. */
	void (*close)(void *launch);
};

/* Processes of this machine, each in a process group of its own, so that a Ctrl-C at the terminal is for the daemon
 * alone. */
struct launcher launcher_local(uv_loop_t *loop);

#endif
