/* An exchange: one request and its reply. Phases: ARRIVING from the request line to the end of the head, RECEIVING its
 * body, SPOOLING while a pool thread puts a part of a large one on the disk, RECEIVING again, WITH_HANDLER on a pool
 * thread, ANSWERED when the handler is done; DISCARDED when the connection has ended and a pool thread gives back what
 * is on the disk. With a pool thread the connection is suspended; such a one is never closed by libmicrohttpd, so the
 * exchange outlives that. */
#ifndef QLSTM_HTTP_MHD_EXCHANGE_H
#define QLSTM_HTTP_MHD_EXCHANGE_H

#include <stdint.h>

#include "server/http/http.h"
#include "server/http/mhd/body.h"
#include "server/http/mhd/form.h"
#include "server/http/mhd/server.h"
#include "server/http/target.h"

enum phase { ARRIVING, RECEIVING, SPOOLING, WITH_HANDLER, ANSWERED, DISCARDED };

/* The bytes of a reply with a source. */
struct http_stream {
	struct http_stream *next, *previous;
	struct http_stream *next_woken; /* in the server's queue */
	struct http_server *server;
	struct MHD_Connection *connection;
	const struct http_source *source;
	void *context;
	size_t sent_bytes;
	bool listed; /* among the server's */
	bool asleep; /* the connection is suspended until there is something to read */
	bool woken;  /* asleep, and in the queue of those to be resumed */
};

struct exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct target target;
	const char *fault;    /* what is wrong with the target; NULL: nothing */
	size_t target_length; /* as it came */
	struct http_request request;
	struct http_reply reply;
	enum phase phase;
	enum http_lane lane;
	struct exchange *next; /* that waits in its lane */
	uv_work_t work;
	uint64_t handed; /* over to the lane, uv_hrtime */
	struct http_stream stream;
	struct body body;
	struct form *form;          /* that the body is the file of; NULL: it is none */
	struct body_budget *budget; /* that its body takes from; NULL before the end of the head */
	int verdict;                /* what is wrong already while the body still arrives: it is read and thrown away */
	struct qlstm_error spool_error;
	bool last;  /* the connection ends with this reply */
	int status; /* sent; 0: not yet */
	size_t sent_bytes;
	size_t held_bytes; /* of the reply, in memory until it is out; 0: few, or a file */
	uint64_t started;  /* uv_hrtime */
};

/* What libmicrohttpd calls: with the request line; with the head, with each part of the body, without one, and after
 * each resume; when the reply is out or the client gone. */
void *exchange_on_line(void *server, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_on_request(void *server, struct MHD_Connection *connection, const char *url,
                                    const char *method, const char *version, const char *upload_data,
                                    size_t *upload_data_size, void **exchange);
void exchange_on_completed(void *server, struct MHD_Connection *connection, void **exchange,
                           enum MHD_RequestTerminationCode code);

/* On a pool thread: what the phase asks for, the disk or the handler. */
void exchange_work(struct exchange *exchange);
/* That has ended, or will not have a turn: the connection goes on. */
void exchange_worked(struct exchange *exchange);
/* What its client does from here on, and for how many seconds it may; 0: no limit. */
void exchange_expect(struct exchange *exchange, enum client_state state, int seconds);
/* Whether its client has closed its side. */
bool exchange_is_abandoned(const struct exchange *exchange);

#endif
