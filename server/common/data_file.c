/* Files with data. */
#include "server/common/data_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/data/csv/decode.h"
#include "server/common/csv_json.h"
#include "server/common/gzip.h"
#include "server/common/xlsx/xlsx.h"

/* They say nothing of the kind. The second is what curl --data-binary @FILE sends. */
static const char *const general_types[] = {"application/octet-stream", "application/x-www-form-urlencoded"};

static const char *const gzip_types[] = {"application/gzip", "application/x-gzip"};
static const char gzip_suffix[] = ".gz";

#define IN_MEMORY        ((size_t)1 << 20)   /* bytes, unpacked: so much is not worth a file */
#define MOST_SPREADSHEET ((size_t)256 << 20) /* bytes, unpacked and as text: these are made in memory */

enum { N_GZIP = sizeof gzip_types / sizeof gzip_types[0] };
enum { N_GENERAL = sizeof general_types / sizeof general_types[0] };

static int add_types(const char *types[DATA_FILE_MAX_TYPES], int n, const char *const *more, int n_more)
{
	for (int i = 0; i < n_more && more[i] != NULL && n < DATA_FILE_MAX_TYPES - 1; i++)
		types[n++] = more[i];
	return n;
}

void data_file_types(const char *types[DATA_FILE_MAX_TYPES])
{
	int n = 0;
	const struct data_kind *kind;
	for (int i = 0; (kind = data_kind_at(i)) != NULL; i++)
		n = add_types(types, n, kind->media_types, DATA_MAX_TYPES);
	n = add_types(types, n, gzip_types, N_GZIP);
	n = add_types(types, n, general_types, N_GENERAL);
	types[n] = NULL;
}

static bool is_type(const char *type, const char *known)
{
	size_t length = strcspn(type, "; \t,");
	return strlen(known) == length && strncasecmp(type, known, length) == 0;
}

struct data_file data_file_of_type(const char *type)
{
	const struct data_kind *kind;
	for (int i = 0; (kind = data_kind_at(i)) != NULL; i++)
		for (int k = 0; k < DATA_MAX_TYPES && kind->media_types[k] != NULL; k++)
			if (is_type(type, kind->media_types[k]))
				return (struct data_file){.kind = kind};
	for (int i = 0; i < N_GZIP; i++)
		if (is_type(type, gzip_types[i]))
			return (struct data_file){.gzip = true};
	return (struct data_file){0};
}

static bool ends_with(const char *name, size_t length, const char *suffix)
{
	size_t end = strlen(suffix);
	return length > end && strncmp(name + length - end, suffix, end) == 0;
}

struct data_file data_file_of_name(const char *name)
{
	const struct data_kind *kind;
	size_t length = strlen(name);
	struct data_file file = {.gzip = ends_with(name, length, gzip_suffix)};
	if (file.gzip)
		length -= sizeof gzip_suffix - 1;
	for (int i = 0; (kind = data_kind_at(i)) != NULL; i++)
		if (ends_with(name, length, kind->suffix))
			file.kind = kind;
	return file;
}

/* The kind of the bytes, which are not packed: as declared where they do not contradict, else by their beginning. */
static int find_kind(const unsigned char *bytes, size_t length, const struct data_request *request,
                     const struct data_kind **kind, struct qlstm_error *error)
{
	const struct data_kind *seen = data_kind_sniff(bytes, length), *declared = request->declared.kind;
	if (seen == NULL && declared != NULL && declared->sniff != NULL)
		return error_set(error, ERR_WRONG_TYPE, NULL, "declared as %.80s, but the data do not begin as %s does",
		                 request->word, declared->title);
	if (seen != NULL && declared != NULL && seen != declared)
		return error_set(error, ERR_WRONG_TYPE, NULL, "declared as %.80s, but the data begin as %s does (%s)",
		                 request->word, seen->title, seen->media_types[0]);
	*kind = seen != NULL ? seen : declared != NULL ? declared : data_kind_plain();
	return 0;
}

/* What a sheet becomes is known; what lies in its cells is not. */
static int sheet_options(const struct csv_options *given, struct csv_options *out, struct qlstm_error *error)
{
	const unsigned fixed = CSV_SAYS_SEPARATOR | CSV_SAYS_DECIMAL | CSV_SAYS_THOUSANDS | CSV_SAYS_ENCODING;
	*out = given != NULL ? *given : (struct csv_options){0};
	struct csv_dialect *dialect = &out->dialect;
	if (dialect->is_symbols || dialect->texts != TEXTS_NONE ||
	    ((out->said & CSV_SAYS_SEPARATOR) != 0 && dialect->separator != ',') ||
	    ((out->said & CSV_SAYS_DECIMAL) != 0 && dialect->decimal != '.') ||
	    ((out->said & CSV_SAYS_THOUSANDS) != 0 && dialect->thousands != CSV_NONE) ||
	    ((out->said & CSV_SAYS_ENCODING) != 0 && dialect->encoding != CSV_UTF8))
		return error_set(error, ERR_INVALID, NULL,
		                 "of a spreadsheet sheet, header, skip_rows, comment and missing can be said");
	out->said = (out->said | fixed) & ~(unsigned)CSV_SAYS_SHEET;
	dialect->separator = ',';
	dialect->decimal = '.';
	dialect->thousands = CSV_NONE;
	dialect->encoding = CSV_UTF8;
	return 0;
}

