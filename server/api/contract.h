/* The contract, as the service hands it out. */
#ifndef QLSTM_API_CONTRACT_H
#define QLSTM_API_CONTRACT_H

#include "engine/error.h"

/* Makes /openapi.json: openapi.yaml with experiment.schema.json put in. Once, before the first request. */
int contract_open(struct qlstm_error *error);
void contract_close(void);

#endif
