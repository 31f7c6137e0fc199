/* MLflow's filters: read once, asked of each run. */
#include "server/api/mlflow/filter.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reader {
	const char *text, *at;
	struct qlstm_error *error;
};

static int refuse(const struct reader *reader, const char *expected)
{
	return error_set(reader->error, ERR_INVALID, NULL, "'%.100s' is not understood at place %d: %s expected",
	                 reader->text, (int)(reader->at - reader->text) + 1, expected);
}

static void skip_blanks(struct reader *reader)
{
	while (isspace((unsigned char)*reader->at))
		reader->at++;
}

/* A word in any case, with no letter behind it. */
static bool take_word(struct reader *reader, const char *word)
{
	size_t length = strlen(word);
	skip_blanks(reader);
	bool here = strncasecmp(reader->at, word, length) == 0 &&
	            !(isalpha((unsigned char)word[0]) && isalnum((unsigned char)reader->at[length]));
	reader->at += here ? length : 0;
	return here;
}

/* Between two of `quote`; the text is cut where there is no room. */
static int take_quoted(struct reader *reader, char *out, size_t size)
{
	char quote = *reader->at;
	const char *end = strchr(reader->at + 1, quote);
	if (end == NULL)
		return refuse(reader, "the closing quote is");
	snprintf(out, size, "%.*s", (int)(end - reader->at - 1), reader->at + 1);
	reader->at = end + 1;
	return 0;
}

static const struct {
	const char *word;
	enum mlflow_kind kind;
} kinds[] = {{"metrics.", MLFLOW_METRIC},
             {"metric.", MLFLOW_METRIC},
             {"params.", MLFLOW_PARAM},
             {"param.", MLFLOW_PARAM},
             {"parameters.", MLFLOW_PARAM},
             {"parameter.", MLFLOW_PARAM},
             {"tags.", MLFLOW_TAG},
             {"tag.", MLFLOW_TAG},
             {"attributes.", MLFLOW_ATTRIBUTE},
             {"attribute.", MLFLOW_ATTRIBUTE},
             {"attr.", MLFLOW_ATTRIBUTE},
             {"run.", MLFLOW_ATTRIBUTE}};

/* Of runs and of experiments, with what else they are called. */
static const struct {
	const char *said, *name;
} attributes[] = {{"status", "status"},
                  {"run_id", "run_id"},
                  {"run_name", "run_name"},
                  {"run name", "run_name"},
                  {"user_id", "user_id"},
                  {"artifact_uri", "artifact_uri"},
                  {"start_time", "start_time"},
                  {"created", "start_time"},
                  {"end_time", "end_time"},
                  {"experiment_id", "experiment_id"},
                  {"name", "name"},
                  {"creation_time", "creation_time"},
                  {"last_update_time", "last_update_time"}};

static int check_attribute(const struct reader *reader, struct mlflow_name *out)
{
	for (size_t k = 0; k < sizeof attributes / sizeof attributes[0]; k++)
		if (strcasecmp(attributes[k].said, out->key) == 0) {
			snprintf(out->key, sizeof out->key, "%s", attributes[k].name);
			return 0;
		}
	return error_set(
	    reader->error, ERR_INVALID, NULL,
	    "there is no attribute '%.60s'; there are status, run_id, run_name, user_id, start_time, end_time, of "
	    "experiments name, creation_time, last_update_time, and names such as metrics.test_loss",
	    out->key);
}

static int take_name(struct reader *reader, struct mlflow_name *out)
{
	static const char ends[] = " \t\r\n=!<>,()";
	skip_blanks(reader);
	out->kind = MLFLOW_ATTRIBUTE;
	for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
		if (strncmp(reader->at, kinds[k].word, strlen(kinds[k].word)) == 0) {
			out->kind = kinds[k].kind;
			reader->at += strlen(kinds[k].word);
			break;
		}
	int rc = 0;
	if (*reader->at == '`' || *reader->at == '"') {
		rc = take_quoted(reader, out->key, sizeof out->key);
	} else {
		size_t length = strcspn(reader->at, ends);
		snprintf(out->key, sizeof out->key, "%.*s", (int)length, reader->at);
		reader->at += length;
	}
	if (rc == 0 && out->key[0] == '\0')
		return refuse(reader, "a name such as metrics.test_loss is");
	return rc == 0 && out->kind == MLFLOW_ATTRIBUTE ? check_attribute(reader, out) : rc;
}

