/* libmicrohttpd inside a libuv loop; met in this file alone.
 *
 * External epoll mode: MHD's one epoll descriptor is watched by a uv_poll, and MHD_run is called
 * - when it is readable;
 * - when a uv_timer set from MHD_get_timeout fires (MHD's sockets are edge-triggered: without it an upload whose bytes
 *   have all arrived hangs);
 * - by a uv_idle in the next round of the loop, when MHD wants to go on at once, a handler has ended or a connection
 *   was freed (MHD takes its listener up again, after the limit of connections was reached, in the run *after* the one
 *   that freed a connection);
 * - twice a second in any case, so that nothing that MHD forgot to ask for waits for ever.
 * (MHD's own epoll thread stalls as soon as 128 connections are ready at once.)
 *
 * A request is an exchange: RECEIVING its body on the loop thread, WITH_HANDLER on a pool thread while the connection
 * is suspended, ANSWERED when the handler is done and the connection resumed. A suspended connection is never closed by
 * MHD, so an exchange outlives its handler. */
#include "server/http/http.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/body.h"
#include "server/http/deadline.h"
#include "server/http/framing.h"
#include "server/http/log.h"
#include "server/http/reply.h"

#define KEEP_ALIVE_SECONDS 60 /* from one reply to the end of the next request's head */
#define INACTIVE_SECONDS   60 /* without a byte in either direction while a reply is being sent */
#define SWEEP_MS           500
#define EAGER_RUNS         100 /* at once, one after the other, while MHD asks for it and nothing comes of it */
#define PATIENT_MS         1   /* between two runs after that */
#define CONNECTION_MEMORY  ((size_t)64 << 10) /* MHD's pool: head of the request and window of the body */
#define DISCARD_BYTES      ((size_t)16 << 20)
#define STREAM_BLOCK       ((size_t)8 << 10) /* the most that is read from a source at once */
#define MAX_BUFFERED_BYTES ((size_t)1 << 30) /* bodies of all requests in hand */

struct exchange;

/* Handlers of a lane that run, and requests that wait for their turn. */
struct lane {
	int running;
	struct exchange *first, **end; /* end NULL: nobody has waited yet */
};

struct http_server {
	uv_loop_t *loop;
	struct MHD_Daemon *daemon;
	struct http_config config;
	int port;
	uv_poll_t poll;
	uv_timer_t timer, sweep;
	uv_idle_t soon;
	bool freed;                       /* a connection, since the last run */
	unsigned progress, seen_progress; /* calls from MHD in all, and when the last run began */
	int eager_runs;
	int open_handles;
	struct deadline_list deadlines;
	int exchanges, with_handler;
	struct body_budget budget;
	struct lane lanes[LANE_COUNT];
	struct http_stream *streams; /* replies from a source that are being sent */
	bool quiesced, closing;
};

struct http_stream {
	struct http_stream *next, *previous;
	struct http_server *server;
	struct MHD_Connection *connection;
	const struct http_source *source;
	void *context;
	size_t sent_bytes;
	bool listed; /* among the server's */
	bool asleep; /* the connection is suspended until there is something to read */
};

enum phase { RECEIVING, WITH_HANDLER, ANSWERED };

struct exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct http_request request;
	struct http_reply reply;
	enum phase phase;
	enum http_lane lane;
	struct exchange *next; /* that waits in its lane */
	uv_work_t work;
	struct http_stream stream; /* of a reply with a source */
	struct body body;
	int verdict; /* what is wrong already while the body still arrives: it is read and thrown away */
	int status;  /* sent; 0: not yet */
	size_t sent_bytes;
	uint64_t started; /* uv_hrtime */
};

/* What handlers may ask, also on pool threads: the connection is suspended meanwhile. */

const char *http_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_query(const struct http_request *request, const char *name)
{
	const char *value = NULL;
	enum MHD_Result found =
	    MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value, NULL);
	return found == MHD_YES && value == NULL ? "" : value;
}

