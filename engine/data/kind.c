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
