/* A resident predictor: answers the daemon's requests until its socket is closed. */
#ifndef QLSTM_WORKER_SERVE_H
#define QLSTM_WORKER_SERVE_H

/* Requests and replies of common/predict_wire.h over `socket`. The models that were asked last stay loaded. Returns a
 * worker_status: WORKER_DONE when the socket is closed between two requests, WORKER_FAILED when what comes makes no
 * sense. */
int serve(int socket);

#endif
