/* Layers on processors of generation 4. */
#define VECTOR_BYTES 64
#include "generations.h"

#if HAS_GENERATIONS
#include <algorithm>
#pragma GCC target("arch=x86-64-v4")
#include "layers.h"
DEFINE_LAYERS(v4)
#endif
