/* Heads, and what follows them, through a real connection to the server: it answers or ends the connection, and hands
 * on no more requests than a reader by the letter of RFC 9112 finds, each with the path that it finds. The first byte
 * says in how many parts the rest is sent. */
#include "tests/fuzz/door.h"

#include <strings.h>

#include "server/http/reply.h"

enum { MAX_REQUESTS = 64, BODY_LIMIT = 4096 };

/* --- the reader --- */

struct reading {
	const unsigned char *at, *end;
	char methods[MAX_REQUESTS][16];
	int count;
};

static bool is_token(const unsigned char *text, size_t length)
{
	static const char letters[] = "!#$%&'*+-.^_`|~0123456789"
	                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\0' || strchr(letters, text[i]) == NULL)
			return false;
	return length > 0;
}

/* The next line without its CR LF; false: there is none that ends so, or a CR or LF stands elsewhere. */
static bool next_line(struct reading *r, const unsigned char **line, size_t *length)
{
	const unsigned char *lf = memchr(r->at, '\n', (size_t)(r->end - r->at));
	if (lf == NULL || lf == r->at || lf[-1] != '\r' || memchr(r->at, '\r', (size_t)(lf - 1 - r->at)) != NULL)
		return false;
	*line = r->at;
	*length = (size_t)(lf - 1 - r->at);
	r->at = lf + 1;
	return true;
}

/* What of a head says where its request ends, and which of `single` were there. */
struct framing_of {
	bool chunked, sized;
	size_t length;
	unsigned seen;
};

/* RFC 9110: fields that a request has at most once. */
static const char *const single[] = {"Host",
                                     "Content-Length",
                                     "Transfer-Encoding",
                                     "Content-Type",
                                     "Authorization",
                                     "Cookie",
                                     "Origin",
                                     "Range",
                                     "If-Range",
                                     "Last-Event-ID",
                                     "Idempotency-Key",
                                     "Sec-Fetch-Site",
                                     "Inference-Header-Content-Length"};

/* Notes a field's name; false: it is one of `single`, for the second time. */
static bool note_name(struct framing_of *out, const unsigned char *name, size_t length)
{
	for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
		if (length != strlen(single[i]) || strncasecmp((const char *)name, single[i], length) != 0)
			continue;
		if ((out->seen & 1u << i) != 0)
			return false;
		out->seen |= 1u << i;
	}
	return true;
}

static bool read_field(const unsigned char *line, size_t length, struct framing_of *out)
{
	const unsigned char *colon = memchr(line, ':', length);
	if (colon == NULL || !is_token(line, (size_t)(colon - line)) || !note_name(out, line, (size_t)(colon - line)))
		return false;
	size_t name = (size_t)(colon - line), value = length - name - 1;
	const char *text = (const char *)colon + 1;
	for (size_t i = 0; i < value; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return false;
	for (; value > 0 && (*text == ' ' || *text == '\t'); value--)
		text++;
	bool is_length = name == 14 && strncasecmp((const char *)line, "Content-Length", name) == 0;
	out->sized |= is_length;
	if (is_length)
		for (size_t i = 0; i < value && out->length < SIZE_MAX / 20; i++)
			out->length = 10 * out->length + (size_t)(text[i] - '0');
	if (name == 17 && strncasecmp((const char *)line, "Transfer-Encoding", name) == 0)
		out->chunked = true;
	return true;
}

/* The library takes a line that begins with a NUL for an empty one, up to its CR or LF. */
static void skip_nul_line(struct reading *r)
{
	while (r->at < r->end && *r->at != '\r' && *r->at != '\n')
		r->at++;
}

/* Before a request they are to be ignored; the library takes a bare LF for one too, which nobody can take for more. */
static void skip_empty_lines(struct reading *r)
{
	for (;;) {
		if (r->at < r->end && r->at[0] == '\0')
			skip_nul_line(r);
		if (r->end - r->at >= 1 && r->at[0] == '\n')
			r->at++;
		else if (r->end - r->at >= 2 && r->at[0] == '\r' && r->at[1] == '\n')
			r->at += 2;
		else
			return;
	}
}

/* One request; false: none begins here, or it has no end. */
static bool read_request(struct reading *r)
{
	const unsigned char *line;
	size_t length;
	struct framing_of framing = {0};
	skip_empty_lines(r);
	if (r->at == r->end || !next_line(r, &line, &length))
		return false;
	const unsigned char *blank = memchr(line, ' ', length);
	if (blank == NULL || !is_token(line, (size_t)(blank - line)) || length < 9)
		return false;
	snprintf(r->methods[r->count], sizeof r->methods[0], "%.*s", (int)(blank - line), (const char *)line);
	do {
		if (!next_line(r, &line, &length))
			return false;
		if (length > 0 && !read_field(line, length, &framing))
			return false;
	} while (length > 0);
	if (framing.chunked && framing.sized)
		return false;
	r->count++;
	/* Nothing behind a chunked request is read as another. */
	if (framing.chunked || framing.length > (size_t)(r->end - r->at))
		return false;
	r->at += framing.length;
	return true;
}

/* What the library's buffer does not tell apart (server/http/mhd/README.md): there a request more may be found. So it
 * may where a bare CR follows a NUL: which of several ends an empty line of NULs is the library's choice. */
static bool is_indistinct(const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		bool bare = bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r');
		bool behind = bare && i > 0 && (bytes[i - 1] == '\0' || bytes[i - 1] == ':');
		bool before = bare && i + 1 < length && (bytes[i + 1] == '\0' || bytes[i + 1] == ':');
		bool bare_cr = bytes[i] == '\r' && i + 1 < length && bytes[i + 1] != '\n';
		if (behind || before || (bare_cr && memchr(bytes, '\0', i) != NULL))
			return true;
	}
	return false;
}

