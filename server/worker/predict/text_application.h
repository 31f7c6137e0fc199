/* A trained model applied to the texts of a data set (application.h): tags, labels, the probability of each token, or
 * translations, as a run has them of its test part. A text is shortened as those that were trained on; a language model
 * reads all texts as one. */
#ifndef QLSTM_WORKER_TEXT_APPLICATION_H
#define QLSTM_WORKER_TEXT_APPLICATION_H

#include "server/worker/predict/application.h"

/* Samples of the job's table, and a trainer that borrows the predictor's model; the predictor's lexicons become the
 * job's. Errors point into the spec. */
int text_application_open(struct application *application, const char *weights_path, struct qlstm_error *error);
/* ERR_INVALID where an output is not finite. */
int text_application_compute(struct application *application, predictions_progress_fn progress, void *context,
                             struct qlstm_error *error);
/* Of the test part; null where the truth of a text is not known, or is a class that the model does not have. New
 * reference, NULL when out of memory. */
json_t *text_application_metrics(const struct application *application);

#endif
