/* The labels of a classification, or words, before they are accepted. */
#include "server/api/labels.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/columns.h"
#include "schema/task.h"
#include "server/api/parts/labels_seen.h"
#include "server/api/uploaded.h"
#include "server/common/cost_texts.h"

/* Where the spec's columns are in the data set, without reading it. */
static int find_columns(const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                        struct qlstm_error *error)
{
	struct table table = {0};
	int rc = columns_read(entry->row.columns_json, &table, error);
	if (rc == 0)
		rc = spec_columns(spec, resolved, &table, error);
	table_free(&table);
	return rc;
}

static int read_table(struct api *api, const struct catalog_entry *entry, const struct spec *spec, struct table *table,
                      struct qlstm_error *error)
{
	if (entry->series != NULL)
		return series_table(entry->series, table, error);
	if (spec->missing == MISSING_REFUSE)
		return uploaded_table(api, &entry->row, VALUES_OF(spec->windows.targets[0]), table, error);
	/* Which rows are left depends on all columns. */
	int rc = uploaded_table(api, &entry->row, VALUES_ALL, table, error);
	return rc == 0 ? uploaded_complete(table, spec, error) : rc;
}

static int check_words(struct api *api, const struct catalog_entry *entry, const struct spec *spec,
                       struct qlstm_error *error)
{
	struct table table = {0};
	struct word_sequences words = {0};
	int rc = uploaded_table(api, &entry->row, VALUES_ALL, &table, error);
	if (rc == 0) {
		rc = words_take(&table, &spec->words, &words, error);
		if (rc != 0)
			error_prefix(error, "/data");
	}
	words_free(&words);
	table_free(&table);
	return rc;
}

/* Labels, and that there are texts; they are counted. */
static int check_texts(struct api *api, const struct catalog_entry *entry, const struct spec *spec,
                       struct cost_windows *counted, struct qlstm_error *error)
{
	struct table table = {0};
	int rc = uploaded_table(api, &entry->row, VALUES_ALL, &table, error);
	if (rc == 0)
		rc = cost_count_texts(spec, &table, counted, error);
	table_free(&table);
	return rc;
}

static int check(struct api *api, const struct catalog_entry *entry, const struct spec *spec,
                 struct cost_windows *counted, struct qlstm_error *error)
{
	if (spec->task == TASK_WORDS)
		return check_words(api, entry, spec, error);
	if (task_has_texts(spec->task))
		return check_texts(api, entry, spec, counted, error);
	struct table table = {0};
	const struct records_config records = spec_records(spec);
	int rc = read_table(api, entry, spec, &table, error);
	if (rc == 0) {
		rc = records_check_classes(&table, &records, error);
		if (rc != 0)
			error_prefix(error, "/data");
	}
	table_free(&table);
	return rc;
}

/* How texts are read and counted. */
static void add_texts(struct labels_key *key, const struct spec *spec)
{
	const struct trainer_config *training = &spec->training;
	const int texts[LABELS_TEXTS] = {1 + (int)spec->task,     spec_steps(spec),
	                                 training->batch_size,    (int)spec->text.lexicon.tokenizer,
	                                 spec->text.lexicon.size, training->shuffle + 2 * training->bucket};
	memcpy(key->texts, texts, sizeof key->texts);
}

int labels_check(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                 size_t n_rows, struct cost_windows *counted, struct qlstm_error *error)
{
	bool words = spec->task == TASK_WORDS, texts = task_has_texts(spec->task);
	if (texts && entry->series != NULL)
		return error_set(error, ERR_INVALID, "/data/dataset", "the built-in series hold no texts");
	if (spec->task != TASK_CLASSIFICATION && !texts && (!words || entry->series != NULL))
		return 0;
	int rc = find_columns(entry, resolved, spec, error);
	if (rc != 0)
		return rc;
	if (entry->series != NULL)
		return check(api, entry, spec, counted, error);
	struct parts parts;
	struct labels_key key = {
	    .column = spec->windows.targets[0], .classes = spec->classes, .missing = (int)spec->missing};
	if (words)
		key = (struct labels_key){.column = spec->words.target,
		                          .classes = 1 << spec->words.bits,
		                          .input = spec->words.input + 1,
		                          .scored = spec->words.scored + 1};
	if (texts)
		add_texts(&key, spec);
	snprintf(key.dataset, sizeof key.dataset, "%s", entry->row.id);
	const struct split *split = &spec->windows.split;
	rc = spec_count_samples(spec, n_rows, &parts, error);
	if (rc != 0 || spec_split_needs_rows(spec))
		return rc; /* where a part ends the worker finds out */
	/* What is remembered is that of rows in their order: 0 is never found. */
	key.n_train = split->shuffle ? 0 : parts.train;
	key.n_validation = parts.validation;
	if (labels_seen_begin(api->labels, &key, counted))
		return 0;
	rc = check(api, entry, spec, counted, error);
	malloc_trim(0); /* else each thread of the pool keeps what it has freed */
	bool good = rc == 0 && spec->missing == MISSING_REFUSE && !split->shuffle;
	labels_seen_end(api->labels, &key, good ? counted : NULL);
	return rc;
}
