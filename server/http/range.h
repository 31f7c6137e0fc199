/* The Range header (RFC 9110 section 14), single byte ranges. */
#ifndef QLSTM_HTTP_RANGE_H
#define QLSTM_HTTP_RANGE_H

#include <stddef.h>

enum range_result {
	RANGE_WHOLE,        /* no range, or one that may be ignored: several ranges, another unit, nonsense */
	RANGE_PART,         /* *first and *count are set, inside the whole */
	RANGE_UNSATISFIABLE /* well-formed, but outside: 416 */
};

/* `header` may be NULL; `length` is that of the whole. */
enum range_result range_parse(const char *header, size_t length, size_t *first, size_t *count);

#endif
