/* The life of an exchange, from the request line to the log. */
#include "server/http/mhd/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server/http/log.h"
#include "server/http/mhd/answer.h"
#include "server/http/mhd/head_fault.h"
#include "server/http/reply.h"

#define DISCARD_BYTES ((size_t)16 << 20)
#define FORM_MORE     ((size_t)1 << 20)   /* bytes of a form beside its file */
#define SPOOLED_BYTES ((size_t)16 << 20)  /* bodies of paths that take more than that may go to the disk */
#define SMALL_BYTES   ((size_t)1 << 20)   /* bodies that cannot be longer are small ones */
#define DEPARTED_NS   UINT64_C(100000000) /* a client that has waited so long may have gone */

const char *http_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* NULL once its connection is closed. */
static struct client *client_of(const struct exchange *exchange)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info != NULL ? info->socket_context : NULL;
}

void exchange_expect(struct exchange *exchange, enum client_state state, int seconds)
{
	struct client *client = client_of(exchange);
	uint64_t now = uv_now(exchange->server->loop);
	if (client != NULL)
		client_set(client, state, now, seconds > 0 ? now + (uint64_t)seconds * 1000 : 0);
}

bool exchange_is_abandoned(const struct exchange *exchange)
{
	const struct client *client = client_of(exchange);
	return client == NULL || client_has_left(client->socket);
}

/* A deadline that stands is never moved to later. */
static void hasten(struct exchange *exchange, int seconds)
{
	struct client *client = client_of(exchange);
	uint64_t due = uv_now(exchange->server->loop) + (uint64_t)seconds * 1000;
	if (client != NULL && (client->due == 0 || client->due > due))
		client->due = due;
}

/* The library is about to make a record of each parameter, and where its memory does not hold them it ends the
 * connection without a reply. Nobody reads those records: without an ampersand there is one. `raw` is the library's
 * buffer, where it writes as well. */
static void hide_parameters(const char *raw)
{
	char *query = strchr(raw, '?');
	while (query != NULL && (query = strchr(query, '&')) != NULL)
		*query = ';';
}

/* The target is read here: the library is about to take it apart in place. NULL without memory. */
void *exchange_on_line(void *context, const char *raw, struct MHD_Connection *connection)
{
	struct http_server *server = context;
	struct exchange *exchange = calloc(1, sizeof *exchange);
	server->progress++;
	if (exchange == NULL)
		return NULL;
	raw = raw != NULL ? raw : "";
	exchange->server = server;
	exchange->connection = connection;
	exchange->reply.file = -1;
	hasten(exchange, server->config.header_seconds);
	exchange->target_length = strlen(raw);
	exchange->fault = target_parse(&exchange->target, raw);
	hide_parameters(raw);
	return exchange;
}

/* Whether this path takes a file, by itself or in a form. */
static bool takes_form(const struct exchange *exchange)
{
	const struct http_config *config = &exchange->server->config;
	return config->takes_form != NULL &&
	       config->takes_form(config->context, exchange->request.method, exchange->request.path);
}

static bool is_form(const struct exchange *exchange)
{
	return form_announced(exchange->connection) && takes_form(exchange);
}

/* With the limit, and the size where the head says it. */
static enum MHD_Result refuse_size(struct exchange *exchange)
{
	char message[200], more[60] = "";
	const char *length = http_header(&exchange->request, "Content-Length");
	if (takes_form(exchange) && exchange->server->config.form_option != NULL)
		snprintf(more, sizeof more, " (the server's %s)", exchange->server->config.form_option);
	if (length != NULL)
		snprintf(message, sizeof message,
		         "the body is larger than this path takes: %.20s bytes; allowed are %zu%s", length,
		         exchange->body.limit, more);
	else
		snprintf(message, sizeof message, "the body is larger than this path takes: allowed are %zu bytes%s",
		         exchange->body.limit, more);
	return answer_refuse(exchange, 413, ERR_TOO_LARGE, message);
}

/* The head is here. An answer without reading the body is possible in this call only; MHD then closes the connection,
 * and a client that is still sending may see a reset in place of the answer. So it is given to a client that waits for
 * "100 Continue" and to one that would send too much; other unwanted bodies are read and thrown away first. */
static enum MHD_Result exchange_begin(struct exchange *exchange, const char *method, const char *version)
{
	struct http_server *server = exchange->server;
	struct http_request *request = &exchange->request;
	bool head = strcmp(method, "HEAD") == 0;
	*request = (struct http_request){.method = head ? "GET" : method,
	                                 .path = exchange->target.path,
	                                 .target = &exchange->target,
	                                 .head = head,
	                                 .connection = exchange->connection};
	exchange->phase = RECEIVING;
	exchange->started = uv_hrtime();
	server->exchanges++;
	const struct client *client = client_of(exchange);
	struct head_fault fault;
	bool faulty = head_fault_find(exchange, method, version, &fault);
	if (client == NULL || client->surplus)
		return answer_refuse(exchange, 503, ERR_UNAVAILABLE,
		                     "there are too many connections, from this address or in all");
	if (faulty)
		return answer_refuse(exchange, fault.status, fault.code, fault.message);

