/* A command of qlstm-worker: its file defines the row, main.c lists the rows. */
#ifndef QLSTM_WORKER_COMMAND_H
#define QLSTM_WORKER_COMMAND_H

#include "server/worker/options.h"

/* Exit status of the process; part of the contract in common/line.h. */
enum worker_status {
	WORKER_DONE = 0,
	WORKER_FAILED = 1,
	WORKER_USAGE = 2,
	WORKER_STOPPED = 3, /* told to stop; a checkpoint is there if an epoch was completed */
	WORKER_ORPHAN = 4,  /* nobody is left to report to */
};

struct worker_command {
	const char *name;
	const char *operand;          /* placeholder of its one positional argument; NULL: it takes none */
	const struct option *options; /* ends with a row without a name */
	int (*run)(const char *operand, const struct option_value *values); /* returns a worker_status */
	const char *summary;
};

extern const struct worker_command command_train;        /* train.c */
extern const struct worker_command command_evaluate;     /* evaluate.c */
extern const struct worker_command command_circuit;      /* circuit.c */
extern const struct worker_command command_describe;     /* describe.c */
extern const struct worker_command command_init_weights; /* describe.c */
extern const struct worker_command command_plan;         /* plan.c */
extern const struct worker_command command_bench;        /* bench.c */
extern const struct worker_command command_predict;      /* predict.c */
extern const struct worker_command command_apply;        /* apply.c */
extern const struct worker_command command_generate;     /* generate.c */
extern const struct worker_command command_export;       /* export.c */

#endif
