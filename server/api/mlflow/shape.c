/* Rows as MLflow's Experiment and Run. */
#include "server/api/mlflow/shape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/number.h"

#define DEFAULT_PROJECT "default"
#define DEFAULT_ID      "0"

enum { KEY = 512 };

const char *mlflow_experiment_id(const char *project)
{
	if (strcmp(project, DEFAULT_PROJECT) == 0)
		return DEFAULT_ID;
	return strcmp(project, DEFAULT_ID) == 0 ? DEFAULT_PROJECT : project;
}

json_t *mlflow_experiment_json(const char *project, int64_t created_at, int64_t last_at)
{
	return json_pack("{ss, ss, ss, ss, sI, sI, s[]}", "experiment_id", mlflow_experiment_id(project), "name",
	                 project, "artifact_location", "mlflow-artifacts:/", "lifecycle_stage", "active",
	                 "creation_time", (json_int_t)created_at, "last_update_time", (json_int_t)last_at, "tags");
}

static const char *run_status(const char *status)
{
	static const struct {
		const char *ours, *theirs;
	} words[] = {{"queued", "SCHEDULED"},   {"paused", "SCHEDULED"},   {"running", "RUNNING"},
	             {"cancelling", "RUNNING"}, {"succeeded", "FINISHED"}, {"failed", "FAILED"},
	             {"cancelled", "KILLED"}};
	for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
		if (strcmp(words[k].ours, status) == 0)
			return words[k].theirs;
	return "SCHEDULED";
}

static json_t *info_json(const struct experiment_row *row)
{
	char uri[64];
	snprintf(uri, sizeof uri, "mlflow-artifacts:/%s", row->id);
	json_t *info =
	    json_pack("{ss, ss, ss, ss, ss, ss, sI, ss, ss}", "run_id", row->id, "run_uuid", row->id, "run_name",
	              row->name[0] != '\0' ? row->name : row->id, "experiment_id", mlflow_experiment_id(row->project),
	              "user_id", row->owner, "status", run_status(row->status), "start_time",
	              (json_int_t)(row->started_at != 0 ? row->started_at : row->created_at), "lifecycle_stage",
	              "active", "artifact_uri", uri);
	if (row->finished_at != 0)
		json_object_set_new(info, "end_time", json_integer(row->finished_at));
	return info;
}

static void add(json_t *list, const char *key, const char *value)
{
	json_array_append_new(list, json_pack("{ss, ss}", "key", key, "value", value));
}

/* A plain value as text: of text itself, of a number its shortest decimal. */
static void add_value(json_t *list, const char *key, const json_t *value)
{
	char number[NUMBER_SIZE];
	if (json_is_string(value)) {
		add(list, key, json_string_value(value));
	} else if (json_is_real(value)) {
		number_text(number, json_real_value(value));
		add(list, key, number);
	} else {
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		add(list, key, text != NULL ? text : "");
		free(text);
	}
}

/* Members of members have names with dots; a list without anything in it is "[]". */
static void flatten(json_t *list, const char *prefix, const json_t *value)
{
	char key[KEY];
	const char *name;
	json_t *item;
	size_t i;
	const char *dot = prefix[0] != '\0' ? "." : "";
	if (json_is_object(value) && json_object_size(value) > 0) {
		json_object_foreach((json_t *)(uintptr_t)value, name, item)
		{
			snprintf(key, sizeof key, "%s%s%s", prefix, dot, name);
			flatten(list, key, item);
		}
	} else if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
		json_array_foreach(value, i, item)
		{
			snprintf(key, sizeof key, "%s%s%zu", prefix, dot, i);
			flatten(list, key, item);
		}
	} else {
		add_value(list, prefix, value);
	}
}

/* All of the spec but what people call it. */
static json_t *params_json(const struct experiment_row *row)
{
	static const char *const labels[] = {"name", "project", "tags", "notes"};
	json_t *list = json_array(), *spec = json_loads(row->spec_json, 0, NULL);
	for (size_t k = 0; k < sizeof labels / sizeof labels[0]; k++)
		json_object_del(spec, labels[k]);
	if (spec != NULL)
		flatten(list, "", spec);
	json_decref(spec);
	return list;
}

static json_t *tags_json(const struct experiment_row *row)
{
	json_t *list = json_array(), *tags = json_loads(row->tags_json, 0, NULL), *tag;
	size_t i;
	add(list, "mlflow.runName", row->name[0] != '\0' ? row->name : row->id);
	add(list, "mlflow.source.name", "qlstmd");
	if (row->owner[0] != '\0')
		add(list, "mlflow.user", row->owner);
	if (row->notes[0] != '\0')
		add(list, "mlflow.note.content", row->notes);
	json_array_foreach(tags, i, tag)
	{
		char key[KEY];
		snprintf(key, sizeof key, "%s", json_string_value(tag) != NULL ? json_string_value(tag) : "");
		char *equals = strchr(key, '=');
		if (equals != NULL && equals != key)
			*equals = '\0';
		add(list, key, equals != NULL && equals != key ? equals + 1 : "");
	}
	json_decref(tags);
	return list;
}

int64_t mlflow_epoch_time(const struct experiment_row *row, double seconds)
{
	return (row->started_at != 0 ? row->started_at : row->created_at) + llround(seconds * 1000.0);
}

json_t *mlflow_metric_json(const char *key, const json_t *value, int64_t timestamp, int step)
{
	json_t *number = json_is_number(value) ? json_incref((json_t *)(uintptr_t)value) : json_string("NaN");
	return json_pack("{ss, so, sI, si}", "key", key, "value", number, "timestamp", (json_int_t)timestamp, "step",
	                 step);
}

static json_t *metrics_json(const struct experiment_row *row)
{
	json_t *list = json_array(), *metrics = json_loads(row->metrics_json, 0, NULL), *value;
	int64_t at = mlflow_epoch_time(row, row->train_seconds);
	const char *name;
	json_object_foreach(metrics, name, value)
	{
		if (json_is_number(value))
			json_array_append_new(list, mlflow_metric_json(name, value, at, row->epoch));
	}
	if (row->best_epoch > 0) {
		json_t *best = json_real(row->best_test_loss);
		json_array_append_new(list, mlflow_metric_json("best_test_loss", best, at, row->best_epoch));
		json_decref(best);
	}
	json_decref(metrics);
	return list;
}

json_t *mlflow_run_json(const struct experiment_row *row)
{
	return json_pack("{so, s{so, so, so}, s{s[]}}", "info", info_json(row), "data", "metrics", metrics_json(row),
	                 "params", params_json(row), "tags", tags_json(row), "inputs", "dataset_inputs");
}
