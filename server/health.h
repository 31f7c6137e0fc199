/* Asks a qlstmd that runs elsewhere whether it is ready: what a container's health check needs, without curl. */
#ifndef QLSTM_SERVER_HEALTH_H
#define QLSTM_SERVER_HEALTH_H

#include <stdbool.h>

#include "engine/error.h"

/* GET /readyz at an IP address and a port. 0 when 200 comes back whole within 4 seconds, as from
 * health_check("127.0.0.1", 8080, false, &error); anything else is an error that says what came instead. Blocks that
 * long. */
int health_check(const char *address, int port, bool tls, struct qlstm_error *error);

#endif