struct query_visit {
	void (*fn)(void *context, const char *name, const char *value);
	void *context;
};

static enum MHD_Result visit_query(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	struct query_visit *visit = context;
	visit->fn(visit->context, name != NULL ? name : "", value != NULL ? value : "");
	return MHD_YES;
}

void http_query_each(const struct http_request *request, void (*fn)(void *context, const char *name, const char *value),
                     void *context)
{
	struct query_visit visit = {fn, context};
	MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, visit_query, &visit);
}

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
	MHD_run(server->daemon);
	bool waits = MHD_get_timeout(server->daemon, &timeout) == MHD_YES;
	if (waits && timeout == 0 && server_is_patient(server))
		timeout = PATIENT_MS;
	if (waits && timeout > 0)
		uv_timer_start(&server->timer, on_timer, timeout, 0);
	else
		uv_timer_stop(&server->timer);
	if (server->freed || (waits && timeout == 0))
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
	deadline_sweep(&server->deadlines, uv_now(server->loop));
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
			deadline_remove(&server->deadlines, *socket_context);
		free(*socket_context);
		return;
	}
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct deadline *deadline = calloc(1, sizeof *deadline);
	*socket_context = deadline;
	if (deadline == NULL || info == NULL) { /* no deadline, no connection */
		if (info != NULL)
			shutdown(info->connect_fd, SHUT_RDWR);
		free(deadline);
		*socket_context = NULL;
		return;
	}
	uint64_t due = uv_now(server->loop) + (uint64_t)server->config.header_seconds * 1000;
	deadline_add(&server->deadlines, deadline, info->connect_fd, due);
}

/* NULL once its connection is closed. */
static struct deadline *deadline_of(struct exchange *exchange)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info != NULL ? info->socket_context : NULL;
}

/* `seconds` 0: none. */
static void set_deadline(struct exchange *exchange, int seconds)
{
	struct deadline *deadline = deadline_of(exchange);
	if (deadline == NULL)
		return;
	deadline->due = seconds > 0 ? uv_now(exchange->server->loop) + (uint64_t)seconds * 1000 : 0;
	deadline->receiving = false;
}

/* From the end of the head to the end of the body. */
static void expect_body(struct exchange *exchange)
{
	set_deadline(exchange, exchange->server->config.body_seconds);
	struct deadline *deadline = deadline_of(exchange);
	if (deadline != NULL)
		deadline->receiving = true;
}

void http_stream_wake(struct http_stream *stream)
{
	if (!stream->asleep)
		return;
	stream->asleep = false;
	MHD_resume_connection(stream->connection);
	uv_idle_start(&stream->server->soon, on_soon);
}

/* MHD asks for bytes. A connection without any is suspended: MHD would ask again at once. */
static ssize_t stream_read(void *context, uint64_t position, char *buffer, size_t size)
{
	(void)position;
	struct http_stream *stream = context;
	stream->server->progress++;
	ssize_t count = stream->source->read(stream->context, buffer, size);
	if (count > 0) {
		stream->sent_bytes += (size_t)count;
		return count;
	}
	if (count < 0 || stream->server->quiesced || stream->server->closing)
		return MHD_CONTENT_READER_END_OF_STREAM;
	stream->asleep = true;
	MHD_suspend_connection(stream->connection);
	return 0;
}

static struct MHD_Response *stream_open(struct exchange *exchange)
{
	struct http_server *server = exchange->server;
	struct http_stream *stream = &exchange->stream;
	*stream = (struct http_stream){.next = server->streams,
	                               .server = server,
	                               .connection = exchange->connection,
	                               .source = exchange->reply.source,
	                               .context = exchange->reply.source_context};
	if (stream->next != NULL)
		stream->next->previous = stream;
	server->streams = stream;
	stream->listed = true;
	if (!exchange->request.head)
		stream->source->open(stream->context, stream);
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read, stream, NULL);
}

