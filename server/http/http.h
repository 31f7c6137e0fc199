/* HTTP as the rest of the server sees it: a neutral request and reply. libmicrohttpd is met in the folder mhd and
 * nowhere else.
 *
 * A complete request goes to the handler given at start on a pool thread (it may block: SQL, files); the reply leaves
 * on the loop thread. Request limits, deadlines and the checks against request smuggling are done before that. */
#ifndef QLSTM_HTTP_HTTP_H
#define QLSTM_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "engine/error.h"
#include "server/http/host_names.h"
#include "server/http/scope.h"
#include "server/http/target.h"
#include "server/http/tls.h"

#define HTTP_MAX_PARAMS 4

/* What came beside the file of a form. */
struct http_form {
	struct {
		const char *name, *value;
	} fields[TARGET_MAX_PARAMETERS];
	int n_fields;
	const char *file_type; /* the Content-Type of its part, or NULL */
};

struct http_request {
	const char *method;          /* "GET"; HEAD arrives as GET with head set */
	const char *path;            /* decoded, starts with '/'; or "*" */
	const struct target *target; /* path and query parameters */
	bool head;
	const struct http_form *form; /* the body came as the file of this form; NULL: as it is */
	const unsigned char *body;
	size_t body_length;
	const char *params[HTTP_MAX_PARAMS]; /* what the route's {braces} matched, in order; set by the router */
	const struct principal *principal;   /* who asks; set before the router sees it. Borrowed, NULL: nobody */
	const char *refusal;                 /* of nobody: why, in one sentence, or NULL. Static storage */
	void *connection;                    /* the library's own */
};

/* First header / query value of that name, or NULL; the fields of a form stand behind the query. Borrowed for the life
 * of the request. */
const char *http_header(const struct http_request *request, const char *name);
const char *http_query(const struct http_request *request, const char *name);
/* The media type of the body: that of the file in a form, else the header's; or NULL. */
const char *http_body_type(const struct http_request *request);
/* Calls fn for each query parameter and field, so that unknown ones can be refused. */
void http_query_each(const struct http_request *request, void (*fn)(void *context, const char *name, const char *value),
                     void *context);

/* A reply whose bytes come while it is being sent, for example one line whenever something happens. All functions run
 * on the loop thread. `read` copies up to `size` bytes and returns how many; 0: none for now, http_stream_wake says
 * when there are; -1: the end. `open` comes first, unless nobody will read (HEAD); `close` comes last, in any case. */
struct http_stream;
struct http_source {
	void (*open)(void *context, struct http_stream *stream);
	ssize_t (*read)(void *context, char *buffer, size_t size);
	void (*close)(void *context);
};
/* Between `open` and `close`: there is something to read, or an end. */
void http_stream_wake(struct http_stream *stream);

#define HTTP_MAX_HEADERS 12

struct http_reply {
	int status;
	const char *content_type; /* static storage */
	unsigned char *body;      /* malloc; the reply owns it */
	size_t body_length;
	int file; /* a file descriptor to send instead of body, or -1; the reply owns it */
	size_t file_offset, file_length;
	const struct http_source *source; /* to read from instead of body, or NULL */
	void *source_context;             /* the reply owns it until `close` */
	struct {
		const char *name; /* static storage */
		char value[256];
	} headers[HTTP_MAX_HEADERS];
	int n_headers;
};

/* `reply` arrives zeroed but for file = -1. */
typedef void (*http_handler)(void *context, struct http_request *request, struct http_reply *reply);

/* The first look at a request, on the loop thread before its body is read: the largest body allowed for this method and
 * path, or a negative code (ERR_NOT_FOUND, ERR_CONFLICT for a method not allowed) so that it is answered at once by
 * the handler without a body. */
typedef long (*http_body_limit)(void *context, const char *method, const char *path);

/* Lanes: what a request's handler may hold up. Each but the first has a limit of handlers that run at once, others of
 * it wait without a thread, so that no kind of slow work takes all threads of the pool. */
enum http_lane {
	LANE_SHORT,   /* no limit: reads of a few rows */
	LANE_LIST,    /* reads of pages of rows */
	LANE_SUBMIT,  /* validation of an experiment, which may read its data, and a write that waits for the disk */
	LANE_WRITE,   /* other writes */
	LANE_BULK,    /* large bodies that are read, large replies that are made */
	LANE_PREDICT, /* waits for a predictor */
	LANE_SPOOL,   /* no handler: parts of large bodies on their way to the disk, which are given back in the end */
	LANE_COUNT
};

struct http_config {
	const char *address;            /* "127.0.0.1" or "::1" */
	int port;                       /* 0: any free one */
	const struct host_names *hosts; /* that requests may name; NULL: every one. Borrowed */
	const struct tls_files *tls;    /* NULL: plain HTTP. Borrowed while it is open */
	int max_connections, max_connections_by_address;
	int header_seconds, body_seconds; /* deadlines for the head and for the body of a request */
	size_t body_memory; /* of all bodies on their way; a quarter is for those of 1 MiB and less. As much
	                     * again for replies of more than 64 KiB */
	const char *spool;  /* folder for bodies of paths that take more than 16 MiB; NULL: memory. Borrowed */
	int idle_seconds;   /* between two requests, and while nobody takes a byte of a reply */
	http_handler handler;
	http_body_limit body_limit;
	/* Whether the body behind this head is read at all, asked on the loop thread; if not, the handler answers
	 * without it. NULL: it is. */
	bool (*admits)(void *context, const struct http_request *request);
	/* Whether a body for this method and path may come as the file of a form; NULL: never. */
	bool (*takes_form)(void *context, const char *method, const char *path);
	const char *form_option; /* that sets the limit of these bodies, for their 413; NULL: none */
	/* The lane of this method and path; NULL: all are short. */
	enum http_lane (*lane)(void *context, const char *method, const char *path);
	int lane_limits[LANE_COUNT]; /* 0: none */
	void *context;
};

struct http_server;
int http_open(struct http_server **out, uv_loop_t *loop, const struct http_config *config, struct qlstm_error *error);
int http_port(const struct http_server *server); /* the bound one */
/* Accept no more; requests in hand finish, replies from a source end after what has been read. */
void http_quiesce(struct http_server *server);
/* No request is in hand: none being read, handled or answered. Connections kept alive do not count. */
bool http_idle(const struct http_server *server);
/* Waits for requests that are with the handler (it runs the loop for that, so call it outside of callbacks), drops what
 * else is left, also what waits in a lane. The memory goes when the loop has run its close callbacks: run the loop once
 * more afterwards. */
void http_close(struct http_server *server);

#endif
