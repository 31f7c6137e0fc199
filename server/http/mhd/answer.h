/* A reply as it leaves. */
#ifndef QLSTM_HTTP_MHD_ANSWER_H
#define QLSTM_HTTP_MHD_ANSWER_H

#include "server/http/mhd/exchange.h"

/* Queues the exchange's reply. MHD_NO: it could not be made, and the connection ends. */
enum MHD_Result answer_send(struct exchange *exchange);
/* A problem in place of a reply; the connection ends with it. `code` is an error code, `message` static or longer-lived
 * than the call. */
enum MHD_Result answer_refuse(struct exchange *exchange, int status, int code, const char *message);

/* The reply is out, or its client gone: its memory is there for others. In any case. */
void answer_release(struct exchange *exchange);
/* The end of a reply with a source, in any case; nothing for others. */
void answer_close_stream(struct exchange *exchange);
/* Resumes the first `most` streams that were woken; true: some are left. A thousand clients may watch one experiment:
 * what happens to it is sent to them in turns, and other requests come between. */
bool answer_resume_streams(struct http_server *server, int most);
/* Every stream is asked for bytes again; with `quiesced` or `closing` set they then end. */
void answer_wake_streams(struct http_server *server);

#endif