static int read_spreadsheet(const unsigned char *bytes, size_t length, const struct data_request *request,
                            const struct data_kind *kind, struct table *table, struct qlstm_error *error)
{
	struct csv_options csv;
	char sheet[XLSX_SHEET_SIZE], *text = NULL;
	size_t n = 0, limit = request->limit < MOST_SPREADSHEET ? request->limit : MOST_SPREADSHEET;
	int rc = sheet_options(request->csv, &csv, error);
	if (rc != 0)
		return rc;
	snprintf(sheet, sizeof sheet, "%s", csv.dialect.sheet);
	rc = xlsx_csv(bytes, length, limit, sheet, &text, &n, error);
	if (rc != 0)
		return rc;
	const struct data_options options = {.values = request->values, .csv = &csv};
	rc = kind->parse((const unsigned char *)text, n, &options, table, error);
	if (rc == 0)
		snprintf(table->dialect.sheet, sizeof table->dialect.sheet, "%s", sheet);
	free(text);
	return rc;
}

/* A text into a spool as UTF-8. */
static int transcode(const struct csv_bytes *from, struct spool *spool, struct qlstm_error *error)
{
	char piece[1 << 14];
	size_t at = 0, n = 0;
	int rc = 0;
	while (rc == 0 && at < from->length) {
		rc = csv_decode_piece(from, &at, piece, sizeof piece, &n, error);
		if (rc == 0)
			rc = spool_write(spool, piece, n, error);
	}
	return rc;
}

/* As what it is, by the disk. */
static int read_foreign(const struct csv_bytes *from, const struct data_request *request,
                        const struct csv_options *said, const struct data_kind *kind, struct table *table,
                        struct qlstm_error *error)
{
	struct spool spool;
	struct csv_options csv = *said;
	const unsigned char *text = NULL;
	csv.said |= CSV_SAYS_ENCODING;
	csv.dialect.encoding = CSV_UTF8;
	const struct data_options options = {.values = request->values, .csv = &csv};
	int rc = spool_open(&spool, request->spool, error);
	if (rc != 0)
		return rc;
	rc = transcode(from, &spool, error);
	if (rc == 0)
		rc = spool_map(&spool, &text, error);
	if (rc == 0)
		rc = kind->parse(text, spool.length, &options, table, error);
	if (rc == 0)
		table->dialect.encoding = from->encoding;
	spool_unmap(&spool, text);
	spool_close(&spool);
	return rc;
}

/* A large text that is not read as it stands takes no memory where there is a spool. */
static int read_text(const unsigned char *bytes, size_t length, const struct data_request *request,
                     const struct data_kind *kind, struct table *table, struct qlstm_error *error)
{
	static const struct csv_options nothing = {0};
	const struct csv_options *said = request->csv != NULL ? request->csv : &nothing;
	const struct data_options options = {.values = request->values, .csv = request->csv};
	if (kind->parse == data_kind_plain()->parse && request->spool != NULL && length > IN_MEMORY) {
		struct csv_bytes from = {bytes, length, csv_encoding_of(bytes, length, said), false};
		from.cr_ends = csv_ends_in_cr(&from, said);
		if (from.encoding != CSV_UTF8 || from.cr_ends)
			return read_foreign(&from, request, said, kind, table, error);
	}
	return kind->parse(bytes, length, &options, table, error);
}

static int read_plain(const unsigned char *bytes, size_t length, const struct data_request *request,
                      struct data_file *found, struct table *table, struct qlstm_error *error)
{
	int rc = find_kind(bytes, length, request, &found->kind, error);
	if (rc == 0 && strcmp(found->kind->name, "xlsx") == 0)
		return read_spreadsheet(bytes, length, request, found->kind, table, error);
	if (rc == 0 && request->csv != NULL && (request->csv->said & CSV_SAYS_SHEET) != 0)
		return error_set(error, ERR_INVALID, NULL, "sheet is said of a spreadsheet (XLSX); this is %s",
		                 found->kind->title);
	return rc == 0 ? read_text(bytes, length, request, found->kind, table, error) : rc;
}

static int read_unpacked(const unsigned char *bytes, size_t length, const struct data_request *request,
                         struct data_file *found, struct table *table, struct qlstm_error *error)
{
	if (gzip_sniff(bytes, length))
		return error_set(error, ERR_SYNTAX, NULL, "the gzip data hold gzip data; packed once is enough");
	return read_plain(bytes, length, request, found, table, error);
}

