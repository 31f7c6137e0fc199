/* Request heads and targets that could be read in two ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "server/http/http.h"
#include "server/http/mhd/framing.h"

/* A head as it was sent, made what the library leaves of it: NUL for the blanks of the request line, for the first
 * colon of each line and for what ends it. It lies in a block of its own size, so that a sanitizer sees a step past it.
 */
static const char *fault_of(const char *raw, size_t size, struct framing *framing)
{
	int headers = 0; /* one a line with a colon, as the library has them */
	char *bytes = malloc(size);
	assert_non_null(bytes);
	memcpy(bytes, raw, size);
	size_t method = strcspn(raw, " "), target = strcspn(raw + method + 1, " ");
	if (target > strcspn(raw + method + 1, "?"))
		bytes[method + 1 + strcspn(raw + method + 1, "?")] = '\0';
	bytes[method] = bytes[method + 1 + target] = '\0';
	bool seen = true; /* a colon in this line */
	for (size_t i = method + target + 2; i < size; i++) {
		bool cr = raw[i] == '\r' && i + 1 < size && raw[i + 1] == '\n';
		bool colon = raw[i] == ':' && !seen;
		seen = raw[i] != '\n' && (seen || colon);
		if (cr || raw[i] == '\n' || colon)
			bytes[i] = '\0';
		headers += colon;
	}
	struct head head = {bytes, bytes + method + target + 2, size, target, headers};
	const char *fault = framing_read(framing, &head);
	free(bytes);
	return fault;
}

#define FAULT(lines, version, framing)                                                                                 \
	fault_of("GET /x?a=b " version "\r\n" lines, sizeof("GET /x?a=b " version "\r\n" lines) - 1, framing)

static void test_sound_heads(void **state)
{
	(void)state;
	struct framing f;
	assert_null(FAULT("Host: a\r\n\r\n", "HTTP/1.1", &f));
	assert_int_equal(f.hosts, 1);
	assert_null(FAULT("hOST:a\r\ncontent-length:\t 5\r\n\r\n", "HTTP/1.1", &f));
	assert_int_equal(f.lengths, 1);
	assert_null(FAULT("Host: a:80\r\nTransfer-Encoding: CHUNKED\r\n\r\n", "HTTP/1.1", &f));
	assert_int_equal(f.encodings, 1);
	assert_null(FAULT("Host: a\r\nX-a!#$%&'*+.^_`|~9:\r\n\r\n", "HTTP/1.1", &f));
	assert_null(FAULT("Host: a\r\nX:   \xe9\t: \"\r\n\r\n", "HTTP/1.1", &f));
	assert_null(FAULT("\r\n", "HTTP/1.0", &f));
	assert_null(FAULT("Content-Length: 5\r\n\r\n", "HTTP/1.0", &f));
	assert_null(FAULT("Accept: a/b\r\nAccept: c/d\r\nX: 1\r\nX: 2\r\nIf-None-Match: \"a\"\r\nIf-None-Match: "
	                  "\"b\"\r\n\r\n",
	                  "HTTP/1.0", &f));
	assert_int_equal(f.hosts + f.encodings, 0);
}