/* Of a reply that has a source, whether or not it was opened. */
static void stream_close(struct exchange *exchange)
{
	struct http_stream *stream = &exchange->stream;
	if (exchange->reply.source == NULL)
		return;
	if (stream->listed) {
		if (stream->next != NULL)
			stream->next->previous = stream->previous;
		if (stream->previous != NULL)
			stream->previous->next = stream->next;
		else
			stream->server->streams = stream->next;
		exchange->sent_bytes = stream->sent_bytes;
	}
	exchange->reply.source->close(exchange->reply.source_context);
}

static void streams_wake(struct http_server *server)
{
	for (struct http_stream *stream = server->streams; stream != NULL; stream = stream->next)
		http_stream_wake(stream);
}

static struct MHD_Response *response_make(struct exchange *exchange)
{
	struct http_reply *reply = &exchange->reply;
	struct MHD_Response *response;
	if (reply->source != NULL)
		return stream_open(exchange);
	if (reply->file >= 0 && reply->file_length > 0) {
		response = MHD_create_response_from_fd_at_offset64(reply->file_length, reply->file, reply->file_offset);
		if (response != NULL)
			reply->file = -1; /* MHD closes it */
	} else if (reply->body != NULL) {
		response = MHD_create_response_from_buffer(reply->body_length, reply->body, MHD_RESPMEM_MUST_FREE);
		if (response != NULL)
			reply->body = NULL; /* MHD frees it */
	} else {
		static char nothing[1];
		response = MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
	}
	return response;
}

static enum MHD_Result exchange_send(struct exchange *exchange, bool close_after)
{
	struct http_reply *reply = &exchange->reply;
	if (reply->status == 0)
		reply_json(reply, 500, NULL);
	exchange->status = reply->status;
	if (!exchange->request.head)
		exchange->sent_bytes = reply->file >= 0 ? reply->file_length : reply->body_length;
	struct MHD_Response *response = response_make(exchange);
	if (response == NULL)
		return MHD_NO;
	if (reply->content_type != NULL)
		MHD_add_response_header(response, "Content-Type", reply->content_type);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	for (int i = 0; i < reply->n_headers; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
	if (close_after || exchange->server->quiesced)
		MHD_add_response_header(response, "Connection", "close");
	enum MHD_Result queued = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	set_deadline(exchange, 0);
	return queued;
}

static enum MHD_Result exchange_refuse(struct exchange *exchange, int status, int code, const char *message)
{
	struct qlstm_error error = {0};
	error_set(&error, code, NULL, "%s", message);
	reply_problem_as(&exchange->request, &exchange->reply, status, &error);
	return exchange_send(exchange, true);
}

static enum MHD_Result visit_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_length,
                                    const char *value, size_t value_length)
{
	(void)kind;
	(void)value_length;
	framing_header(context, name, name_length, value);
	return MHD_YES;
}

/* The head is here. An answer without reading the body is possible in this call only; MHD then closes the connection,
 * and a client that is still sending may see a reset in place of the answer. So it is given to a client that waits for
 * "100 Continue" and to one that would send too much; other unwanted bodies are read and thrown away first. */
static enum MHD_Result exchange_begin(struct exchange *exchange, const char *version)
{
	struct http_server *server = exchange->server;
	struct http_request *request = &exchange->request;
	struct framing framing = {0};
	MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, visit_header, &framing);
	const char *fault = framing_fault(&framing, version);
	if (fault != NULL)
		return exchange_refuse(exchange, 400, ERR_SYNTAX, fault);

	bool admitted = server->config.admits == NULL || server->config.admits(server->config.context, request);
	long limit = server->config.body_limit(server->config.context, request->method, request->path);
	if (!admitted && limit > 0)
		limit = ERR_CONFLICT;
	const char *length_text = http_header(request, "Content-Length");
	unsigned long long length = length_text != NULL ? strtoull(length_text, NULL, 10) : 0;
	exchange->body.limit = limit > 0 ? (size_t)limit : 0;
	if (limit < 0)
		exchange->verdict = (int)limit;
	else if (length > exchange->body.limit)
		exchange->verdict = ERR_TOO_LARGE;
	const char *expect = http_header(request, "Expect");
	bool waits = expect != NULL && strcasecmp(expect, "100-continue") == 0;
	if (exchange->verdict != 0 && (length > exchange->body.limit + DISCARD_BYTES || (waits && length > 0))) {
		if (exchange->verdict == ERR_TOO_LARGE)
			return exchange_refuse(exchange, 413, ERR_TOO_LARGE, "the body is larger than this path takes");
		server->config.handler(server->config.context, request, &exchange->reply);
		return exchange_send(exchange, true);
	}
	expect_body(exchange);
	return MHD_YES;
}