/* By the disk, so that large data take no memory. */
static int read_by_spool(const unsigned char *bytes, size_t length, const struct data_request *request,
                         struct data_file *found, struct table *table, struct qlstm_error *error)
{
	struct spool spool;
	const unsigned char *unpacked = NULL;
	int rc = spool_open(&spool, request->spool, error);
	if (rc != 0)
		return rc;
	rc = gzip_unpack_spool(bytes, length, request->limit, &spool, error);
	if (rc == 0)
		rc = spool_map(&spool, &unpacked, error);
	if (rc == 0)
		rc = read_unpacked(unpacked, spool.length, request, found, table, error);
	spool_unmap(&spool, unpacked);
	spool_close(&spool);
	return rc;
}

/* One of few, where they are counted. */
static int read_in_turn(const unsigned char *bytes, size_t length, const struct data_request *request,
                        struct data_file *found, struct table *table, struct qlstm_error *error)
{
	atomic_int *unpacking = request->unpacking;
	int rc = ERR_UNAVAILABLE;
	if (unpacking == NULL)
		return read_by_spool(bytes, length, request, found, table, error);
	if (atomic_fetch_add(unpacking, 1) < DATA_MAX_UNPACKING)
		rc = read_by_spool(bytes, length, request, found, table, error);
	else
		error_set(error, rc, NULL, "%d packed data sets are being read", DATA_MAX_UNPACKING);
	atomic_fetch_sub(unpacking, 1);
	return rc;
}

static int read_packed(const unsigned char *bytes, size_t length, const struct data_request *request,
                       struct data_file *found, struct table *table, struct qlstm_error *error)
{
	unsigned char *unpacked = NULL;
	size_t n = 0, most = request->limit;
	struct qlstm_error cause = {0};
	if (request->spool != NULL && most > IN_MEMORY)
		most = IN_MEMORY;
	int rc = gzip_unpack(bytes, length, most, &unpacked, &n, &cause);
	if (rc == ERR_TOO_LARGE && most < request->limit)
		return read_in_turn(bytes, length, request, found, table, error);
	if (rc != 0)
		return error_set(error, rc, NULL, "%s", cause.message);
	rc = read_unpacked(unpacked, n, request, found, table, error);
	free(unpacked);
	return rc;
}

int data_file_read(const unsigned char *bytes, size_t length, const struct data_request *request,
                   struct data_file *found, struct table *table, struct qlstm_error *error)
{
	*found = (struct data_file){.gzip = gzip_sniff(bytes, length)};
	if (!found->gzip && request->declared.gzip)
		return error_set(error, ERR_WRONG_TYPE, NULL,
		                 "declared as %.80s, but the data do not begin as gzip does", request->word);
	if (!found->gzip)
		return read_plain(bytes, length, request, found, table, error);
	return read_packed(bytes, length, request, found, table, error);
}

static json_t *fact_json(const struct data_fact *fact)
{
	if (fact->type == FACT_FLAG)
		return json_boolean(fact->flag);
	if (fact->type == FACT_TEXT)
		return json_string(fact->text);
	json_t *sizes = json_array();
	for (int i = 0; i < fact->n_sizes; i++)
		json_array_append_new(sizes, json_integer((json_int_t)fact->sizes[i]));
	if (sizes != NULL && json_array_size(sizes) == (size_t)fact->n_sizes)
		return sizes;
	json_decref(sizes);
	return NULL;
}

/* What was understood of a text. */
static int add_reading(json_t *json, const struct table *table)
{
	const struct {
		const char *name;
		json_t *value;
	} members[] = {{"dialect", csv_dialect_json(&table->dialect)},
	               {"preview", csv_preview_json(table)},
	               {"notes", csv_notes_json(table)},
	               {"time", table->times.there ? json_integer(table->times.column) : json_null()}};
	int rc = 0;
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		if (json_object_set_new(json, members[i].name, members[i].value) != 0)
			rc = ERR_OUT_OF_MEMORY;
	return rc;
}

json_t *data_file_json(const struct data_file *file, const struct table *table)
{
	struct data_fact facts[DATA_MAX_FACTS];
	int n = file->kind->describe(table, facts);
	json_t *json = file->gzip ? json_pack("{s:s}", "compression", "gzip") : json_object();
	if (file->kind->parse == data_kind_plain()->parse && json != NULL && add_reading(json, table) != 0) {
		json_decref(json);
		return NULL;
	}
	for (int i = 0; json != NULL && i < n; i++) {
		if (json_object_set_new(json, facts[i].name, fact_json(&facts[i])) == 0)
			continue;
		json_decref(json);
		return NULL;
	}
	return json;
}

void data_file_name(const struct data_file *file, const char *sha256, char out[DATA_FILE_NAME_SIZE])
{
	snprintf(out, DATA_FILE_NAME_SIZE, "%s%s%s", sha256, file->kind->suffix, file->gzip ? gzip_suffix : "");
}

const char *data_file_type(const char *name)
{
	const struct data_file file = data_file_of_name(name);
	if (file.gzip)
		return gzip_types[0];
	return file.kind != NULL ? file.kind->media_types[0] : general_types[0];
}
