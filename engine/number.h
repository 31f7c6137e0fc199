/* Numbers as text. */
#ifndef QLSTM_ENGINE_NUMBER_H
#define QLSTM_ENGINE_NUMBER_H

#define NUMBER_SIZE 32 /* the longest, "-1.2345678901234567e-308", has 24 characters */

/* Writes the shortest decimal that reads back as `value`, as JSON wants a real: 0.67, 5.0, -0.0, 1e22, 5.9e-5. Returns
 * its length. `value` must be finite: JSON has no other numbers. */
int number_text(char out[NUMBER_SIZE], double value);

#endif
