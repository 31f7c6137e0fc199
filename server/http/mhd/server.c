/* libmicrohttpd inside a libuv loop.
 *
 * External epoll mode: MHD's one epoll descriptor is watched by a uv_poll, and MHD_run is called
 * - when it is readable;
 * - when a uv_timer set from MHD_get_timeout fires (MHD's sockets are edge-triggered: without it an upload whose bytes
 *   have all arrived hangs);
 * - by a uv_idle in the next round of the loop, when MHD wants to go on at once, a handler has ended or a connection
 *   was freed (MHD takes its listener up again, after the limit of connections was reached, in the run *after* the one
 *   that freed a connection);
 * - a few times a second in any case, so that nothing that MHD forgot to ask for waits for ever.
 * (MHD's own epoll thread stalls as soon as 128 connections are ready at once.) */
#include "server/http/mhd/server.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/log.h"
#include "server/http/mhd/answer.h"
#include "server/http/mhd/exchange.h"

#define SWEEP_MS          250
#define SAY_AGAIN_MS      3600000 /* the library's same words, one after the other, are counted for so long */
#define EAGER_RUNS        100     /* at once, one after the other, while MHD asks for it and nothing comes of it */
#define STREAMS_A_RUN     32      /* that are sent what happened, before other requests have their turn */
#define PATIENT_MS        1       /* between two runs after that */
#define CONNECTION_MEMORY ((size_t)64 << 10) /* MHD's pool: head of the request and window of the body */
#define SPARE_CONNECTIONS 32                 /* past the limit, for those that are told so */
#define SPARE_FILES       64                 /* for data sets, results and workers when connections have all the rest */

static void on_timer(uv_timer_t *timer);
static void on_soon(uv_idle_t *idle);

/* MHD asked EAGER_RUNS times in a row to go on at once, and did nothing that we saw: a connection of its may be ready
 * for ever, for example one with a full buffer that holds half a line. */
static bool server_is_patient(struct http_server *server)
{
	server->eager_runs = server->progress == server->seen_progress ? server->eager_runs + 1 : 0;
	server->seen_progress = server->progress;
	return server->eager_runs > EAGER_RUNS;
}

/* Lets MHD do all that is due, then arranges the next run. "At once" is never a timer of 0: libuv runs timers until
 * none is due, so one that is started again from its own callback would keep all else from its turn. */
static void server_run(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout = 0;
	server->freed = false;
	bool more = answer_resume_streams(server, STREAMS_A_RUN);
	MHD_run(server->daemon);
	bool waits = MHD_get_timeout(server->daemon, &timeout) == MHD_YES;
	if (waits && timeout == 0 && server_is_patient(server))
		timeout = PATIENT_MS;
	if (waits && timeout > 0)
		uv_timer_start(&server->timer, on_timer, timeout, 0);
	else
		uv_timer_stop(&server->timer);
	if (more || server->freed || (waits && timeout == 0))
		server_soon(server);
}

void server_soon(struct http_server *server)
{
	uv_idle_start(&server->soon, on_soon);
}

static void on_soon(uv_idle_t *idle)
{
	uv_idle_stop(idle);
	server_run(idle->data);
}

static void on_timer(uv_timer_t *timer)
{
	server_run(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	server_run(poll->data);
}

static void on_sweep(uv_timer_t *timer)
{
	struct http_server *server = timer->data;
	clients_sweep(&server->clients, uv_now(server->loop));
	server_run(server);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = context;
	server->progress++;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		server->freed = true;
		if (*socket_context != NULL)
			client_remove(&server->clients, *socket_context);
		free(*socket_context);
		return;
	}
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int socket = info->connect_fd;
	struct client *client = calloc(1, sizeof *client);
	*socket_context = client;
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	uint64_t now = uv_now(server->loop);
	if (client == NULL || client_add(&server->clients, client, socket, info->client_addr, now) != 0) {
		shutdown(socket, SHUT_RDWR);
		free(client);
		*socket_context = NULL;
		return;
	}
	client_set(client, CLIENT_WAITS, now, now + (uint64_t)server->config.header_seconds * 1000);
}

/* Whoever connects can make the library speak: in a health check that is not meant for it, by thousands. */
static void on_log(void *context, const char *format, va_list arguments)
{
	struct http_server *server = context;
	char message[sizeof server->said];
	vsnprintf(message, sizeof message, format, arguments);
	message[strcspn(message, "\r\n")] = '\0';
	uint64_t now = uv_hrtime() / 1000000;
	bool again = strcmp(message, server->said) == 0 && now - server->said_at < SAY_AGAIN_MS;
	server->said_again += again;
	if (again)
		return;
	if (server->said_again > 0)
		log_message("warning", "http: %s (%u times more)", server->said, server->said_again);
	log_message("warning", "http: %s", message);
	memcpy(server->said, message, sizeof message);
	server->said_at = now;
	server->said_again = 0;
}

