/* Ensembles of networks as the fused pass sees them: parameters member by member, each as one run of numbers. */
#ifndef SKLEARN_KAN_NETWORK_H
#define SKLEARN_KAN_NETWORK_H

#include "lanes.h"

#ifndef ROWS_OF_BLOCK
#define ROWS_OF_BLOCK 128
#endif

namespace {

constexpr int ROWS = ROWS_OF_BLOCK; /* which stay in cache from the inputs to the gradients */
constexpr int ORDER = 4;     /* of all polynomials: lower ones are padded */
constexpr int MAX_LAYERS = 4;
constexpr int PADDING = 16;  /* outputs of a layer fill up vectors of so many lanes */
constexpr int64_t NONE = -1; /* in place of an offset */

/* Splines of a layer's inputs, as `PieceTable` of the bases has them, padded to ORDER powers and functions. */
template <class T> struct Spline {
    const T *knots, *pieces, *origin, *rate;
    const int64_t *first;
    int64_t n_knots, n_basis;
};

/* Where a layer's parameters lie in a member's: weight (in, n_basis, width), base (in, width), bias (width), scale
 * (in), and of the norm behind it weight and bias (out). A layer `is_narrow` if rows fill its vectors better than
 * outputs: its `width` is then the number of outputs. */
template <class T> struct Layer {
    int64_t n_inputs, n_outputs, width, weight, base, bias, scale, norm_weight, norm_bias, has_norm, is_narrow;
    int64_t polynomials; /* of a narrow layer, in a member's tables */
    Spline<T> spline[2]; /* of coarse and fine members */
};

/* Parameters that one rate and decay are for; coarse members have fewer. Absolute ones are turned round at zero. */
struct Segment {
    int64_t start, size[2], has_decay, is_absolute;
    double rate;
};

/* A network, or a sum of several: then its `parts` are further ones in the same memory, whose outputs are added to its
 * own, if it has layers. A part reads the `inputs` and `codes` of the whole that it names. */
template <class T> struct Network {
    int64_t n_members, n_layers, n_fine, n_outputs; /* the last n_fine members are fine */
    int64_t n_columns, n_numbers, n_codes, n_vectors;
    /* Columns hold numbers, then codes of levels: those of `code_columns` have a row of the table for each level from
     * `code_starts` on, which belong to `table_scale` of their column; others are looked up in `embeddings`. A code
     * between two levels mixes their rows. */
    const int64_t *code_columns, *code_starts, *vector_columns, *vector_starts;
    int64_t table, table_scale, mixing, n_dim;
    Layer<T> layers[MAX_LAYERS];
    int64_t n_segments, stride, table_stride, n_embeddings;
    const Segment *segments;
    T *parameters, *scaled, *gradients, *mean, *square, *tables; /* `scaled`: with the factors of inputs */
    double embedding_rate;
    T *embeddings, *embedding_gradients, *embedding_mean, *embedding_square;
    int64_t n_parts;
    const Network *parts;
    const int64_t *inputs, *codes; /* null for all */
    T *prepared;                   /* see `Places`; null if nothing has been */
};

template <class T> INLINE int kind_of(const Network<T> &net, int64_t m) { return m >= net.n_members - net.n_fine; }

/* Whether inputs have factors, which their weights are multiplied by. */
template <class T> INLINE bool has_factors(const Network<T> &net) {
    return net.layers[0].scale != NONE || net.table_scale != NONE;
}

/* Rows that are learned from, and how. */
template <class T> struct Task {
    const T *x, *y, *weight;
    const int64_t *classes, *fold;
    const uint8_t *holds_out; /* (n_folds, n_members), or null */
    int64_t are_held_out, n_targets, loss;
    const T *levels; /* of quantiles */
    double power;    /* of Tweedie's losses; delta of Huber's */
    double largest;  /* logarithm of a mean */
    double beta, beta_square, epsilon, decay;
};

}  // namespace

#endif
