/* Ensembles on processors of generation 3. */
#include "generations.h"

#if HAS_GENERATIONS
#pragma GCC target("arch=x86-64-v3")
#include "steps.h"
DEFINE_NETWORK(v3, 32)
#endif
