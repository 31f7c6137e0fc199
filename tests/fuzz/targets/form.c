/* A body that is a form (multipart/form-data; boundary=--b), through a real connection: what the handler is given, the
 * file and the fields, stands in the bytes that were sent. The first byte says in how many parts these are sent, and
 * whether the path takes a form. */
#include "tests/fuzz/door.h"

#include "server/http/reply.h"

enum { BODY_LIMIT = 1 << 14 };

static const uint8_t *sent;
static size_t sent_length;
static int handled;

static bool was_sent(const void *bytes, size_t length)
{
	return length == 0 || memmem(sent, sent_length, bytes, length) != NULL;
}

static void check_field(void *context, const char *name, const char *value)
{
	(void)context;
	CHECK(was_sent(name, strlen(name)) && was_sent(value, strlen(value)));
	CHECK(strlen(value) <= 4096);
}

static void handle(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	handled++;
	CHECK(request->body_length <= BODY_LIMIT && was_sent(request->body, request->body_length));
	if (request->form != NULL) {
		const struct http_form *form = request->form;
		CHECK(form->n_fields >= 0 && form->n_fields <= TARGET_MAX_PARAMETERS);
		for (int i = 0; i < form->n_fields; i++)
			check_field(NULL, form->fields[i].name, form->fields[i].value);
		CHECK(form->file_type == NULL || was_sent(form->file_type, strlen(form->file_type)));
		http_query_each(request, check_field, NULL);
		const char *type = http_body_type(request);
		CHECK(type == NULL || form->file_type == NULL || strcmp(type, form->file_type) == 0);
	}
	reply_text(reply, 200, "text/plain", "ok");
}

static long body_limit(void *context, const char *method, const char *path)
{
	(void)context, (void)method, (void)path;
	return BODY_LIMIT;
}

static bool takes_form(void *context, const char *method, const char *path)
{
	(void)context, (void)method;
	return strcmp(path, "/form") == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char head[200];
	if (server == NULL) {
		CHECK(uv_loop_init(&loop) == 0);
		door_open((struct http_config){.handler = handle, .body_limit = body_limit, .takes_form = takes_form});
	}
	if (size < 1 || size > BODY_LIMIT)
		return 0;
	sent = data + 1;
	sent_length = size - 1;
	handled = 0;
	snprintf(head, sizeof head,
	         "POST /%s HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=--b\r\n"
	         "Content-Length: %zu\r\nConnection: close\r\n\r\n",
	         data[0] & 8 ? "plain" : "form", sent_length);
	door_ask(head, sent, sent_length, 1 + data[0] % 8);
	CHECK(handled <= 1);
	int status = 0;
	CHECK(sscanf(answer, "HTTP/1.1 %d", &status) == 1);
	CHECK(handled == 1 ? status == 200 : status >= 400 && status <= 499);
	return 0;
}

void target_seeds(target_give *give, void *context)
{
#define PART               "----b\r\n"
#define FIELD(name, value) PART "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_OF(more, bytes)                                                                                           \
	PART "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n" more "\r\n" bytes "\r\n"
#define END "----b--\r\n"
	static const char *const texts[] = {
	    "0" FILE_OF("Content-Type: text/csv\r\n", "a,b\n1,2\n3,4\n") END,
	    "1" FIELD("name", "prices") FILE_OF("", "1\n2\n") END,
	    "2" FILE_OF("", "1\n2\n") FIELD("name", "prices") FIELD("name", "") FIELD("name", "again") END,
	    "3" FILE_OF("Content-Transfer-Encoding: binary\r\n", "x") FILE_OF("", "y") END,
	    "4" FIELD("file", "without a file name") END,
	    "5" FIELD("name", "no file") END,
	    "6" FILE_OF("", "it ends here"),
	    "7" FILE_OF("", "\r\n----\r\n----c\r\n-----b\r\n") END "behind it",
	    "8" FILE_OF("", "1\n2\n") END,
	    "0" PART "\r\n\r\nno name\r\n" END,
	    "1" END,
	    "2before it\r\n" FIELD("a", "b") FILE_OF("Content-Transfer-Encoding: base64\r\n", "MQ==") END,
	    "3" PART "content-disposition: form-data; name=file\r\n\r\nbare\r\n" END,
	    "4" PART
	    "Content-Type: multipart/mixed; boundary=c\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n"
	    "--c\r\nContent-Disposition: attachment; filename=\"f\"\r\n\r\ninner\r\n--c--\r\n" END};
	GIVE_TEXTS(texts);
}
