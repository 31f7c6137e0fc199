/* Lanes: which exchanges are with a pool thread, and which wait for their turn (http.h says why). */
#ifndef QLSTM_HTTP_MHD_LANE_H
#define QLSTM_HTTP_MHD_LANE_H

struct exchange;
struct http_server;

struct lane {
	int running;
	struct exchange *first, **end; /* that wait; end NULL: nobody has waited yet */
};

/* Gives the exchange to a pool thread, or lets it wait: exchange_work there, then exchange_worked on the loop's. */
void lane_enter(struct exchange *exchange);
/* Those that have not had their turn get none: exchange_worked alone. */
void lanes_drop(struct http_server *server);

#endif
