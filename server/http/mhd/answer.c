/* Replies on their way out. */
#include "server/http/mhd/answer.h"

#include <string.h>

#include "server/http/reply.h"

#define STREAM_BLOCK ((size_t)8 << 10)  /* the most that is read from a source at once */
#define SMALL_REPLY  ((size_t)64 << 10) /* up to there a reply is not counted */

void http_stream_wake(struct http_stream *stream)
{
	struct http_server *server = stream->server;
	if (!stream->asleep || stream->woken)
		return;
	stream->woken = true;
	stream->next_woken = NULL;
	if (server->first_woken == NULL)
		server->first_woken = stream;
	else
		server->last_woken->next_woken = stream;
	server->last_woken = stream;
	server_soon(server);
}

/* One in the queue is suspended: it cannot close before it is resumed. */
bool answer_resume_streams(struct http_server *server, int most)
{
	for (struct http_stream *stream; (stream = server->first_woken) != NULL && most > 0; most--) {
		server->first_woken = stream->next_woken;
		stream->asleep = stream->woken = false;
		MHD_resume_connection(stream->connection);
	}
	return server->first_woken != NULL;
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

void answer_close_stream(struct exchange *exchange)
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

void answer_wake_streams(struct http_server *server)
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

static bool has_header(const struct http_reply *reply, const char *name)
{
	for (int i = 0; i < reply->n_headers; i++)
		if (strcmp(reply->headers[i].name, name) == 0)
			return true;
	return false;
}

/* Replies are data for programs: a browser shall not run them, guess their type, frame them, or tell where it was. A
 * page says by a header of its own what else it may. */
static void add_headers(struct MHD_Response *response, const struct http_reply *reply)
{
	static const struct {
		const char *name, *value;
	} always[] = {{"X-Content-Type-Options", "nosniff"},
	              {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
	              {"Referrer-Policy", "no-referrer"},
	              {"Cross-Origin-Resource-Policy", "same-origin"}};
	if (reply->content_type != NULL)
		MHD_add_response_header(response, "Content-Type", reply->content_type);
	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
		if (!has_header(reply, always[i].name))
			MHD_add_response_header(response, always[i].name, always[i].value);
	for (int i = 0; i < reply->n_headers; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
}

/* A reply that nobody takes stays in memory for as long as an idle connection may last. Where those on their way have
 * the room, another one has none; one by itself always has. */
static void hold_reply(struct exchange *exchange)
{
	struct body_budget *budget = &exchange->server->replies;
	struct http_reply *reply = &exchange->reply;
	size_t length = reply->body != NULL ? reply->body_length : 0;
	if (length <= SMALL_REPLY)
		return;
	if (budget->used > 0 && (budget->used >= budget->limit || length > budget->limit - budget->used)) {
		struct qlstm_error error = {0};
		error_set(&error, ERR_UNAVAILABLE, NULL, "too many large replies are on their way at once");
		reply_problem(&exchange->request, reply, &error);
		return;
	}
	exchange->held_bytes = length;
	budget->used += length;
}

void answer_release(struct exchange *exchange)
{
	exchange->server->replies.used -= exchange->held_bytes;
	exchange->held_bytes = 0;
}

enum MHD_Result answer_send(struct exchange *exchange)
{
	struct http_reply *reply = &exchange->reply;
	if (reply->status == 0)
		reply_json(reply, 500, NULL);
	hold_reply(exchange);
	exchange->status = reply->status;
	if (!exchange->request.head)
		exchange->sent_bytes = reply->file >= 0 ? reply->file_length : reply->body_length;
	struct MHD_Response *response = response_make(exchange);
	if (response == NULL)
		return MHD_NO;
	add_headers(response, reply);
	if (exchange->last || exchange->server->quiesced)
		MHD_add_response_header(response, "Connection", "close");
	enum MHD_Result queued = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	exchange_expect(exchange, CLIENT_BUSY, 0);
	return queued;
}

enum MHD_Result answer_refuse(struct exchange *exchange, int status, int code, const char *message)
{
	struct qlstm_error error = {0};
	error_set(&error, code, NULL, "%s", message);
	reply_problem_as(&exchange->request, &exchange->reply, status, &error);
	exchange->last = true;
	return answer_send(exchange);
}
