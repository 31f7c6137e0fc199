/* The table of data kinds. */
#include "engine/data/kind.h"

#include <string.h>

#include "engine/data/csv.h"
#include "engine/data/idx.h"
#include "engine/data/npy.h"
#include "engine/data/weights.h"

/* --- csv --- */

static int parse_csv(const unsigned char *bytes, size_t length, const struct data_options *options, struct table *out,
                     struct qlstm_error *error)
{
	return csv_read((const char *)bytes, length, options->csv, options->values, out, error);
}

static int describe_csv(const struct table *table, struct data_fact facts[DATA_MAX_FACTS])
{
	facts[0] = (struct data_fact){.name = "has_header", .type = FACT_FLAG, .flag = table->has_header};
	return 1;
}

/* --- xlsx --- */

/* A spreadsheet is a ZIP archive; `parse` gets one of its sheets as CSV text: who reads the file makes it. */
static bool sniff_zip(const unsigned char *bytes, size_t length)
{
	return length >= 4 && memcmp(bytes, "PK\3\4", 4) == 0;
}

/* --- npy, idx --- */

static int parse_npy(const unsigned char *bytes, size_t length, const struct data_options *options, struct table *out,
                     struct qlstm_error *error)
{
	return npy_parse(bytes, length, options->values, out, error);
}

static int parse_idx(const unsigned char *bytes, size_t length, const struct data_options *options, struct table *out,
                     struct qlstm_error *error)
{
	return idx_parse(bytes, length, options->values, out, error);
}

static int describe_array(const struct table *table, struct data_fact facts[DATA_MAX_FACTS])
{
	facts[0] = (struct data_fact){.name = "dtype", .type = FACT_TEXT, .text = table->dtype};
	facts[1] = (struct data_fact){
	    .name = "shape", .type = FACT_SIZES, .sizes = table->shape, .n_sizes = table->n_dimensions};
	return 2;
}

/* --- safetensors --- */

static int parse_weights(const unsigned char *bytes, size_t length, const struct data_options *options,
                         struct table *out, struct qlstm_error *error)
{
	return weights_parse(bytes, length, options->values, out, error);
}

static int describe_weights(const struct table *table, struct data_fact facts[DATA_MAX_FACTS])
{
	(void)table;
	(void)facts;
	return 0;
}

/* --- the table --- */

static const struct data_kind kinds[] = {
    {"csv", "CSV", ".csv", {"text/csv", "application/csv", "text/plain"}, NULL, parse_csv, describe_csv},
    {"npy", "NumPy's .npy", ".npy", {"application/x-npy"}, npy_sniff, parse_npy, describe_array},
    {"idx", "IDX", ".idx", {"application/x-idx"}, idx_sniff, parse_idx, describe_array},
    {"safetensors",
     "safetensors",
     ".safetensors",
     {"application/x-safetensors"},
     weights_sniff,
     parse_weights,
     describe_weights},
    {"xlsx",
     "XLSX",
     ".xlsx",
     {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
     sniff_zip,
     parse_csv,
     describe_csv},
};

enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

const struct data_kind *data_kind_at(int index)
{
	return index >= 0 && index < N_KINDS ? &kinds[index] : NULL;
}

const struct data_kind *data_kind_find(const char *name)
{
	for (int i = 0; i < N_KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const struct data_kind *data_kind_sniff(const unsigned char *bytes, size_t length)
{
	for (int i = 0; i < N_KINDS; i++)
		if (kinds[i].sniff != NULL && kinds[i].sniff(bytes, length))
			return &kinds[i];
	return NULL;
}

const struct data_kind *data_kind_plain(void)
{
	return &kinds[0];
}

/* JSON: {"a": or {} or [{"a": or [[1 or [1, behind blanks. */
static bool begins_as_json(const unsigned char *bytes, size_t length)
{
	const char *const blanks = " \t\r\n";
	size_t at = 0;
	int depth = 0;
	for (; at < length && at < 100 && bytes[at] != '\0'; at++) {
		if (strchr(blanks, bytes[at]) != NULL)
			continue;
		if (bytes[at] != '[' && bytes[at] != '{')
			break;
		depth++;
	}
	return depth > 0 && at < length && bytes[at] != '\0' && strchr("\"]}-0123456789", bytes[at]) != NULL;
}

const char *data_kind_foreign(const unsigned char *bytes, size_t length)
{
	static const struct {
		const char *begin, *title;
		size_t length;
	} known[] = {{"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)", 4},
	             {"PAR1", "Parquet", 4},
	             {"%PDF-", "PDF", 5},
	             {"\x89HDF", "HDF5", 4},
	             {"SQLite format 3", "a database of SQLite", 15},
	             {"<!DOCTYPE html", "a page of the Web (HTML)", 14},
	             {"<!doctype html", "a page of the Web (HTML)", 14},
	             {"<html", "a page of the Web (HTML)", 5},
	             {"<?xml", "XML", 5},
	             {"{\\rtf", "RTF", 5}};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (length >= known[i].length && memcmp(bytes, known[i].begin, known[i].length) == 0)
			return known[i].title;
	return begins_as_json(bytes, length) ? "JSON" : NULL;
}
