/* How fast this machine is, beside the one whose times stand in planner.c. */
#ifndef QLSTM_CIRCUIT_PLAN_SPEED_H
#define QLSTM_CIRCUIT_PLAN_SPEED_H

/* 1.0: as fast as that machine; 0.5: the planner's circuits take twice as long here. Runs a small circuit with the
 * instruction set in use, some milliseconds in all, and takes the best of many windows of processor time, so that other
 * processes hardly count. At least 0.01; 1.0 where memory is short. */
double plan_speed_measure(void);

#endif