static const struct {
	const char *word;
	enum mlflow_comparison comparison;
} comparisons[] = {{"<=", MLFLOW_LESS_EQUAL}, {">=", MLFLOW_MORE_EQUAL}, {"!=", MLFLOW_UNEQUAL},
                   {"=", MLFLOW_EQUAL},       {"<", MLFLOW_LESS},        {">", MLFLOW_MORE},
                   {"LIKE", MLFLOW_LIKE},     {"ILIKE", MLFLOW_ILIKE},   {"IN", MLFLOW_IN}};

static int take_comparison(struct reader *reader, enum mlflow_comparison *out)
{
	bool negated = take_word(reader, "NOT");
	for (size_t k = 0; k < sizeof comparisons / sizeof comparisons[0]; k++)
		if (take_word(reader, comparisons[k].word)) {
			*out = negated ? MLFLOW_NOT_IN : comparisons[k].comparison;
			return negated && comparisons[k].comparison != MLFLOW_IN ? refuse(reader, "IN is") : 0;
		}
	return refuse(reader, "one of = != < <= > >= LIKE ILIKE IN is");
}

static int take_text(struct reader *reader, json_t **out)
{
	char text[1024];
	skip_blanks(reader);
	if (*reader->at != '\'' && *reader->at != '"')
		return refuse(reader, "text in quotes is");
	int rc = take_quoted(reader, text, sizeof text);
	*out = rc == 0 ? json_string_nocheck(text) : NULL;
	return rc;
}

static int take_list(struct reader *reader, json_t *list)
{
	if (!take_word(reader, "("))
		return refuse(reader, "( is");
	do {
		json_t *text = NULL;
		int rc = take_text(reader, &text);
		if (rc != 0)
			return rc;
		json_array_append_new(list, text);
	} while (take_word(reader, ","));
	return take_word(reader, ")") ? 0 : refuse(reader, ") is");
}

static bool is_number(const struct mlflow_name *name)
{
	return name->kind == MLFLOW_METRIC || (name->kind == MLFLOW_ATTRIBUTE && strstr(name->key, "_time") != NULL);
}

static int take_value(struct reader *reader, const struct mlflow_name *name, enum mlflow_comparison comparison,
                      json_t **out)
{
	if (comparison == MLFLOW_IN || comparison == MLFLOW_NOT_IN) {
		*out = json_array();
		return is_number(name) ? refuse(reader, "a comparison of numbers instead of IN is")
		                       : take_list(reader, *out);
	}
	if (!is_number(name)) {
		bool of_text = comparison == MLFLOW_EQUAL || comparison == MLFLOW_UNEQUAL || comparison >= MLFLOW_LIKE;
		return of_text ? take_text(reader, out) : refuse(reader, "of text one of = != LIKE ILIKE IN is");
	}
	char *end;
	skip_blanks(reader);
	double number = strtod(reader->at, &end);
	if (end == reader->at || comparison >= MLFLOW_LIKE)
		return refuse(reader, "a number, and one of = != < <= > >= before it, is");
	reader->at = end;
	*out = json_real(number);
	return *out != NULL ? 0 : refuse(reader, "a finite number is");
}

int mlflow_filter_parse(const char *text, struct mlflow_filter *out, struct qlstm_error *error)
{
	struct reader reader = {text != NULL ? text : "", text != NULL ? text : "", error};
	skip_blanks(&reader);
	if (*reader.at == '\0')
		return 0;
	do {
		if (out->n == MLFLOW_MAX_TERMS)
			return error_set(error, ERR_INVALID, NULL, "the filter has more than %d terms",
			                 MLFLOW_MAX_TERMS);
		int k = out->n++, rc = take_name(&reader, &out->terms[k].name);
		if (rc == 0)
			rc = take_comparison(&reader, &out->terms[k].comparison);
		if (rc == 0)
			rc = take_value(&reader, &out->terms[k].name, out->terms[k].comparison, &out->terms[k].value);
		if (rc != 0)
			return rc;
	} while (take_word(&reader, "AND"));
	skip_blanks(&reader);
	return *reader.at == '\0' ? 0 : refuse(&reader, "AND or the end is");
}

