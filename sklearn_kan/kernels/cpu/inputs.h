/* What a block of rows brings to a layer: values of the basis for each input, and runs of rows that share coefficients.
 */
#ifndef SKLEARN_KAN_INPUTS_H
#define SKLEARN_KAN_INPUTS_H

#include <cstring>

#include "network.h"

namespace {

constexpr int COUNTED = 64; /* knots up to which intervals are counted, and rows sorted by them */

/* Rows in the order of what they share: `order`, and where each run of it ends. */
struct Runs {
    int n;
    int16_t order[ROWS], end[ROWS];
};

/* An input on a block of rows. */
template <class T> struct Local {
    T value[2][ROWS][ORDER], silu[ROWS]; /* of the functions that are not zero */
    int32_t at[2][ROWS];                 /* number of the first of them */
    Runs runs[2];
};

/* Derivatives of the same, where inputs are hidden units. */
template <class T> struct Slopes {
    T value[ROWS][ORDER], silu[ROWS];
};

/* Levels of a column of codes, 0 where a row has none; `beyond`: the next one's share, where some row has it. */
template <class T> struct Levels {
    int32_t at[ROWS];
    T beyond[ROWS];
    bool has_between;
    Runs runs;
};

/* Runs of rows with equal keys from 0 up to n_keys. */
INLINE void sort(const int32_t *key, int n_keys, int n_rows, Runs &runs) {
    int start[COUNTED + 2] = {0};
    for (int r = 0; r < n_rows; r++) start[key[r] + 1]++;
    runs.n = 0;
    for (int k = 0; k < n_keys; k++) {
        if (start[k + 1]) runs.end[runs.n++] = (int16_t)(start[k] + start[k + 1]);
        start[k + 1] += start[k];
    }
    for (int r = 0; r < n_rows; r++) runs.order[start[key[r]]++] = (int16_t)r;
}

/* Rows as they come, in runs of neighbours with equal keys. */
INLINE void leave(const int32_t *key, int n_rows, Runs &runs) {
    runs.n = 0;
    for (int r = 0; r < n_rows; r++) {
        runs.order[r] = (int16_t)r;
        if (r + 1 == n_rows || key[r + 1] != key[r]) runs.end[runs.n++] = (int16_t)(r + 1);
    }
}

/* How many knots are not right of each place. */
template <class T, int BYTES>
INLINE void locate(const T *knots, int n_knots, const T *x, int n_padded, int32_t *interval) {
    typedef On<T, BYTES> Lanes;
    if (n_knots <= COUNTED) {
        for (int r = 0; r < n_padded; r += Lanes::N) {
            const auto at = Lanes::from(x + r);
            typename Lanes::M count = {};
            for (int k = 0; k < n_knots; k++) count -= at >= Lanes::all(knots[k]);
            for (int l = 0; l < Lanes::N; l++) interval[r + l] = (int32_t)count[l];
        }
        return;
    }
    for (int r = 0; r < n_padded; r++) {
        int low = 0;
        for (int rest = n_knots; rest > 0;) {
            const int half = rest / 2;
            const bool is_right = knots[low + half] <= x[r];
            low = is_right ? low + half + 1 : low;
            rest = is_right ? rest - half - 1 : half;
        }
        interval[r] = low;
    }
}

template <class T, int BYTES> INLINE void activate(const T *x, int n_padded, T *silu, T *slope) {
    typedef On<T, BYTES> Lanes;
    for (int r = 0; r < n_padded; r += Lanes::N) {
        const auto at = Lanes::from(x + r), share = Lanes::sigmoid(at);
        Lanes::to(silu + r, at * share);
        if (slope) Lanes::to(slope + r, share * (1 + at * (1 - share)));
    }
}

/* Input i of a layer in its basis for members of a kind; rows from n_rows on get values of zero. */
template <class T, int BYTES>
INLINE void evaluate(const Spline<T> &spline, int64_t i, int kind, const T *x, int n_rows, int n_padded, bool sorted,
                     Local<T> &local, Slopes<T> *slopes) {
    typedef T Functions __attribute__((vector_size(ORDER * sizeof(T)), aligned(sizeof(T)), may_alias));
    const int n_knots = (int)spline.n_knots;
    const int64_t start = i * (n_knots + 1), last = spline.n_basis - ORDER;
    int32_t interval[ROWS];
    locate<T, BYTES>(spline.knots + i * n_knots, n_knots, x, n_padded, interval);
    for (int r = 0; r < n_padded; r++) {
        const int64_t entry = start + interval[r], first = spline.first[entry];
        const T *piece = spline.pieces + entry * ORDER * ORDER;
        const T rate = spline.rate[entry], u = (x[r] - spline.origin[entry]) * rate;
        Functions value = *(const Functions *)(piece + 3 * ORDER), slope = {};
        for (int p = 2; p >= 0; p--) {
            if (slopes) slope = slope * u + value;
            value = value * u + *(const Functions *)(piece + p * ORDER);
        }
        *(Functions *)local.value[kind][r] = r < n_rows ? value : Functions();
        if (slopes) *(Functions *)slopes->value[r] = slope * rate;
        local.at[kind][r] = (int32_t)(first < 0 ? 0 : first > last ? last : first);
    }
    if (!sorted) return;
    if (n_knots <= COUNTED)
        sort(interval, n_knots + 1, n_rows, local.runs[kind]);
    else
        leave(local.at[kind], n_rows, local.runs[kind]);
}

/* A column of codes of `n` levels. */
template <class T>
INLINE void read_levels(const T *x, int64_t n, int n_rows, int n_padded, bool sorted, Levels<T> &levels) {
    levels.has_between = false;
    for (int r = 0; r < n_padded; r++) {
        const int32_t level = r < n_rows && x[r] > 0 && x[r] < n ? (int32_t)x[r] : 0;
        levels.at[r] = level;
        levels.beyond[r] = level && level + 1 < n ? x[r] - level : 0;
        levels.has_between |= levels.beyond[r] > 0;
    }
    if (!sorted) return;
    if (n <= COUNTED)
        sort(levels.at, (int)n, n_rows, levels.runs);
    else
        leave(levels.at, n_rows, levels.runs);
}

/* Vectors of embedded levels, (n_padded, n_vectors, n_dim), zero for unknown ones. */
template <class T>
INLINE void read_vectors(const Network<T> &net, const T *columns, int n_rows, int n_padded, T *vectors) {
    const int64_t width = net.n_vectors * net.n_dim;
    for (int64_t c = 0; c < net.n_vectors; c++)
        for (int r = 0; r < n_padded; r++) {
            const T code = columns[net.vector_columns[c] * ROWS + r];
            const int64_t start = net.vector_starts[c], n = net.vector_starts[c + 1] - start;
            T *to = vectors + r * width + c * net.n_dim;
            const bool is_known = r < n_rows && code > 0 && code < n;
            for (int64_t e = 0; e < net.n_dim; e++)
                to[e] = is_known ? net.embeddings[(start + (int64_t)code) * net.n_dim + e] : 0;
        }
}

/* The columns of rows one after the other, up to n_padded of them zero. */
template <class T>
INLINE void gather_next(const T *x, int64_t n_columns, int n_rows, int n_padded, T *columns) {
    for (int64_t i = 0; i < n_columns; i++) {
        for (int r = 0; r < n_rows; r++) columns[i * ROWS + r] = x[r * n_columns + i];
        for (int r = n_rows; r < n_padded; r++) columns[i * ROWS + r] = 0;
    }
}

/* The columns of some rows, of which the latter ones repeat zero. */
template <class T>
INLINE void gather(const T *x, int64_t n_columns, const int64_t *rows, int n_rows, T *columns) {
    memset(columns, 0, n_columns * ROWS * sizeof(T));
    for (int r = 0; r < n_rows; r++) {
        const T *row = x + rows[r] * n_columns;
        for (int64_t i = 0; i < n_columns; i++) columns[i * ROWS + r] = row[i];
    }
}

}  // namespace

#endif
