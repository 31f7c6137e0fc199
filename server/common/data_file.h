/* A file with data: of which kind it is (engine/data/kind.h), and the table in it. The daemon asks when it is uploaded,
 * the worker when it is trained on. */
#ifndef QLSTM_COMMON_DATA_FILE_H
#define QLSTM_COMMON_DATA_FILE_H

#include <jansson.h>
#include <stdatomic.h>

#include "engine/data/kind.h"

#define DATA_FILE_MAX_TYPES 24
#define DATA_FILE_NAME_SIZE 96 /* bytes of a file's name in DATA/datasets */
#define DATA_MAX_UNPACKING  4  /* large packed files that are unpacked at once, where that is counted */

struct data_file {
	const struct data_kind *kind; /* NULL: whatever the bytes say */
	bool gzip;                    /* the file is packed; declared false: whatever the bytes say */
};

/* The media types under which data may come, NULL behind the last; those of CSV first. */
void data_file_types(const char *types[DATA_FILE_MAX_TYPES]);
/* What a media type, with or without parameters, declares; nothing where it is general ("application/octet-stream"). */
struct data_file data_file_of_type(const char *type);
/* What a file's name declares by its suffix. */
struct data_file data_file_of_name(const char *name);

/* What is asked for. */
struct data_request {
	struct data_file declared;     /* must hold */
	const char *word;              /* how it was declared ("text/csv"), for the message; NULL where nothing was */
	size_t limit;                  /* bytes that packed data may unpack to */
	const char *spool;             /* folder of the spool that they unpack to past 1 MiB; NULL: memory, always */
	atomic_int *unpacking;         /* how many do that at this moment, this one not counted; NULL: nobody counts */
	int values;                    /* of which columns (table.h) */
	const struct csv_options *csv; /* what is said of CSV; NULL: nothing */
};

/* Reads the table in the bytes and says in *found what they are. A text past 1 MiB in another encoding than UTF-8, or
 * whose lines end in CR alone, goes by the spool too. Packed data of any kind are unpacked first: a large one takes
 * disk and time that its sender did not have to spend, so ERR_UNAVAILABLE when so many are being read already.
 * ERR_WRONG_TYPE when the bytes are of another kind than declared; else as gzip_unpack, spool.h and data_kind.parse.
 * *table is the caller's (table_free), untouched on failure. */
int data_file_read(const unsigned char *bytes, size_t length, const struct data_request *request,
                   struct data_file *found, struct table *table, struct qlstm_error *error);

/* What there is to say of the file beside rows and columns: {"has_header": true, "compression": "gzip"}; of CSV also
 * "dialect", "preview" and "notes" (csv_json.h), and "time", the column that holds dates. New reference, NULL when out
 * of memory. */
json_t *data_file_json(const struct data_file *file, const struct table *table);

/* The name in DATA/datasets: the SHA-256 of the bytes and the suffix: SHA256.csv, SHA256.npy.gz. */
void data_file_name(const struct data_file *file, const char *sha256, char out[DATA_FILE_NAME_SIZE]);
/* The media type of a download. `name` is that of a file in DATA/datasets. */
const char *data_file_type(const char *name);

#endif
