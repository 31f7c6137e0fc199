/* A trained model applied to a data set: every window of rows, or every row or text, with its prediction. It is read
 * and scored as a run is, all of it being the test part; what the model does not read may be absent, the truth too. */
#ifndef QLSTM_WORKER_APPLICATION_H
#define QLSTM_WORKER_APPLICATION_H

#include "server/worker/predict/predictor.h"
#include "server/worker/train/predictions.h"

struct application {
	struct predictor predictor;
	struct job job; /* the data as samples of a run; of texts with a trainer of the predictor's model */
	size_t steps, features;
	size_t count;   /* samples: of a forecasting one for each row that has a whole window behind it */
	size_t known;   /* the first of them have the rows that they predict in the data */
	double *values; /* [count][width], as predictions.h has them; NULL before application_compute, and of texts */
	struct predictions said; /* of texts, likewise */
	char weights_sha256[65];
	double load_seconds, predict_seconds;
};

/* `spec_path`: of its data.dataset, the name of a built-in series where data->path is NULL; columns, window, scaling
 * and how missing values are treated are those of the weights. ERR_CONFLICT for a model of words; ERR_MISSING and
 * ERR_INVALID for data that lack an input, or hold too few rows. application_close it in any case. */
int application_open(struct application *application, const char *spec_path, const char *weights_path,
                     const struct job_data *data, struct qlstm_error *error);
void application_close(struct application *application);

/* ERR_INVALID where an output is not finite. */
int application_compute(struct application *application, predictions_progress_fn progress, void *context,
                        struct qlstm_error *error);

/* predictions.csv as predictions_csv writes it; an unknown truth is an empty field. The row of a forecast beyond the
 * end is counted on. */
void application_csv(const struct application *application, struct text *out);

/* report.json: engine, model, weights_sha256, data, scaling, metrics (scores.h; the test part alone, null where the
 * data have no truth), timings. New reference, NULL when out of memory. */
json_t *application_report(struct application *application);

#endif
