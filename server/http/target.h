/* Request targets: "/experiments?limit=5" as a path and its parameters. They are read here and not by the HTTP library,
 * whose texts end at the first NUL: to it "/experiments/ID%00x" is the path of ID. Example: "/a%20b?c=1+2&d" is the
 * path "/a b" with c = "1 2" and d = "". */
#ifndef QLSTM_HTTP_TARGET_H
#define QLSTM_HTTP_TARGET_H

#include <stddef.h>

#define TARGET_MAX_PARAMETERS 32

struct target {
	char *text;            /* owned; the rest points into it */
	const char *path;      /* decoded; "*" of OPTIONS, about the whole server */
	const char *authority; /* of a target such as "http://localhost:8080/healthz"; else NULL */
	struct {
		const char *name, *value; /* decoded, in the order given */
	} parameters[TARGET_MAX_PARAMETERS];
	int n_parameters;
};

/* Reads `raw`, a target as it stands in the request line. NULL when it is sound, else what is wrong with it (static
 * storage): a character that may not stand there, % without two hexadecimal digits, an encoded NUL, an encoded slash in
 * the path (it would separate segments or not, depending on who reads it), too many parameters, no memory. target_free
 * in any case. */
const char *target_parse(struct target *target, const char *raw);
void target_free(struct target *target);

#endif