	bool admitted = server->config.admits == NULL || server->config.admits(server->config.context, request);
	long limit = server->config.body_limit(server->config.context, request->method, request->path);
	if (!admitted && limit > 0)
		limit = ERR_CONFLICT;
	const char *length_text = http_header(request, "Content-Length");
	unsigned long long length = length_text != NULL ? strtoull(length_text, NULL, 10) : 0;
	exchange->body.limit = limit > 0 ? (size_t)limit : 0;
	exchange->body.folder = exchange->body.limit > SPOOLED_BYTES ? server->config.spool : NULL;
	size_t most = length_text != NULL && length < exchange->body.limit ? (size_t)length : exchange->body.limit;
	exchange->budget = &server->budgets[most > SMALL_BYTES ? BODY_LARGE : BODY_SMALL];
	if (limit < 0)
		exchange->verdict = (int)limit;
	else if (length > exchange->body.limit + (is_form(exchange) ? FORM_MORE : 0))
		exchange->verdict = ERR_TOO_LARGE;
	if (exchange->verdict == 0 && is_form(exchange)) {
		exchange->form = form_new(exchange->connection, &exchange->body, exchange->budget);
		exchange->verdict = exchange->form == NULL ? ERR_SYNTAX : 0;
	}
	const char *expect = http_header(request, "Expect");
	bool waits = expect != NULL && strcasecmp(expect, "100-continue") == 0;
	if (exchange->verdict != 0 && (length > exchange->body.limit + DISCARD_BYTES || (waits && length > 0))) {
		if (exchange->verdict == ERR_TOO_LARGE)
			return refuse_size(exchange);
		server->config.handler(server->config.context, request, &exchange->reply);
		exchange->last = true;
		return answer_send(exchange);
	}
	exchange_expect(exchange, CLIENT_SENDS, server->config.body_seconds);
	return MHD_YES;
}

/* To a pool thread by way of a lane; the connection is suspended until exchange_worked. */
static void exchange_hand_over(struct exchange *exchange, enum phase phase, enum http_lane lane)
{
	exchange->phase = phase;
	exchange->lane = lane;
	exchange->server->with_pool++;
	MHD_suspend_connection(exchange->connection);
	lane_enter(exchange);
}

/* What a form holds back comes with the next bytes. */
static size_t exchange_room(const struct exchange *exchange)
{
	size_t room = body_room(&exchange->body), kept = exchange->form != NULL ? FORM_KEPT_BYTES : 0;
	return room > kept ? room - kept : 0;
}

/* As much of it as there is room for; how much. The rest waits, with its connection, until the room is on the disk. */
static size_t exchange_receive(struct exchange *exchange, const char *bytes, size_t count)
{
	struct client *client = client_of(exchange);
	if (client != NULL)
		client->progress++;
	if (exchange->verdict != 0)
		return count;
	size_t room = exchange_room(exchange), taken = count < room ? count : room;
	if (taken > 0 && exchange->form != NULL)
		exchange->verdict = form_append(exchange->form, bytes, taken);
	else if (taken > 0)
		exchange->verdict = body_append(&exchange->body, exchange->budget, bytes, taken);
	if (taken == count || exchange->verdict != 0)
		return count;
	if (client != NULL) /* the time of the disk is not the client's, but for the deadline */
		client_set(client, CLIENT_BUSY, uv_now(exchange->server->loop), client->due);
	exchange_hand_over(exchange, SPOOLING, LANE_SPOOL);
	return taken;
}

static enum MHD_Result refuse_form(struct exchange *exchange)
{
	const char *fault = exchange->form != NULL ? form_fault(exchange->form) : NULL;
	return answer_refuse(exchange, 400, ERR_SYNTAX,
	                     fault != NULL ? fault : "multipart/form-data needs a boundary of 2 to 70 characters");
}

static enum MHD_Result exchange_handle(struct exchange *exchange)
{
	const struct http_config *config = &exchange->server->config;
	struct http_request *request = &exchange->request;
	if (exchange->verdict == 0 && exchange->form != NULL)
		exchange->verdict = form_finish(exchange->form);
	if (exchange->verdict == ERR_TOO_LARGE)
		return refuse_size(exchange);
	if (exchange->verdict == ERR_SYNTAX)
		return refuse_form(exchange);
	if (exchange->verdict == ERR_UNAVAILABLE && exchange->spool_error.code == 0)
		return answer_refuse(exchange, 503, ERR_UNAVAILABLE, "too many bodies are on their way at once");
	request->form = exchange->form != NULL ? form_content(exchange->form) : NULL;
	enum http_lane lane = LANE_SHORT;
	if (config->lane != NULL)
		lane = config->lane(config->context, request->method, request->path);
	exchange_expect(exchange, CLIENT_BUSY, 0);
	exchange_hand_over(exchange, WITH_HANDLER, lane);
	return MHD_YES;
}

