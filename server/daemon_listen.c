/* The daemon's address: certificate, names, shares of the pool. */
#include "server/daemon.h"

#include "server/api/routes.h"
#include "server/pool.h"

/* By which names requests may call this server. On a loopback address no others than those of this machine and those
 * given: a browser there could be led to it under any. Elsewhere all, until some are given: who sees the address from
 * outside is the proxy's or the keys' to judge, and its names are not known here. --health calls it localhost. */
static void name_hosts(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	if (options_on_loopback(options) || options->n_host_names > 0)
		host_names_add_loopback(&daemon->hosts);
	if (options_on_loopback(options) && !options->published)
		host_names_add(&daemon->hosts, options->address); /* 127.0.0.2 */
	for (int i = 0; i < options->n_host_names; i++)
		host_names_add(&daemon->hosts, options->host_names[i]);
}

/* A wrong file is said before anything is begun. */
int daemon_open_tls(struct daemon *daemon, struct qlstm_error *error)
{
	const struct options *options = &daemon->options;
	if (options->tls_certificate[0] == '\0')
		return 0;
	int rc = tls_open(&daemon->tls, options->tls_certificate, options->tls_key, error);
	if (rc != 0)
		tls_close(&daemon->tls);
	return rc;
}

void daemon_close_tls(struct daemon *daemon)
{
	tls_close(&daemon->tls);
}

int daemon_open_http(struct daemon *daemon, struct qlstm_error *error)
{
	/* Shares of the pool that leave threads for short requests and attempts, however much of the rest there is. */
	int threads = pool_threads(), few = threads < 16 ? 1 : threads / 16;
	/* Many: the more wait for one commit, the more share it. */
	int submissions = threads < 8 ? 1 : threads / 2;
	name_hosts(daemon);
	const struct http_config config = {.tls = daemon->tls.certificate != NULL ? &daemon->tls : NULL,
	                                   .hosts = &daemon->hosts,
	                                   .address = daemon->options.address,
	                                   .port = daemon->options.port,
	                                   .max_connections = daemon->options.connections,
	                                   .max_connections_by_address = daemon->options.address_connections,
	                                   .header_seconds = daemon->options.head_seconds,
	                                   .body_seconds = daemon->options.body_seconds,
	                                   .body_memory = daemon->options.body_memory,
	                                   .spool = daemon->data,
	                                   .form_option = "--max-upload",
	                                   .idle_seconds = daemon->options.idle_seconds,
	                                   .handler = routes_handle,
	                                   .admits = routes_admit,
	                                   .body_limit = routes_body_limit,
	                                   .takes_form = routes_takes_form,
	                                   .lane = routes_lane,
	                                   .lane_limits = {[LANE_LIST] = few,
	                                                   [LANE_SUBMIT] = submissions,
	                                                   [LANE_WRITE] = few,
	                                                   [LANE_BULK] = few,
	                                                   [LANE_PREDICT] = few,
	                                                   [LANE_SPOOL] = few},
	                                   .context = &daemon->api};
	return http_open(&daemon->http, daemon->loop, &config, error);
}

void daemon_close_http(struct daemon *daemon)
{
	predictor_pool_stop(daemon->api.predictors); /* handlers that wait for an answer wait no longer */
	http_close(daemon->http);
}
