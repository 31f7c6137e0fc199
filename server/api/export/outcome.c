/* /experiments/ID/outcome: the report in the shape of TQ42's training outcome. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/qlstm.h"
#include "server/api/artifacts.h"
#include "server/api/handlers.h"

/* {column: factor}: what the scaled values are multiplied by. */
static json_t *scales(const json_t *report, const char *side)
{
	json_t *out = json_object(), *entry;
	size_t i;
	json_array_foreach(json_object_get(json_object_get(report, "scaling"), side), i, entry)
	    json_object_set(out, json_string_value(json_object_get(entry, "column")), json_object_get(entry, "factor"));
	return out;
}

/* A column of the history. */
static json_t *losses(const json_t *report, const char *name)
{
	json_t *out = json_array(), *epoch;
	size_t i;
	json_array_foreach(json_object_get(report, "history"), i, epoch)
	    json_array_append(out, json_object_get(epoch, name));
	return out;
}

/* Of a class: samples that are of it and were said to be (tp), were said to be and are not (fp), ... */
struct counts {
	double tp, fp, tn, fn;
};

static struct counts count(const json_t *confusion, size_t class)
{
	struct counts counts = {0};
	for (size_t truth = 0; truth < json_array_size(confusion); truth++)
		for (size_t said = 0; said < json_array_size(confusion); said++) {
			double n = json_number_value(json_array_get(json_array_get(confusion, truth), said));
			double *to = truth == class ? (said == class ? &counts.tp : &counts.fn)
			                            : (said == class ? &counts.fp : &counts.tn);
			*to += n;
		}
	return counts;
}

static json_t *ratio(double part, double whole)
{
	return whole > 0.0 ? json_real(part / whole) : json_null();
}

/* Maps from class to number, as TQ42 has them. */
static json_t *class_metrics(const json_t *row)
{
	static const char *const names[] = {"precision", "recall", "f1", "specificity"};
	const json_t *confusion = json_object_get(row, "confusion");
	json_t *out = json_object(), *maps[4], *matrix = json_object();
	for (int k = 0; k < 4; k++)
		maps[k] = json_object();
	for (size_t c = 0; c < json_array_size(confusion); c++) {
		struct counts n = count(confusion, c);
		json_t *values[4] = {ratio(n.tp, n.tp + n.fp), ratio(n.tp, n.tp + n.fn),
		                     ratio(2.0 * n.tp, 2.0 * n.tp + n.fp + n.fn), ratio(n.tn, n.tn + n.fp)};
		char name[24];
		snprintf(name, sizeof name, "%zu", c);
		for (int k = 0; k < 4; k++)
			json_object_set_new(maps[k], name, values[k]);
		json_object_set_new(matrix, name,
		                    json_pack("{s:I, s:I, s:I, s:I}", "tp", (json_int_t)n.tp, "fp", (json_int_t)n.fp,
		                              "tn", (json_int_t)n.tn, "fn", (json_int_t)n.fn));
	}
	json_object_set(out, "accuracy", json_object_get(row, "accuracy"));
	for (int k = 0; k < 4; k++)
		json_object_set_new(out, names[k], maps[k]);
	json_object_set_new(out, "confusion_matrix", matrix);
	return out;
}

static json_t *number_metrics(const json_t *row)
{
	return json_pack("{s:O?, s:O?}", "mse", json_object_get(row, "mse"), "mae", json_object_get(row, "mae"));
}

/* Of a part: of one target its metrics, of several an object with one entry each. */
static json_t *metrics(const json_t *result, const char *part)
{
	const json_t *rows = json_object_get(json_object_get(result, "metrics"), part);
	json_t *out = json_object(), *row;
	size_t i;
	json_array_foreach(rows, i, row)
	{
		json_t *one = json_object_get(row, "confusion") != NULL ? class_metrics(row) : number_metrics(row);
		if (json_array_size(rows) == 1)
			json_object_update(out, one);
		else
			json_object_set(out, json_string_value(json_object_get(row, "target")), one);
		json_decref(one);
	}
	return out;
}

/* The run itself, or a fold of it. */
static json_t *result_json(const json_t *result)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "train_losses", losses(result, "train_loss"), "test_losses",
	                 losses(result, "test_loss"), "train_metrics", metrics(result, "train"), "test_metrics",
	                 metrics(result, "test"));
}

/* An entry for each fold; without folds the run is the only one. */
static json_t *results_json(const json_t *report)
{
	const json_t *folds = json_object_get(json_object_get(report, "folds"), "folds");
	json_t *list = json_array(), *fold;
	size_t i;
	json_array_foreach(folds, i, fold) json_array_append_new(list, result_json(fold));
	if (json_array_size(folds) == 0)
		json_array_append_new(list, result_json(report));
	return list;
}

/* What came out, by the names of TQ42's training and, of a prediction, of its inference. Both are the experiment's. */
static json_t *outputs_json(const json_t *report, const char *id)
{
	if (json_object_get(report, "history") == NULL)
		return json_pack("{s:{s:s}}", "inferred_data", "storage_id", id);
	return json_pack("{s:{s:s}, s:{s:s}}", "model", "storage_id", id, "inferred_evaluation_data", "storage_id", id);
}

static json_t *outcome(const json_t *report, const char *id)
{
	return json_pack("{s:{s:s, s:o, s:o, s:o}, s:o}", "result", "version", QLSTM_VERSION, "input_scales",
	                 scales(report, "inputs"), "output_scales", scales(report, "targets"), "results",
	                 results_json(report), "outputs", outputs_json(report, id));
}

void outcome_get(void *context, struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	struct artifact_row row;
	int fd = artifact_open_or_reply(context, request, reply, ARTIFACT_REPORT, &row);
	if (fd < 0)
		return;
	json_t *report = lseek(fd, 0, SEEK_SET) == 0 ? json_loadfd(fd, 0, NULL) : NULL;
	close(fd);
	if (report != NULL) {
		reply_json(reply, 200, outcome(report, request->params[0]));
	} else {
		error_set(&error, ERR_CORRUPT, NULL, "the report cannot be read");
		reply_problem(request, reply, &error);
	}
	json_decref(report);
}
