/* How training goes, for a person at a terminal. */
#include "server/worker/train/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "server/common/clock.h"

void progress_open(struct progress *progress)
{
	*progress = (struct progress){.summary = isatty(STDERR_FILENO) == 1, .start = clock_monotonic()};
	progress->line = progress->summary && isatty(STDOUT_FILENO) != 1;
}

void progress_report_epoch(struct progress *progress, const struct epoch_metrics *metrics, int epochs)
{
	double now = clock_monotonic();
	if (!progress->line || (now - progress->shown < 0.1 && metrics->epoch < epochs))
		return;
	progress->shown = now;
	fprintf(stderr, "\repoch %d/%d  train loss %.6g  test loss %.6g  %.1f s ", metrics->epoch, epochs,
	        epoch_metric(metrics, "train_loss"), epoch_metric(metrics, "test_loss"), now - progress->start);
}

void progress_close(struct progress *progress, const struct trainer *trainer, const char *directory)
{
	if (progress->line && progress->shown > 0)
		fputc('\n', stderr);
	int epochs = trainer_epochs_done(trainer);
	if (!progress->summary || epochs == 0)
		return;
	const struct epoch_metrics *last = &trainer_history(trainer)[epochs - 1];
	fprintf(stderr, "%d epochs in %.1f s: train loss %.6g, test loss %.6g; see %s\n", epochs,
	        clock_monotonic() - progress->start, epoch_metric(last, "train_loss"), epoch_metric(last, "test_loss"),
	        directory);
}
