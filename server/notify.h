/* What a service manager is told: the protocol of sd_notify, datagrams to the socket that $NOTIFY_SOCKET names (an
 * absolute path, or @ and a name of Linux's abstract space). Without it nothing happens. */
#ifndef QLSTM_SERVER_NOTIFY_H
#define QLSTM_SERVER_NOTIFY_H

/* Remembers the socket and takes it out of the environment: workers are not to speak for the daemon. Before threads
 * start. */
void notify_open(void);
/* "READY=1", "STOPPING=1", a line each. A failure is nobody's: the manager notices by its own clock. */
void notify_send(const char *state);

#endif
