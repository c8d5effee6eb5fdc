/* Prediction on processors of generation 3. */
#define ROWS_OF_BLOCK 64 /* rows of several members together take up as much cache */
#include "generations.h"

#if HAS_GENERATIONS
#pragma GCC target("arch=x86-64-v3")
#include "predict.h"
DEFINE_PREDICT(v3, 32)
#endif
