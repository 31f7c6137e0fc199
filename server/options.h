/* The command line of qlstmd. */
#ifndef QLSTM_SERVER_OPTIONS_H
#define QLSTM_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"
#include "server/health.h"

#define OPTIONS_MAX_NAMES 16

struct options {
	char data[4096];                           /* made when it is missing */
	char listen[128];                          /* as given */
	char tls_certificate[4096], tls_key[4096]; /* files; empty: plain HTTP */
	enum health_scheme health_scheme;          /* by which it is asked */
	char health[128];  /* as given; not empty: ask the daemon there whether it is ready, and end */
	char address[128]; /* from health or listen: an IP address */
	int port;          /* from health or listen; of the latter 0: any free one */
	const char *host_names[OPTIONS_MAX_NAMES]; /* of this server, beside those of a loopback address */
	int n_host_names;
	bool allow_remote;       /* listen on an address that others can reach */
	bool require_keys;       /* as given */
	bool keys_required;      /* a request without a key is nobody's */
	bool published;          /* all addresses of a container are reached through the host's loopback alone */
	int slots;               /* workers at once */
	int threads;             /* of all workers together */
	char worker[4096];       /* the qlstm-worker executable */
	char isa[32];            /* the instruction set of the daemon and its workers; empty: the widest there is */
	int speed;               /* of this machine, in per cent (engine/circuit/plan_speed.h); 0: measured */
	size_t max_memory;       /* bytes that one experiment may take */
	size_t max_upload;       /* bytes of one data set that is uploaded */
	size_t memory;           /* bytes that all which run may take together */
	int queue;               /* experiments that may wait */
	int connections;         /* at once */
	int address_connections; /* of one address; 0: half of all */
	int head_seconds, body_seconds, idle_seconds; /* that a connection may take for each */
	size_t body_memory;                           /* bytes of all bodies on their way, and of replies */
	int grace_seconds;                            /* between SIGTERM and SIGKILL of a worker */
	int checkpoint_seconds;                       /* least time between two checkpoints of a run */
	int checkpoint_epochs;                        /* between two, whatever time it takes; 0: any number */
	int hang_seconds;                             /* without a sign of life from a worker */
	size_t reserve;                               /* bytes of the disk that are kept for deleting; 0: none */
	int sweep_seconds;                            /* between two sweeps of the data directory */
	char log[4096];                               /* the log's file; empty: standard error */
	size_t log_size;                              /* bytes after which it is renamed; 0: never */
	int log_keep;                                 /* how many renamed ones there are */
	bool accept_loss;                             /* start without what the database lacks */
	bool help, version;
};

/* Reached from this machine alone: a loopback address, or one that stands for it. */
bool options_on_loopback(const struct options *options);
/* Fills defaults, then what the command line says. The error's message is for the terminal. */
int options_parse(struct options *options, int argc, char **argv, struct qlstm_error *error);
/* The text of --help. */
void options_print_help(void);

#endif
