/* The gates of a program. Part of program_json.c; nobody else includes it. */
#ifndef QLSTM_WORKER_PROGRAM_GATES_H
#define QLSTM_WORKER_PROGRAM_GATES_H

#include <jansson.h>

#include "engine/circuit/program.h"

/* Refuses keys of the object at `pointer` that are not among `fields` (ends with NULL), with the nearest one. */
int program_gates_check(const json_t *object, const char *pointer, const char *const *fields,
                        struct qlstm_error *error);

/* The largest wire that any gate names, 0 when there is none. */
int program_gates_largest_wire(const json_t *gates);

/* Appends the gates; their features and weights must be among the n_features and n_weights given. */
int program_gates_read(const json_t *gates, int n_features, int n_weights, struct circuit_program *program,
                       struct qlstm_error *error);

#endif