static void exchange_receive(struct exchange *exchange, const char *bytes, size_t count)
{
	struct deadline *deadline = deadline_of(exchange);
	if (deadline != NULL)
		deadline->progress++;
	if (exchange->verdict == 0)
		exchange->verdict = body_append(&exchange->body, &exchange->server->budget, bytes, count);
}

static void work_handle(uv_work_t *work)
{
	struct exchange *exchange = work->data;
	const struct http_config *config = &exchange->server->config;
	config->handler(config->context, &exchange->request, &exchange->reply);
}

static void lane_next(struct http_server *server, struct lane *lane);

static void work_done(uv_work_t *work, int status)
{
	(void)status;
	struct exchange *exchange = work->data;
	struct http_server *server = exchange->server;
	struct lane *lane = &server->lanes[exchange->lane];
	exchange->phase = ANSWERED;
	server->with_handler--;
	lane->running--;
	MHD_resume_connection(exchange->connection);
	/* In external mode a resumed connection is looked at by the next MHD_run only; one serves all that end now. */
	uv_idle_start(&server->soon, on_soon);
	lane_next(server, lane);
}

/* libuv takes the work of every loop that lives. */
static void exchange_run(struct exchange *exchange)
{
	struct http_server *server = exchange->server;
	server->lanes[exchange->lane].running++;
	if (uv_queue_work(server->loop, &exchange->work, work_handle, work_done) != 0) {
		reply_json(&exchange->reply, 500, NULL);
		work_done(&exchange->work, 0);
	}
}

static void lane_next(struct http_server *server, struct lane *lane)
{
	struct exchange *exchange = lane->first;
	if (exchange == NULL || lane->running >= server->config.lane_limits[exchange->lane])
		return;
	lane->first = exchange->next;
	exchange_run(exchange);
}

static void lane_wait(struct lane *lane, struct exchange *exchange)
{
	if (lane->first == NULL)
		lane->end = &lane->first;
	exchange->next = NULL;
	*lane->end = exchange;
	lane->end = &exchange->next;
}

static enum MHD_Result exchange_handle(struct exchange *exchange)
{
	struct http_server *server = exchange->server;
	const struct http_config *config = &server->config;
	if (exchange->verdict == ERR_TOO_LARGE)
		return exchange_refuse(exchange, 413, ERR_TOO_LARGE, "the body is larger than this path takes");
	if (exchange->verdict == ERR_UNAVAILABLE)
		return exchange_refuse(exchange, 503, ERR_UNAVAILABLE, "too many large bodies at once");
	exchange->request.body = exchange->body.bytes;
	exchange->request.body_length = exchange->body.length;
	exchange->work.data = exchange;
	if (config->lane != NULL)
		exchange->lane = config->lane(config->context, exchange->request.method, exchange->request.path);
	exchange->phase = WITH_HANDLER;
	server->with_handler++;
	set_deadline(exchange, 0);
	MHD_suspend_connection(exchange->connection);
	int limit = config->lane_limits[exchange->lane];
	if (limit > 0 && server->lanes[exchange->lane].running >= limit)
		lane_wait(&server->lanes[exchange->lane], exchange);
	else
		exchange_run(exchange);
	return MHD_YES;
}

