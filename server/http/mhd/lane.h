/* Lanes: which requests are with a pool thread, and which wait for their turn (http.h says why). */
#ifndef QLSTM_HTTP_MHD_LANE_H
#define QLSTM_HTTP_MHD_LANE_H

struct exchange;
struct http_server;

struct lane {
	int running;
	struct exchange *first, **end; /* that wait; end NULL: nobody has waited yet */
};

/* Gives the exchange to a pool thread, or lets it wait; exchange_answered follows. */
void lane_enter(struct exchange *exchange);
/* Requests that have not had their turn are not handled any more. */
void lanes_drop(struct http_server *server);

#endif
