/* CSV files and texts of symbols of which something is said: the first line has the query of the upload,
 * "separator=;&header=2" or "symbols=acgt&pad=true" without escapes, the others are the file. */
#include "tests/fuzz/data_file.h"

enum { MOST_SAID = 400 };

static int say(char *said, struct csv_options *options, struct qlstm_error *error)
{
	int rc = 0;
	for (char *at = said, *next; rc == 0 && at != NULL && *at != '\0'; at = next) {
		next = strchr(at, '&');
		if (next != NULL)
			*next++ = '\0';
		char *value = strchr(at, '=');
		if (value != NULL)
			*value++ = '\0';
		rc = csv_say(options, at, value != NULL ? value : "", error);
	}
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char said[MOST_SAID];
	struct csv_options options = {0};
	struct qlstm_error error = {0};
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t length = end != NULL ? (size_t)(end - data) : 0;
	if (end == NULL || length >= sizeof said)
		return 0;
	memcpy(said, data, length);
	said[length] = '\0';
	int rc = say(said, &options, &error);
	if (rc == 0)
		return check_data_file_as("csv", &options, end + 1, size - length - 1);
	check_refusal(&error, rc);
	return 0;
}

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {"symbols=acgt\n+ acgt\n- ttga\n",
	                                    "symbols=found&pad=true\n1\tabc\n0\tc\n",
	                                    "symbols=found&symbols_as=index\n1 cab\n0 abb\n",
	                                    "symbols=found&symbols_as=positions\nabc\tcab\nbbb\taaa\n",
	                                    "symbols=ba&labels=-,+\n-  ba\n+   ab\n",
	                                    "symbols=found&skip_rows=2\nhead\nline\n1 a\xc3\xbc\n2 a\xc3\xbc\n",
	                                    "symbols=aba\nab\n",
	                                    "separator=;&decimal=,&thousands=.\na;b\n1.234,5;2\n3;4,5\n",
	                                    "header=2&skip_rows=1&comment=#\nx\na,b\nc,d\n1,2\n# no\n3,4\n",
	                                    "missing=?,none&header=false\n1,?\nnone,2\n3,4\n",
	                                    "encoding=latin-1\n\xfc,b\n1,2\n3,4\n",
	                                    "encoding=utf-16\n\xff\xfez\t2\n3\t4\n",
	                                    "separator=whitespace\n1  2\n 3 4\n",
	                                    "sheet=one\n1,2\n",
	                                    "no_such=1\n1\n"};
	GIVE_TEXTS(texts);
}
