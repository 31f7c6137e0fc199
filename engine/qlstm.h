/* libqlstm: trains recurrent networks whose cells are simulated quantum circuits. A pure library: no HTTP, no JSON, no
 * SQL, no printing, no exit, no hidden threads. This header is its public face, in reading order. */
#ifndef QLSTM_H
#define QLSTM_H

#define QLSTM_VERSION "0.1.0"

#include "engine/error.h"

#include "engine/circuit/program.h"       /* gates, angles, observables */
#include "engine/circuit/ansatz/ansatz.h" /* named circuits */
#include "engine/circuit/plan.h"          /* running them, and their gradients */

#include "engine/nn/loss.h"
#include "engine/nn/metric.h"
#include "engine/nn/model.h" /* layers over samples */

#include "engine/data/csv.h"
#include "engine/data/samples.h"
#include "engine/data/series.h"
#include "engine/data/table.h"
#include "engine/data/windows.h"

#include "engine/train/optimizer.h"
#include "engine/nn/params.h"
#include "engine/philox.h"
#include "engine/train/pass.h"
#include "engine/train/trainer.h"

#include "engine/export/safetensors.h"

#endif
