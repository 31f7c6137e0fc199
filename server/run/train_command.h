/* The command that runs an attempt: qlstm-worker train, or apply where it is a prediction. */
#ifndef QLSTM_RUN_TRAIN_COMMAND_H
#define QLSTM_RUN_TRAIN_COMMAND_H

#include "server/run/command.h"
#include "server/run/prepare.h"

struct worker_config {
	const char *path;       /* the qlstm-worker executable */
	int checkpoint_seconds; /* least time between two checkpoints; 0: after every epoch */
	const char *isa;        /* the instruction set it is told to use; NULL or empty: its own choice */
	size_t max_memory;      /* bytes it should do with; 0: no limit */
	int checkpoint_epochs;  /* the most epochs between two checkpoints; 0: any number */
};

/* Its standard error is the log file; process_start adds the rest. To be freed in any case. */
void train_command(struct command *command, const struct worker_config *config, const struct prepared *prepared);

#endif
