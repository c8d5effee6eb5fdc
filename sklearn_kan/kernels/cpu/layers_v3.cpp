/* Layers on processors of generation 3. */
#define VECTOR_BYTES 32
#include "generations.h"

#if HAS_GENERATIONS
#include <algorithm>
#pragma GCC target("arch=x86-64-v3")
#include "layers.h"
DEFINE_LAYERS(v3)
#endif
