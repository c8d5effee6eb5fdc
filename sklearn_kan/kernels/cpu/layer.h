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

/* Sizes as the kernels hold them, and knots that increase, as counting the rows left of each takes for granted. */
template <class T> Status check(const Layer<T> &layer, int64_t degree, int64_t most_knots) {
    if (layer.n_inputs && (layer.n_knots > most_knots || layer.n_basis <= degree)) return TOO_LARGE;
    bool increase = true;
    for (int64_t i = 0; i < layer.n_inputs; i++)
        for (int64_t k = i * layer.n_knots + 1; k < (i + 1) * layer.n_knots; k++)
            increase &= layer.knots[k - 1] <= layer.knots[k];
    return increase ? DONE : KNOTS_DECREASE;
}

/* Where in an input's row of coefficients those of an interval begin, whatever the table says. */
template <class T> INLINE int64_t first_of(const Layer<T> &layer, int64_t entry, int order) {
    const int64_t first = layer.first[entry], last = layer.n_basis - order;
    return first < 0 ? 0 : first > last ? last : first;
}

}  // namespace

#endif