static void test_heads_with_a_fault_say_which(void **state)
{
	(void)state;
	struct framing f;
#define CASE(lines, version, words)                                                                                    \
	{                                                                                                              \
		"GET /x?a=b " version "\r\n" lines, sizeof("GET /x?a=b " version "\r\n" lines) - 1, words              \
	}
	const struct {
		const char *raw;
		size_t size;
		const char *words;
	} cases[] = {
	    CASE("Accept: *\r\n\r\n", "HTTP/1.1", "Host"),
	    CASE("Host: a\r\nHost: a\r\n\r\n", "HTTP/1.1", "Host"),
	    CASE("Host: a\r\nhost: a\r\n\r\n", "HTTP/1.0", "Host"),
	    CASE("Host: a\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n", "HTTP/1.1", "one Content-Length"),
	    CASE("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1",
	         "one Transfer-Encoding"),
	    CASE("Host: a\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n", "HTTP/1.1",
	         "one Authorization"),
	    CASE("Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n", "HTTP/1.0", "one Content-Type"),
	    CASE("Range:\r\nRANGE:\r\nCookie: a\r\nCookie: b\r\n\r\n", "HTTP/1.0", "one Range"),
	    CASE("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1", "together"),
	    CASE("Host: a\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1", "chunked"),
	    CASE("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.1", "chunked"),
	    CASE("Host: a\r\nTransfer-Encoding: chunked \r\n\r\n", "HTTP/1.1", "chunked"),
	    CASE("Host: a\r\nTransfer-Encoding:\r\n\r\n", "HTTP/1.1", "chunked"),
	    CASE("Host: a\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0", "HTTP/1.0"),
	    CASE("Host: a\r\nContent-Length : 5\r\n\r\n", "HTTP/1.1", "name"),
	    CASE("Host: a\r\n X: 5\r\n\r\n", "HTTP/1.1", "name"),
	    CASE("Host: a\r\nX\xc3\xa9: 5\r\n\r\n", "HTTP/1.1", "name"),
	    CASE("Host: a\r\nX: \x08\r\n\r\n", "HTTP/1.1", "control"),
	    CASE("Host: a\r\nX: \x7f\r\n\r\n", "HTTP/1.1", "control"),
	    CASE("Host: a\r\nX: a\rY: b\r\n\r\n", "HTTP/1.1", "control"),
	    CASE("Host: a\r\n: 5\r\n", "HTTP/1.1", "colon"),
	    CASE("Host: a\r\n:\r\n", "HTTP/1.1", "colon"),
	    CASE(": 5\r\n", "HTTP/1.1", "colon"),
	    CASE("Host: a\0b\r\n\r\n", "HTTP/1.1", "NUL"),
	    CASE("Host: a\0\r\n\r\n", "HTTP/1.1", "NUL"),
	    CASE("Host: a\r\nX: \0\0Y\0b\r\n\r\n", "HTTP/1.1", "NUL"),
	    CASE("Host: a\r\nX: b\0\0Content-Length\0"
	         "5\r\n\r\n",
	         "HTTP/1.1", "NUL"),
	    CASE("Host: a\r\n\0\r\n", "HTTP/1.1", "NUL"),
	    CASE("Host: a\n\r\n", "HTTP/1.1", "CR LF"),
	    CASE("Host: a\r\n\n", "HTTP/1.1", "CR LF"),
	    CASE("Host: a\r\nX: b\nY: c\r\n\r\n", "HTTP/1.1", "CR LF"),
	    CASE("Host: a\r\nX", "HTTP/1.1", "line"),
	    CASE("Host: a\r\nX: y", "HTTP/1.1", "line"),
	    CASE("Host: a\r\n", "HTTP/1.1", "line"),
	    CASE("Host: a\r\n\r\n", "HTTP/1.2", "versions"),
	    CASE("Host: a\r\n\r\n", "HTTP/1.1\r", "versions"),
	    CASE("Host: a\r\n\r\n", "HTTP/1.1\0", "NUL"),
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *fault = fault_of(cases[i].raw, cases[i].size, &f);
		if (fault == NULL || strstr(fault, cases[i].words) == NULL)
			fail_msg("case %zu: %s", i, fault != NULL ? fault : "no fault");
	}
#undef CASE
}

/* What the header says of a NUL or a leading colon beside a bare LF: nothing is left by which to tell it. Were one of
 * them refused, the sound head would be, too. */
static void test_what_cannot_be_seen(void **state)
{
	(void)state;
	struct framing f;
	assert_null(FAULT("Host: a\r\n\r\n", "HTTP/1.0", &f));
	assert_null(FAULT("Host: a\r\n\0\n", "HTTP/1.0", &f));
	assert_null(FAULT("Host: a\n\0\r\n", "HTTP/1.0", &f));
	assert_int_equal(f.lines, 1);
}

