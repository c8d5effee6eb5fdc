/* A layer of splines whose edges share the knots of their input. */
#ifndef SKLEARN_KAN_LAYER_H
#define SKLEARN_KAN_LAYER_H

#include "vectors.h"

namespace {

template <class T> struct Layer {
    const T *knots, *pieces, *origin, *rate;
    const int64_t *first;
    int64_t n_knots, n_inputs, n_basis, n_outputs; /* outputs of all members together */
    int64_t n_members;                             /* each with inputs of its own, or 1: all see the same */
};

}  // namespace

#define FOR_EACH_DEGREE(degree, T, call) \
    switch (degree) {                    \
        case 0: call(T, 1); break;       \
        case 1: call(T, 2); break;       \
        case 2: call(T, 3); break;       \
        case 3: call(T, 4); break;       \
    }

#endif
