/* Asks a qlstmd that runs elsewhere whether it is ready: what a container's health check needs, without curl. */
#ifndef QLSTM_SERVER_HEALTH_H
#define QLSTM_SERVER_HEALTH_H

#include "engine/error.h"

/* By which it is asked. Either: where the answer is not HTTP, once more over TLS. */
enum health_scheme { HEALTH_EITHER, HEALTH_HTTP, HEALTH_HTTPS };

/* GET /readyz at an IP address and a port. 0 when 200 comes back whole within 4 seconds, as from
 * health_check("127.0.0.1", 8080, HEALTH_EITHER, &error); anything else is an error that says what came instead. Blocks
 * that long, or twice. */
int health_check(const char *address, int port, enum health_scheme scheme, struct qlstm_error *error);

#endif
