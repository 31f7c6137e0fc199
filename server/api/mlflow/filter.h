/* What MLflow's searches ask of runs and experiments.
 *
 *     metrics.test_loss < 0.1 and params.`training.epochs` = '100' and attributes.status = 'FINISHED'
 *
 * Terms are joined by AND. Metrics and times are compared with numbers by = != < <= > >=; all else with text by = !=
 * LIKE ILIKE (% and _ stand for any text and any character); run_id, status and name also by IN and NOT IN. What a run
 * does not have fits no term. A name without `metrics.`, `params.`, `tags.` or `attributes.` is an attribute. */
#ifndef QLSTM_API_MLFLOW_FILTER_H
#define QLSTM_API_MLFLOW_FILTER_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/error.h"

#define MLFLOW_MAX_TERMS 20
#define MLFLOW_KEY       256

enum mlflow_kind { MLFLOW_ATTRIBUTE, MLFLOW_METRIC, MLFLOW_PARAM, MLFLOW_TAG };
enum mlflow_comparison {
	MLFLOW_EQUAL,
	MLFLOW_UNEQUAL,
	MLFLOW_LESS,
	MLFLOW_LESS_EQUAL,
	MLFLOW_MORE,
	MLFLOW_MORE_EQUAL,
	MLFLOW_LIKE,
	MLFLOW_ILIKE,
	MLFLOW_IN,
	MLFLOW_NOT_IN
};

struct mlflow_name {
	enum mlflow_kind kind;
	char key[MLFLOW_KEY];
};

struct mlflow_filter {
	struct {
		struct mlflow_name name;
		enum mlflow_comparison comparison;
		json_t *value; /* a number or text; of IN an array of texts */
	} terms[MLFLOW_MAX_TERMS];
	int n;
};

/* {0} before; ERR_INVALID with the place where it is not understood. mlflow_filter_free in any case. NULL and "": none.
 */
int mlflow_filter_parse(const char *text, struct mlflow_filter *out, struct qlstm_error *error);
void mlflow_filter_free(struct mlflow_filter *filter);

/* `entity` is a Run or an Experiment in MLflow's shape. */
bool mlflow_filter_holds(const struct mlflow_filter *filter, const json_t *entity);

/* One item of order_by: "metrics.test_loss DESC". */
struct mlflow_order {
	struct mlflow_name name;
	bool falling;
};
int mlflow_order_parse(const char *text, struct mlflow_order *out, struct qlstm_error *error);

/* The number or text of that name; NULL: it has none. Borrowed. */
const json_t *mlflow_look_up(const json_t *entity, const struct mlflow_name *name);

#endif
