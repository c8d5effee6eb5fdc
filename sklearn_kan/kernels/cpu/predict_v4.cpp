/* Prediction on processors of generation 4. */
#include "generations.h"

#if HAS_GENERATIONS
#pragma GCC target("arch=x86-64-v4")
#include "predict.h"
DEFINE_PREDICT(v4, 64)
#endif
