/* What `plan` says, for a person. */
#ifndef QLSTM_WORKER_PLAN_TEXT_H
#define QLSTM_WORKER_PLAN_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* `report` as plan.c makes it. */
void plan_text_print(FILE *file, const json_t *report);

#endif
