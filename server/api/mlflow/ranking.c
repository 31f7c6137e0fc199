/* The order of what a search found. */
#include "server/api/mlflow/ranking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/rows.h"

int mlflow_ranking_add(struct mlflow_ranking *ranking, const json_t *entity, json_t *item, struct qlstm_error *error)
{
	json_t *keys = json_array();
	int rc = rows_grow((void **)&ranking->rows, ranking->n, sizeof *ranking->rows, error);
	if (rc == 0 && (keys == NULL || item == NULL))
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the search");
	if (rc != 0) {
		json_decref(keys);
		json_decref(item);
		return rc;
	}
	for (int k = 0; k < ranking->search->n_order; k++) {
		const json_t *value = mlflow_look_up(entity, &ranking->search->order[k].name);
		json_array_append_new(keys, value != NULL ? json_incref((json_t *)(uintptr_t)value) : json_null());
	}
	ranking->rows[ranking->n] = (struct mlflow_ranked){keys, item, ranking->n};
	ranking->n++;
	return 0;
}

static bool has_value(const json_t *value)
{
	return json_is_number(value) || json_is_string(value);
}

static int compare_values(const json_t *a, const json_t *b, bool falling)
{
	if (!has_value(a) || !has_value(b))
		return (int)has_value(b) - (int)has_value(a);
	int order = 0;
	if (json_is_string(a) && json_is_string(b))
		order = strcmp(json_string_value(a), json_string_value(b));
	else
		order = (json_number_value(a) > json_number_value(b)) - (json_number_value(a) < json_number_value(b));
	return falling ? -order : order;
}

static int compare(const void *left, const void *right, void *context)
{
	const struct mlflow_ranked *a = left, *b = right;
	const struct mlflow_search *search = context;
	for (int k = 0; k < search->n_order; k++) {
		int order = compare_values(json_array_get(a->keys, (size_t)k), json_array_get(b->keys, (size_t)k),
		                           search->order[k].falling);
		if (order != 0)
			return order;
	}
	return a->place - b->place;
}

void mlflow_ranking_sort(struct mlflow_ranking *ranking)
{
	if (ranking->n > 0)
		qsort_r(ranking->rows, (size_t)ranking->n, sizeof *ranking->rows, compare,
		        (void *)(uintptr_t)ranking->search);
}

void mlflow_ranking_free(struct mlflow_ranking *ranking)
{
	for (int k = 0; k < ranking->n; k++) {
		json_decref(ranking->rows[k].keys);
		json_decref(ranking->rows[k].item);
	}
	free(ranking->rows);
}

int mlflow_ranking_page(const struct mlflow_ranking *ranking, int *from, int *to, struct qlstm_error *error)
{
	const char *token = ranking->search->token;
	*from = 0;
	if (token != NULL) {
		size_t digits = strspn(token, "0123456789");
		if (digits == 0 || digits > 8 || token[digits] != '\0')
			return error_set(error, ERR_INVALID, "/page_token",
			                 "page_token is not one that this search gave out");
		*from = atoi(token);
	}
	*from = *from < ranking->n ? *from : ranking->n;
	*to = ranking->n - *from > ranking->search->max ? *from + ranking->search->max : ranking->n;
	return 0;
}

json_t *mlflow_ranking_answer(const struct mlflow_ranking *ranking, int to, const char *name, json_t *items)
{
	char token[16];
	json_t *answer = json_pack("{so}", name, items);
	snprintf(token, sizeof token, "%d", to);
	if (to < ranking->n)
		json_object_set_new(answer, "next_page_token", json_string(token));
	return answer;
}