/* --- the server --- */

static int handled;
static char handled_methods[MAX_REQUESTS][16];

static void handle(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	CHECK(request->path[0] == '/' || strcmp(request->path, "*") == 0);
	CHECK(request->body_length <= BODY_LIMIT);
	int n = handled++;
	if (n < MAX_REQUESTS)
		snprintf(handled_methods[n], sizeof handled_methods[0], "%s", request->head ? "HEAD" : request->method);
	reply_text(reply, 200, "text/plain", "ok");
}

static long body_limit(void *context, const char *method, const char *path)
{
	(void)context, (void)path;
	return strcmp(method, "POST") == 0 ? BODY_LIMIT : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (server == NULL) {
		CHECK(uv_loop_init(&loop) == 0);
		door_open((struct http_config){.handler = handle, .body_limit = body_limit});
	}
	if (size < 1 || size > 16000)
		return 0;
	struct reading reading = {data + 1, data + size, {{0}}, 0};
	while (reading.count < MAX_REQUESTS && read_request(&reading))
		;
	handled = 0;
	door_ask("", data + 1, size - 1, 1 + data[0] % 4);
	int n = handled;
	/* The reader stops after MAX_REQUESTS, the server does not. */
	if (is_indistinct(data + 1, size - 1) || reading.count == MAX_REQUESTS)
		return 0;
	CHECK(n <= reading.count);
	for (int i = 0; i < n && i < MAX_REQUESTS; i++)
		CHECK(strncmp(handled_methods[i], reading.methods[i], sizeof handled_methods[0] - 1) == 0);
	return 0;
}

void target_seeds(target_give *give, void *context)
{
#define HOST "Host: a\r\n"
	static const char *const texts[] = {
	    "1GET / HTTP/1.1\r\n" HOST "\r\n",
	    "2GET /a?b=c%20d HTTP/1.1\r\n" HOST "X: y\r\n\r\nGET /second HTTP/1.1\r\n" HOST "\r\n",
	    "1POST /p HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n" HOST "\r\n",
	    "3POST /p HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
	    "1HEAD /h HTTP/1.0\r\n\r\n",
	    "1OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
	    "1\r\n\r\nGET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
	    "1POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
	    "1GET / HTTP/1.1\r\n" HOST ": x\r\nDELETE /victim HTTP/1.1\r\n" HOST "\r\n",
	    "1GET / HTTP/1.1\n" HOST "\n",
	    "1GET / HTTP/1.1\r\n" HOST ":\nGET /second HTTP/1.1\r\n" HOST "\r\n",
	    "1GET / HTTP/1.1\r\nHost: a\n:\r\nGET /second HTTP/1.1\r\n" HOST "\r\n",
	    "1GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n",
	    "1GET / HTTP/1.1\r\n" HOST HOST "\r\n",
	    "1GET / HTTP/1.1\r\n" HOST "Authorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
	    "1GET / HTTP/1.1\r\n" HOST "Accept: a\r\nAccept: b\r\nCookie: a=b\r\nRange: bytes=0-1\r\n\r\n",
	    "1POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n{}",
	    "1GET /?a=1&b&c=2&&d HTTP/1.1\r\n" HOST "\r\n",
	    "1POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
	    "1POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n{}",
	    "1GET http://a/x HTTP/1.1\r\n" HOST "\r\n",
	    "1BREW /%zz HTTP/1.1\r\n" HOST "\r\n"};
	static const char nuls[] = "1GET / HTTP/1.1\r\n" HOST "X: a\0\0Y\0b\r\n\r\n";
	static const char one[] = "GET / HTTP/1.1\r\n" HOST "\r\n";
	char many[1 + (MAX_REQUESTS + 6) * (sizeof one - 1)] = "1";
	for (size_t at = 1; at < sizeof many; at += sizeof one - 1)
		memcpy(many + at, one, sizeof one - 1);
	GIVE_TEXTS(texts);
	give(context, nuls, sizeof nuls - 1);
	give(context, many, sizeof many);
}
