/* What a task makes of the rows of a table. Of a forecasting the rows follow one another in time and windows are cut
 * from them; of a regression or a classification each row is a sample. */
#ifndef QLSTM_SCHEMA_TASK_H
#define QLSTM_SCHEMA_TASK_H

#include "schema/spec.h"

extern const char *const task_names[]; /* by enum task; NULL at the end */

/* Whether the rows are texts. */
bool task_has_texts(enum task task);
/* Of a resolved spec. */
enum task task_of(const json_t *resolved);

/* Of the data of a resolved spec, bound or not: the list under "inputs" or "targets", NULL where there is none. Of a
 * forecasting that says one of them, the other one is the same. */
const json_t *task_columns(const json_t *data, const char *key);

/* Of the data of a resolved spec: how many horizons are predicted at once. */
size_t task_horizons(const json_t *data);

/* What the schema cannot say: that a classification has classes and one target, and a loss that takes classes. */
int task_check(const json_t *resolved, struct qlstm_error *error);

/* Of tasks whose rows are samples. The target is the column named "label", else the last one; all other columns are
 * inputs. New references, NULL when out of memory. */
json_t *task_default_targets(const struct table *table);
json_t *task_default_inputs(const json_t *targets, const struct table *table);
/* Of words: fills absent /data/inputs, /data/targets and /data/scored by the columns' names; and, once they are bound,
 * checks that each names one column. */
int task_fill_words(json_t *data, const struct table *table, struct qlstm_error *error);
int task_check_words(const json_t *data, const struct table *table, struct qlstm_error *error);
/* Of texts: fills absent /data/inputs and /data/targets by the columns' names; refuses a table of no texts, and columns
 * that are none. */
int task_fill_texts(json_t *data, enum task task, const struct table *table, struct qlstm_error *error);
/* Fills an absent /data/steps, one input a step, once the columns are chosen; refuses a target among the inputs. */
int task_bind_steps(json_t *data, const struct table *table, struct qlstm_error *error);

#endif
