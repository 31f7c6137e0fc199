/* The command that runs an attempt. */
#include "server/run/train_command.h"

static void add_count(struct command *command, const char *name, int value)
{
	command_add(command, "%s", name);
	command_add(command, "%d", value);
}

static void add_training(struct command *command, const struct worker_config *config, const struct prepared *prepared)
{
	add_count(command, "--checkpoint-seconds", config->checkpoint_seconds);
	if (config->checkpoint_epochs > 0)
		add_count(command, "--checkpoint-epochs", config->checkpoint_epochs);
	add_count(command, "--threads", prepared->threads);
}

void train_command(struct command *command, const struct worker_config *config, const struct prepared *prepared)
{
	command_init(command, config->path);
	command_add_option(command, "--isa", config->isa);
	command_add(command, prepared->predicts ? "apply" : "train");
	command_add(command, "%s/spec.json", prepared->folder);
	command_add_option(command, "--out", prepared->folder);
	command_add(command, "--supervised");
	if (!prepared->predicts)
		add_training(command, config, prepared);
	command_add_memory(command, config->max_memory);
	command_add_option(command, "--data", prepared->data);
	command_add_option(command, "--dialect", prepared->dialect);
	command_add_option(command, prepared->predicts ? "--weights" : "--init", prepared->init);
	command_add_option(command, "--resume", prepared->resume);
	if (prepared->resume[0] != '\0')
		command_add(command, "--any-arithmetic"); /* the time is worth more; the report tells */
	command->folder = prepared->folder;
	command->errors = prepared->log_file;
}
