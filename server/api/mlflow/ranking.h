/* What a search found, to be put in its order: of each only the values that it is ordered by are kept. */
#ifndef QLSTM_API_MLFLOW_RANKING_H
#define QLSTM_API_MLFLOW_RANKING_H

#include "server/api/mlflow/search.h"

struct mlflow_ranking {
	const struct mlflow_search *search; /* its order */
	struct mlflow_ranked {
		json_t *keys, *item;
		int place;
	} * rows;
	int n, room;
};

/* Takes `item` over, which is ordered by what `entity` has. */
int mlflow_ranking_add(struct mlflow_ranking *ranking, const json_t *entity, json_t *item, struct qlstm_error *error);
/* What has no value comes last; equal ones stay as they were added. */
void mlflow_ranking_sort(struct mlflow_ranking *ranking);
void mlflow_ranking_free(struct mlflow_ranking *ranking);

/* The page that the search's token means: rows *from to *to - 1; ERR_INVALID for what is no token. */
int mlflow_ranking_page(const struct mlflow_ranking *ranking, int *from, int *to, struct qlstm_error *error);
/* {name: items} with next_page_token where there are more behind `to`. Takes `items` over. */
json_t *mlflow_ranking_answer(const struct mlflow_ranking *ranking, int to, const char *name, json_t *items);

#endif
