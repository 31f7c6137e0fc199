/* Kinds of data files: one row each in the table of kind.c, and every place that meets a file goes by it: an upload,
 * the name on disk, the worker, a download. To add one: engine/data/README.md. */
#ifndef QLSTM_DATA_KIND_H
#define QLSTM_DATA_KIND_H

#include "engine/data/table.h"

#define DATA_MAX_FACTS 4
#define DATA_MAX_TYPES 4

/* One thing to say of a file beside its rows and columns: {"dtype", FACT_TEXT, .text = "<f8"}. */
struct data_fact {
	const char *name;
	enum { FACT_FLAG, FACT_TEXT, FACT_SIZES } type;
	bool flag;
	const char *text; /* borrowed from the table, as sizes */
	const size_t *sizes;
	int n_sizes;
};

/* How a file is to be read. */
struct data_options {
	int values;                    /* of which columns (table.h) */
	const struct csv_options *csv; /* what is said of CSV; NULL: nothing */
};

struct data_kind {
	const char *name;   /* "csv": on the wire and in the database */
	const char *title;  /* in messages: "CSV" */
	const char *suffix; /* of the file: ".csv" */
	const char
	    *media_types[DATA_MAX_TYPES]; /* that declare it, the first is what a download says; NULL ends them */
	/* Whether the bytes begin as only this kind does. NULL: it has no such beginning, as CSV. */
	bool (*sniff)(const unsigned char *bytes, size_t length);
	/* The table in the bytes, with the values that the options say. It refuses what it does not understand
	 * and says where: ERR_SYNTAX for bytes that are not of this kind, ERR_INVALID for what is well-formed and
	 * cannot be used, ERR_TOO_LARGE. VALUES_NONE: made of the same bytes by the same checks, in little memory. *out
	 * is the caller's (table_free), untouched on failure. */
	int (*parse)(const unsigned char *bytes, size_t length, const struct data_options *options, struct table *out,
	             struct qlstm_error *error);
	/* Writes what there is to say of a table of this kind; returns how many facts. */
	int (*describe)(const struct table *table, struct data_fact facts[DATA_MAX_FACTS]);
};

const struct data_kind *data_kind_at(int index); /* NULL past the end */
const struct data_kind *data_kind_find(const char *name);
/* The kind that the bytes begin as, NULL when they begin as none that has a beginning of its own. */
const struct data_kind *data_kind_sniff(const unsigned char *bytes, size_t length);
/* The kind that has no beginning of its own: what bytes are taken for when nothing else is known of them. */
const struct data_kind *data_kind_plain(void);

/* What the bytes begin as where it is something else than a table, "JSON"; NULL: nothing that is known. */
const char *data_kind_foreign(const unsigned char *bytes, size_t length);

#endif