static struct exchange *exchange_open(struct http_server *server, struct MHD_Connection *connection, const char *path,
                                      const char *method)
{
	struct exchange *exchange = calloc(1, sizeof *exchange);
	if (exchange == NULL)
		return NULL;
	bool head = strcmp(method, "HEAD") == 0;
	exchange->server = server;
	exchange->connection = connection;
	exchange->request = (struct http_request){
	    .method = head ? "GET" : method, .path = path, .head = head, .connection = connection};
	exchange->reply.file = -1;
	exchange->started = uv_hrtime();
	server->exchanges++;
	return exchange;
}

/* MHD calls it once with the head, then with parts of the body, then without, and again after each resume. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload_data, size_t *upload_data_size,
                                  void **request_context)
{
	struct http_server *server = context;
	struct exchange *exchange = *request_context;
	server->progress++;
	if (server->closing)
		return MHD_NO;
	if (exchange == NULL) {
		exchange = exchange_open(server, connection, url, method);
		*request_context = exchange;
		return exchange != NULL ? exchange_begin(exchange, version) : MHD_NO;
	}
	if (*upload_data_size > 0) {
		exchange_receive(exchange, upload_data, *upload_data_size);
		*upload_data_size = 0;
		return MHD_YES;
	}
	if (exchange->phase == RECEIVING)
		return exchange_handle(exchange);
	return exchange->phase == ANSWERED ? exchange_send(exchange, false) : MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                         enum MHD_RequestTerminationCode code)
{
	(void)code;
	struct http_server *server = context;
	struct exchange *exchange = *request_context;
	if (exchange == NULL)
		return;
	stream_close(exchange);
	char remote[64] = "";
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info != NULL && info->client_addr != NULL)
		uv_ip_name(info->client_addr, remote, sizeof remote);
	log_access(&(struct log_access){.method = exchange->request.head ? "HEAD" : exchange->request.method,
	                                .path = exchange->request.path,
	                                .remote = remote,
	                                .status = exchange->status,
	                                .bytes = exchange->sent_bytes,
	                                .millis = (double)(uv_hrtime() - exchange->started) / 1e6});
	set_deadline(exchange, KEEP_ALIVE_SECONDS);
	body_clear(&exchange->body, &server->budget);
	free(exchange->reply.body);
	if (exchange->reply.file >= 0)
		close(exchange->reply.file);
	free(exchange);
	*request_context = NULL;
	server->exchanges--;
}

static void on_log(void *context, const char *format, va_list arguments)
{
	(void)context;
	char message[256];
	vsnprintf(message, sizeof message, format, arguments);
	log_message("warning", "http: %s", message);
}

static struct MHD_Daemon *daemon_start(struct http_server *server, const struct sockaddr *address)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	if (address->sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	/* The logger comes first: it then also hears why the other options fail. */
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
	                        MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_CONNECTION_LIMIT,
	                        (unsigned)server->config.max_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	                        CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)INACTIVE_SECONDS,
	                        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
	                        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
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
	server->budget.limit = MAX_BUFFERED_BYTES;
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
	streams_wake(server);
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

/* Requests that have not had their turn are not handled any more. */
static void lanes_drop(struct http_server *server)
{
	for (int i = 0; i < LANE_COUNT; i++) {
		struct exchange *exchange;
		while ((exchange = server->lanes[i].first) != NULL) {
			server->lanes[i].first = exchange->next;
			exchange->phase = ANSWERED;
			server->with_handler--;
			MHD_resume_connection(exchange->connection);
		}
	}
}

void http_close(struct http_server *server)
{
	server->closing = true;
	lanes_drop(server);
	while (server->with_handler > 0)
		uv_run(server->loop, UV_RUN_ONCE);
	streams_wake(server);
	MHD_run(server->daemon); /* takes up what was resumed: it must not be stopped with suspended connections */
	uv_close((uv_handle_t *)&server->poll, on_closed);
	uv_close((uv_handle_t *)&server->timer, on_closed);
	uv_close((uv_handle_t *)&server->sweep, on_closed);
	uv_close((uv_handle_t *)&server->soon, on_closed);
	MHD_stop_daemon(server->daemon);
}