void mlflow_filter_free(struct mlflow_filter *filter)
{
	for (int k = 0; k < filter->n; k++)
		json_decref(filter->terms[k].value);
	filter->n = 0;
}

int mlflow_order_parse(const char *text, struct mlflow_order *out, struct qlstm_error *error)
{
	struct reader reader = {text, text, error};
	int rc = take_name(&reader, &out->name);
	out->falling = rc == 0 && take_word(&reader, "DESC");
	if (rc == 0 && !out->falling)
		take_word(&reader, "ASC");
	skip_blanks(&reader);
	return rc != 0 || *reader.at == '\0' ? rc : refuse(&reader, "ASC, DESC or the end is");
}

const json_t *mlflow_look_up(const json_t *entity, const struct mlflow_name *name)
{
	static const char *const lists[] = {
	    [MLFLOW_METRIC] = "metrics", [MLFLOW_PARAM] = "params", [MLFLOW_TAG] = "tags"};
	const json_t *info = json_object_get(entity, "info"), *data = json_object_get(entity, "data"), *item;
	size_t i;
	if (name->kind == MLFLOW_ATTRIBUTE)
		return json_object_get(info != NULL ? info : entity, name->key);
	json_array_foreach(json_object_get(data != NULL ? data : entity, lists[name->kind]), i, item)
	{
		if (strcmp(json_string_value(json_object_get(item, "key")), name->key) == 0)
			return json_object_get(item, "value");
	}
	return NULL;
}

/* LIKE by the library's match of file names, in which what has a meaning of its own there stands for itself. */
static bool is_like(const char *text, const char *like, int flags)
{
	char pattern[2200];
	size_t used = 0;
	for (; *like != '\0' && used + 3 < sizeof pattern; like++) {
		if (strchr("*?[]\\", *like) != NULL)
			pattern[used++] = '\\';
		pattern[used++] = (char)(*like == '%' ? '*' : *like == '_' ? '?' : *like);
	}
	pattern[used] = '\0';
	return fnmatch(pattern, text, flags) == 0;
}

static bool text_holds(const char *text, enum mlflow_comparison comparison, const json_t *wanted)
{
	const json_t *item;
	bool among = false;
	size_t i;
	json_array_foreach(wanted, i, item)
	{
		among = among || strcmp(text, json_string_value(item)) == 0;
	}
	const char *value = json_is_string(wanted) ? json_string_value(wanted) : "";
	switch (comparison) {
	case MLFLOW_IN:
		return among;
	case MLFLOW_NOT_IN:
		return !among;
	case MLFLOW_LIKE:
		return is_like(text, value, 0);
	case MLFLOW_ILIKE:
		return is_like(text, value, FNM_CASEFOLD);
	default:
		return (strcmp(text, value) == 0) == (comparison == MLFLOW_EQUAL);
	}
}

static bool number_holds(double number, enum mlflow_comparison comparison, double wanted)
{
	switch (comparison) {
	case MLFLOW_LESS:
		return number < wanted;
	case MLFLOW_LESS_EQUAL:
		return number <= wanted;
	case MLFLOW_MORE:
		return number > wanted;
	case MLFLOW_MORE_EQUAL:
		return number >= wanted;
	default:
		return (number < wanted || number > wanted) == (comparison == MLFLOW_UNEQUAL);
	}
}

bool mlflow_filter_holds(const struct mlflow_filter *filter, const json_t *entity)
{
	for (int k = 0; k < filter->n; k++) {
		const json_t *found = mlflow_look_up(entity, &filter->terms[k].name), *wanted = filter->terms[k].value;
		enum mlflow_comparison comparison = filter->terms[k].comparison;
		bool holds = json_is_string(found)
		                 ? text_holds(json_string_value(found), comparison, wanted)
		                 : json_is_number(found) &&
		                       number_holds(json_number_value(found), comparison, json_number_value(wanted));
		if (!holds)
			return false;
	}
	return true;
}