/* Whether the client closed its side while the request waited for a thread. Nothing else would say so: a suspended
 * connection is not looked at. */
static bool client_has_departed(const struct exchange *exchange)
{
	return uv_hrtime() - exchange->handed >= DEPARTED_NS && exchange_is_abandoned(exchange);
}

static void exchange_run_handler(struct exchange *exchange)
{
	const struct http_config *config = &exchange->server->config;
	struct http_request *request = &exchange->request;
	struct qlstm_error error = exchange->spool_error;
	if (client_has_departed(exchange)) /* one that closed its sending side alone sees this */
		error_set(&error, ERR_UNAVAILABLE, NULL, "the request waited, and its sender closed the connection");
	else if (error.code == 0)
		body_finish(&exchange->body, &error);
	if (error.code != 0) {
		reply_problem(request, &exchange->reply, &error);
	} else {
		request->body = body_content(&exchange->body);
		request->body_length = body_length(&exchange->body);
		config->handler(config->context, request, &exchange->reply);
	}
	body_close_spool(&exchange->body);
}

void exchange_work(struct exchange *exchange)
{
	if (exchange->phase == WITH_HANDLER)
		exchange_run_handler(exchange);
	else if (exchange->phase == SPOOLING)
		exchange->verdict = body_spool(&exchange->body, &exchange->spool_error);
	if (exchange->phase == DISCARDED || exchange->verdict != 0)
		body_close_spool(&exchange->body);
}

static void exchange_free(struct exchange *exchange)
{
	body_close_spool(&exchange->body);
	free(exchange);
}

void exchange_worked(struct exchange *exchange)
{
	exchange->server->with_pool--;
	if (exchange->phase == DISCARDED) {
		exchange_free(exchange);
		return;
	}
	struct client *client = client_of(exchange);
	bool spooled = exchange->phase == SPOOLING;
	if (spooled && client != NULL)
		client_set(client, CLIENT_SENDS, uv_now(exchange->server->loop), client->due);
	exchange->phase = spooled ? RECEIVING : ANSWERED;
	MHD_resume_connection(exchange->connection);
	/* In external mode a resumed connection is looked at by the next MHD_run only; one serves all that end now. */
	server_soon(exchange->server);
}

enum MHD_Result exchange_on_request(void *context, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version, const char *upload_data,
                                    size_t *upload_data_size, void **request_context)
{
	(void)connection;
	(void)url; /* cut at its first NUL; exchange_on_line had it whole */
	struct http_server *server = context;
	struct exchange *exchange = *request_context;
	server->progress++;
	if (server->closing || exchange == NULL)
		return MHD_NO;
	if (exchange->phase == ARRIVING)
		return exchange_begin(exchange, method, version);
	if (*upload_data_size > 0) {
		if (exchange->phase == RECEIVING)
			*upload_data_size -= exchange_receive(exchange, upload_data, *upload_data_size);
		return MHD_YES;
	}
	if (exchange->phase == RECEIVING)
		return exchange_handle(exchange);
	return exchange->phase == ANSWERED ? answer_send(exchange) : MHD_YES;
}

static void exchange_log(const struct exchange *exchange)
{
	char remote[64] = "";
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info != NULL && info->client_addr != NULL)
		uv_ip_name(info->client_addr, remote, sizeof remote);
	log_access(&(struct log_access){.method = exchange->request.head ? "HEAD" : exchange->request.method,
	                                .path = exchange->request.path,
	                                .remote = remote,
	                                .status = exchange->status,
	                                .bytes = exchange->sent_bytes,
	                                .millis = (double)(uv_hrtime() - exchange->started) / 1e6});
}

void exchange_on_completed(void *context, struct MHD_Connection *connection, void **request_context,
                           enum MHD_RequestTerminationCode code)
{
	(void)connection;
	(void)code;
	struct http_server *server = context;
	struct exchange *exchange = *request_context;
	if (exchange == NULL)
		return;
	answer_close_stream(exchange);
	answer_release(exchange);
	if (exchange->phase != ARRIVING) {
		exchange_log(exchange);
		server->exchanges--;
	}
	exchange_expect(exchange, CLIENT_WAITS, server->config.idle_seconds);
	form_free(exchange->form);
	if (exchange->budget != NULL)
		body_clear_buffer(&exchange->body, exchange->budget);
	free(exchange->reply.body);
	if (exchange->reply.file >= 0)
		close(exchange->reply.file);
	target_free(&exchange->target);
	*request_context = NULL;
	if (exchange->body.spool.file == 0 || server->closing) {
		exchange_free(exchange);
		return;
	}
	exchange->phase = DISCARDED;
	exchange->lane = LANE_SPOOL;
	server->with_pool++;
	lane_enter(exchange);
}
