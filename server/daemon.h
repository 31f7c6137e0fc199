/* The daemon: what lives from its start to its end, and the steps of its start that have files of their own. main.c has
 * their order. Every open returns 0 or a negative code with a message, and has then undone its own part. */
#ifndef QLSTM_SERVER_DAEMON_H
#define QLSTM_SERVER_DAEMON_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "server/api/context.h"
#include "server/disk/caretaker.h"
#include "server/http/host_names.h"
#include "server/http/http.h"
#include "server/http/tls.h"
#include "server/options.h"
#include "server/run/orphans.h"

struct daemon {
	struct options options;
	char data[PATH_MAX]; /* absolute */
	uv_loop_t *loop;
	uv_signal_t signals[3]; /* SIGTERM, SIGINT, SIGHUP */
	uv_timer_t idle_timer;
	struct orphans *orphans;
	struct caretaker *caretaker;
	struct api api;
	struct host_names hosts;
	struct tls_files tls;
	struct http_server *http;
	bool stopping, drained;
	uint64_t idle_deadline;
};

/* daemon_data.c: the data directory and the database in it, made where there are none; a full disk gets its reserve. */
int daemon_open_store(struct daemon *daemon, struct qlstm_error *error);
void daemon_close_store(struct daemon *daemon);
int daemon_open_keeper(struct daemon *daemon, struct qlstm_error *error);
void daemon_close_keeper(struct daemon *daemon);
int daemon_recover(struct daemon *daemon, struct qlstm_error *error);
int daemon_open_caretaker(struct daemon *daemon, struct qlstm_error *error);
void daemon_close_caretaker(struct daemon *daemon);

/* daemon_listen.c: the certificate, before anything else is begun; the socket, when everything else is there. */
int daemon_open_tls(struct daemon *daemon, struct qlstm_error *error);
void daemon_close_tls(struct daemon *daemon);
int daemon_open_http(struct daemon *daemon, struct qlstm_error *error);
void daemon_close_http(struct daemon *daemon);

/* daemon_signals.c. Told to stop before it can, the daemon stops once it can: process 1 of a container would lose the
 * signal, another die of it with the start half done. So SIGTERM and SIGINT are held back from the first step to
 * daemon_open_signals, which lets go of them. */
void daemon_hold_signals(bool hold);
int daemon_open_signals(struct daemon *daemon, struct qlstm_error *error);
void daemon_close_signals(struct daemon *daemon);

#endif