/* Targets are decoded by target.c, which knows their length. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

static struct MHD_Daemon *daemon_start(struct http_server *server, const struct sockaddr *address)
{
	static char priorities[] = TLS_PRIORITIES;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	const struct tls_files *tls = server->config.tls;
	if (address->sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (tls != NULL)
		flags |= MHD_USE_TLS;
	struct MHD_OptionItem secure[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, tls != NULL ? tls->certificate : NULL},
	                                  {MHD_OPTION_HTTPS_MEM_KEY, 0, tls != NULL ? tls->key : NULL},
	                                  {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
	                                  {MHD_OPTION_END, 0, NULL}},
	                      none[] = {{MHD_OPTION_END, 0, NULL}};
	/* The logger comes first: it then also hears why the other options fail. */
	const struct http_config *config = &server->config;
	return MHD_start_daemon(flags, 0, NULL, NULL, exchange_on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log,
	                        server, MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_CONNECTION_LIMIT,
	                        (unsigned)config->max_connections + SPARE_CONNECTIONS,
	                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
	                        (unsigned)config->idle_seconds, MHD_OPTION_URI_LOG_CALLBACK, exchange_on_line, server,
	                        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED,
	                        exchange_on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
	                        MHD_OPTION_ARRAY, tls != NULL ? secure : none, MHD_OPTION_END);
}

int http_open(struct http_server **out, uv_loop_t *loop, const struct http_config *config, struct qlstm_error *error)
{
	struct sockaddr_in6 address = {0};
	struct sockaddr *generic = (struct sockaddr *)&address;
	if (uv_ip4_addr(config->address, config->port, (struct sockaddr_in *)&address) != 0 &&
	    uv_ip6_addr(config->address, config->port, &address) != 0)
		return error_set(error, ERR_INVALID, NULL, "'%s' is not an IP address", config->address);

	struct http_server *server = calloc(1, sizeof *server);
	if (server == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "cannot open the HTTP server");
	server->loop = loop;
	server->config = *config;
	server->budgets[BODY_SMALL].limit = config->body_memory / 4;
	server->budgets[BODY_LARGE].limit = config->body_memory - config->body_memory / 4;
	server->replies.limit = config->body_memory;
	server->clients.limits = (struct client_limits){.total = config->max_connections,
	                                                .by_address = config->max_connections_by_address,
	                                                .spare_files = SPARE_FILES};
	server->daemon = daemon_start(server, generic);
	if (server->daemon == NULL) {
		int reason = errno;
		free(server);
		return error_set(error, ERR_IO, NULL, "cannot listen on %s port %d: %s", config->address, config->port,
		                 strerror(reason));
	}
	server->port = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	int epoll = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	server->poll.data = server->timer.data = server->sweep.data = server->soon.data = server;
	uv_timer_init(loop, &server->timer);
	uv_timer_init(loop, &server->sweep);
	uv_idle_init(loop, &server->soon);
	if (uv_poll_init(loop, &server->poll, epoll) != 0) {
		/* Timers and idle are in the loop already and hold no other resource; the process gives up on this
		 * error. */
		MHD_stop_daemon(server->daemon);
		return error_set(error, ERR_IO, NULL, "cannot watch the HTTP server's events");
	}
	server->open_handles = 4;
	uv_poll_start(&server->poll, UV_READABLE, on_readable);
	uv_timer_start(&server->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	server_run(server);
	*out = server;
	return 0;
}

int http_port(const struct http_server *server)
{
	return server->port;
}

void http_quiesce(struct http_server *server)
{
	if (server->quiesced)
		return;
	server->quiesced = true;
	answer_wake_streams(server);
	MHD_socket listener = MHD_quiesce_daemon(server->daemon);
	if (listener != MHD_INVALID_SOCKET)
		close(listener);
}

bool http_idle(const struct http_server *server)
{
	return server->exchanges == 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct http_server *server = handle->data;
	if (--server->open_handles == 0)
		free(server);
}

void http_close(struct http_server *server)
{
	server->closing = true;
	lanes_drop(server);
	while (server->with_pool > 0)
		uv_run(server->loop, UV_RUN_ONCE);
	answer_wake_streams(server);
	answer_resume_streams(server, INT_MAX);
	MHD_run(server->daemon); /* takes up what was resumed: it must not be stopped with suspended connections */
	uv_close((uv_handle_t *)&server->poll, on_closed);
	uv_close((uv_handle_t *)&server->timer, on_closed);
	uv_close((uv_handle_t *)&server->sweep, on_closed);
	uv_close((uv_handle_t *)&server->soon, on_closed);
	MHD_stop_daemon(server->daemon);
}