static void test_request_lines(void **state)
{
	(void)state;
	/* GET·/x·HTTP/1.1····, then what else may stand around the target */
	const struct {
		const char *bytes;
		size_t size, version, target;
		bool sound;
	} cases[] = {{"GET\0/x\0HTTP/1.0\0\0\0\0", 19, 7, 2, true},
	             {"GET\0/x\0HTTP/1.0\0\0\0\0", 18, 7, 2, false},
	             {"GET\0/\0\0HTTP/1.0\0\0\0\0", 19, 7, 1, false},
	             {"GE\0\0/x\0HTTP/1.0\0\0\0\0", 19, 7, 2, false},
	             {"GET\0 /x\0HTTP/1.0\0\0\0\0", 20, 8, 2, false},
	             {"GET\0/x \0HTTP/1.0\0\0\0\0", 20, 8, 2, false},
	             {"GET\0/x\0HTTP/1.0\0Host", 20, 7, 2, false},
	             {"GET\0/x\0HTTP/1.0\0", 16, 7, 2, false},
	             {"GET", 3, 0, 2, false}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct framing framing;
		char *bytes = malloc(cases[i].size);
		memcpy(bytes, cases[i].bytes, cases[i].size);
		const struct head head = {bytes, bytes + cases[i].version, cases[i].size, cases[i].target, 0};
		if ((framing_read(&framing, &head) == NULL) != cases[i].sound)
			fail_msg("case %zu", i);
		free(bytes);
	}
}

/* "path|name=value|name=value", or the fault. */
static void assert_target(const char *raw, const char *expected)
{
	struct target target;
	char text[1000];
	const char *fault = target_parse(&target, raw);
	snprintf(text, sizeof text, "%s", fault != NULL ? fault : target.path);
	for (int i = 0; fault == NULL && i < target.n_parameters; i++) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "|%s=%s", target.parameters[i].name,
		         target.parameters[i].value);
	}
	if (fault != NULL ? strstr(text, expected) == NULL : strcmp(text, expected) != 0)
		fail_msg("%s: '%s' instead of '%s'", raw, text, expected);
	target_free(&target);
	assert_null(target.text);
}

static void test_targets(void **state)
{
	(void)state;
	assert_target("/", "/");
	assert_target("*", "*");
	assert_target("/a/b", "/a/b");
	assert_target("/%41%7a%C3%a9+", "/Az\xc3\xa9+");
	assert_target("/a?", "/a");
	assert_target("/a?b", "/a|b=");
	assert_target("/a?b=1&&c=+%2B%2f&d=e=f&", "/a|b=1|c= +/|d=e=f");
	assert_target("/a?%62=?", "/a|b=?");
	assert_target("http://h:8/a?b=1", "/a|b=1");
	assert_target("HTTPS://h", "/");
	assert_target("http://h?b=1", "/|b=1");
	struct target target;
	assert_null(target_parse(&target, "http://localhost:80/x"));
	assert_string_equal(target.authority, "localhost:80");
	target_free(&target);
	assert_null(target_parse(&target, "/x"));
	assert_null(target.authority);
	target_free(&target);
}

static void test_targets_with_a_fault_say_which(void **state)
{
	(void)state;
	assert_target("", "slash");
	assert_target("a", "slash");
	assert_target("*a", "slash");
	assert_target("ftp://h/a", "slash");
	assert_target("/a b", "blank");
	assert_target("/a\x7f", "control");
	assert_target("/a\r", "control");
	assert_target("/%", "hexadecimal");
	assert_target("/%4", "hexadecimal");
	assert_target("/%4g", "hexadecimal");
	assert_target("/%g4", "hexadecimal");
	assert_target("/a?b=%", "hexadecimal");
	assert_target("/a?%1=", "hexadecimal");
	assert_target("/%00", "%00");
	assert_target("/a?b=%00", "%00");
	assert_target("/a?b%00=1", "%00");
	assert_target("/a%2fb", "slash (%2F)");
	assert_target("http://h/a%2Fb", "slash (%2F)");
	char many[4 * (TARGET_MAX_PARAMETERS + 1) + 3] = "/?";
	for (int i = 0; i < TARGET_MAX_PARAMETERS; i++)
		strcat(many, "a=1&");
	struct target target;
	assert_null(target_parse(&target, many));
	assert_int_equal(target.n_parameters, TARGET_MAX_PARAMETERS);
	target_free(&target);
	assert_target(strcat(many, "a=1"), "too many");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sound_heads),
	    cmocka_unit_test(test_heads_with_a_fault_say_which),
	    cmocka_unit_test(test_what_cannot_be_seen),
	    cmocka_unit_test(test_request_lines),
	    cmocka_unit_test(test_targets),
	    cmocka_unit_test(test_targets_with_a_fault_say_which),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
