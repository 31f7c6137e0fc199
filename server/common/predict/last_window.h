/* The last rows that a forecasting was trained or tested with: what a forecast beyond the end of the data goes on from.
 * They stand in the metadata of the weights' file, under LAST_WINDOW_KEY, as text:
 *
 *   {"row": 143, "time": "1960-12", "values": [[390], [432]]}
 *
 * values [window][inputs] in the units of the data; row: which row of the file the last one is, from 0; time: its date,
 * where the rows have dates. */
#ifndef QLSTM_COMMON_LAST_WINDOW_H
#define QLSTM_COMMON_LAST_WINDOW_H

#include <jansson.h>

#include "server/common/predict/predict_inputs.h"

#define LAST_WINDOW_KEY "last_window"
/* Numbers of a window past which a file has none. */
#define LAST_WINDOW_MAX ((size_t)1 << 16)

/* Of a weights' file; *window is the caller's. ERR_CONFLICT where it has none: a file of another version, a task that
 * is no forecasting, or too large a window. */
int last_window_read(const char *weights_path, json_t **window, struct qlstm_error *error);

/* As the one sample of a prediction; inputs->ahead is kept. ERR_CORRUPT for what is no window. */
int last_window_inputs(const json_t *window, struct predict_inputs *inputs, struct qlstm_error *error);

#endif
