/* The library without the daemon: a quantum LSTM learns to continue a damped oscillation.
 *
 *   cc train.c $(pkg-config --cflags --libs qlstm) -o train && ./train weights.safetensors */
#include <math.h>
#include <qlstm.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 4, TRAIN = 160, TEST = 76, EPOCHS = 20 };
static double x[TRAIN + TEST][STEPS], y[TRAIN + TEST];
static const struct qlstm_samples samples = {TRAIN, TEST, STEPS, &x[0][0], y};
static const struct qlstm_layer layers[] = {
    {"qlstm", .variant = "qdi", .hidden_size = 4, .n_qubits = 4, .n_qlayers = 1, .depth = 1, .rotation = "Z",
     .entangling = "basic", .measure = "Y", .angle_init = "uniform"},
    {"dense", .units = 1, .bias = true},
};
static const struct qlstm_model_config config = {.n_inputs = 1, .n_layers = 2, .layers = layers, .seed = 1};
static const struct qlstm_training training = {
    .epochs = EPOCHS, .batch_size = 10, .seed = 1, .loss = "mse", .optimizer = "adam", .learning_rate = 0.02};

static double oscillation(double t)
{
	return exp(-0.01 * t) * sin(0.2 * t);
}

static int train(struct qlstm_model *model, struct qlstm_error *error)
{
	struct qlstm_trainer *trainer;
	struct qlstm_epoch epoch = {0};
	int rc = qlstm_trainer_new(&trainer, model, &samples, &training, error);
	while (rc == 0 && epoch.epoch < EPOCHS) {
		rc = qlstm_trainer_epoch(trainer, &epoch, error);
		if (rc == 0)
			printf("epoch %2d: loss %.6f, of the test part %.6f\n", epoch.epoch, epoch.train_loss,
			       epoch.test_loss);
	}
	qlstm_trainer_free(trainer);
	return rc;
}

int main(int argc, char **argv)
{
	for (int i = 0; i < TRAIN + TEST; y[i] = oscillation(i + STEPS), i++)
		for (int t = 0; t < STEPS; t++)
			x[i][t] = oscillation(i + t);
	struct qlstm_error error = {0};
	struct qlstm_model *model;
	unsigned char *bytes = NULL;
	size_t length = 0;
	FILE *file = argc > 1 ? fopen(argv[1], "wb") : NULL;
	if (qlstm_model_new(&model, &config, &error) == 0 && train(model, &error) == 0 && file != NULL &&
	    qlstm_model_save(model, &bytes, &length, &error) == 0)
		fwrite(bytes, 1, length, file);
	if (error.code != 0)
		fprintf(stderr, "%s %s: %s\n", qlstm_error_name(error.code), error.pointer, error.message);
	free(bytes);
	qlstm_model_free(model);
	return error.code != 0 || (file != NULL && fclose(file) != 0);
}
