/* From hidden units to outputs: a norm, and a last layer whose polynomials are looked up by shuffles. */
#ifndef SKLEARN_KAN_CUBICS_H
#define SKLEARN_KAN_CUBICS_H

#include "prepared.h"

namespace {

constexpr int MOST_OUTPUTS = 8; /* of a narrow layer */

/* One over the standard deviation of centred units. */
template <class T, int BYTES>
INLINE typename On<T, BYTES>::V rate_of_norm(const T *units, int64_t n) {
    typedef On<T, BYTES> Lanes;
    auto even = Lanes::all(0), odd = even;
    int64_t j = 0;
    for (; j + 1 < n; j += 2) {
        const auto a = Lanes::from(units + j * ROWS), b = Lanes::from(units + (j + 1) * ROWS);
        even += a * a;
        odd += b * b;
    }
    for (; j < n; j++) even += Lanes::from(units + j * ROWS) * Lanes::from(units + j * ROWS);
    return Lanes::inverse_root((even + odd) * (1 / T(n)) + T(1e-5));
}

/* Outputs of a member for rows of a vector, (n_outputs), by the splines and silu themselves. */
template <class T, int BYTES>
INLINE void by_splines(const Network<T> &net, int64_t m, const T *units, const T *given, typename On<T, BYTES>::V rate,
                       typename On<T, BYTES>::V *sum) {
    typedef On<T, BYTES> Lanes;
    const Layer<T> &last = net.layers[1];
    const Even<T> knots = even(last.spline[0]);
    const int64_t K = last.n_outputs, width = table_width(knots.n_knots);
    const T *tables = net.tables + m * net.table_stride + last.polynomials;
    const T *base = last.base == NONE ? nullptr : net.parameters + m * net.stride + last.base;
    for (int64_t j = 0; j < last.n_inputs; j++) {
        typename Lanes::M interval;
        const auto x = Lanes::from(units + j * ROWS) * rate * given[4 * j] + given[4 * j + 1];
        const auto u = place<T, BYTES>(knots, x, &interval);
        const auto silu = base ? x * Lanes::sigmoid(x) : Lanes::all(0);
        for (int64_t k = 0; k < K; k++) {
            const T *table = tables + (j * K + k) * ORDER * width;
            auto value = Lanes::lookup(table + 3 * width, interval, knots.n_knots + 1);
            UNROLL for (int p = 2; p >= 0; p--)
                value = value * u + Lanes::lookup(table + p * width, interval, knots.n_knots + 1);
            sum[k] += base ? value + silu * base[j * K + k] : value;
        }
    }
}

/* The same of R vectors of rows by cubics, and which rows have units beyond their reach. */
template <class T, int BYTES, int R, int K>
INLINE void by_cubics(const T *tables, int64_t n_units, const T *units, const T *given,
                      const typename On<T, BYTES>::V *rate, typename On<T, BYTES>::V (*sum)[R],
                      typename On<T, BYTES>::M *is_beyond) {
    typedef On<T, BYTES> Lanes;
    typedef typename Lanes::V V;
    typedef typename Lanes::M M;
    const M rounder = (M)Lanes::all(Lanes::ROUNDER);
    M beyond[R] = {};
    V own[K][R];
    UNROLL for (int k = 0; k < K; k++)
        UNROLL for (int r = 0; r < R; r++) own[k][r] = sum[k][r];
    for (int64_t j = 0; j < n_units; j++) {
        M entry[R];
        V v[R];
        UNROLL for (int r = 0; r < R; r++) {
            const V t = Lanes::from(units + j * ROWS + r * Lanes::N) * rate[r] * given[4 * j + 2] + given[4 * j + 3];
            const V shifted = t + Lanes::ROUNDER;
            v[r] = t - (shifted - Lanes::ROUNDER);
            entry[r] = (M)shifted; /* its last bits */
            beyond[r] |= entry[r] ^ rounder;
        }
        UNROLL for (int k = 0; k < K; k++, tables += ORDER * ENTRIES) {
            V value[R];
            UNROLL for (int p = ORDER - 1; p >= 0; p--) {
                const V low = Lanes::from(tables + p * ENTRIES), high = Lanes::from(tables + p * ENTRIES + Lanes::N);
                UNROLL for (int r = 0; r < R; r++) {
                    const V c = __builtin_shuffle(low, high, entry[r]);
                    value[r] = p == ORDER - 1 ? c : value[r] * v[r] + c;
                }
            }
            UNROLL for (int r = 0; r < R; r++) own[k][r] += value[r];
        }
    }
    UNROLL for (int r = 0; r < R; r++) is_beyond[r] = (beyond[r] & ~(ENTRIES - 1)) != 0;
    UNROLL for (int k = 0; k < K; k++)
        UNROLL for (int r = 0; r < R; r++) sum[k][r] = own[k][r];
}

template <class T, int BYTES, int R>
INLINE void try_cubics(int64_t K, const T *tables, int64_t n_units, const T *units, const T *given,
                       const typename On<T, BYTES>::V *rate, typename On<T, BYTES>::V (*sum)[R],
                       typename On<T, BYTES>::M *is_beyond) {
    switch (K) {
#define FOR_OUTPUTS(K) case K: return by_cubics<T, BYTES, R, K>(tables, n_units, units, given, rate, sum, is_beyond);
        FOR_OUTPUTS(1) FOR_OUTPUTS(2) FOR_OUTPUTS(3) FOR_OUTPUTS(4)
        FOR_OUTPUTS(5) FOR_OUTPUTS(6) FOR_OUTPUTS(7) FOR_OUTPUTS(8)
#undef FOR_OUTPUTS
    }
}

template <class T, int BYTES> INLINE bool is_any(typename On<T, BYTES>::M mask) {
    typename On<T, BYTES>::Whole any = 0;
    for (int l = 0; l < On<T, BYTES>::N; l++) any |= mask[l];
    return any;
}

/* Outputs (n_outputs, ROWS) of member m for R vectors of rows from its units. */
template <class T, int BYTES, int R>
INLINE void finish_rows(const Network<T> &net, const Places<T> &at, int64_t m, const T *units, T *to) {
    typedef On<T, BYTES> Lanes;
    typedef typename Lanes::V V;
    const Layer<T> &first = net.layers[0], &last = net.layers[1];
    const int64_t K = last.n_outputs;
    const T *given = net.prepared + at.units + m * first.width * 4, *bias = net.parameters + m * net.stride + last.bias;
    V rate[R], sum[MOST_OUTPUTS][R];
    typename Lanes::M is_beyond[R];
    UNROLL for (int r = 0; r < R; r++) {
        rate[r] = first.has_norm ? rate_of_norm<T, BYTES>(units + r * Lanes::N, last.n_inputs) : Lanes::all(1);
        is_beyond[r] = ~(typename Lanes::M){};
    }
    for (int64_t k = 0; k < K; k++)
        UNROLL for (int r = 0; r < R; r++) sum[k][r] = Lanes::all(bias[k]);
    if constexpr (Lanes::IS_SINGLE && BYTES == 64)
        if (at.split)
            try_cubics<T, BYTES, R>(K, net.prepared + at.tables + m * last.n_inputs * K * ORDER * ENTRIES,
                                    last.n_inputs, units, given, rate, sum, is_beyond);
    UNROLL for (int r = 0; r < R; r++) {
        if (is_any<T, BYTES>(is_beyond[r])) {
            V exact[MOST_OUTPUTS];
            for (int64_t k = 0; k < K; k++) exact[k] = Lanes::all(bias[k]);
            by_splines<T, BYTES>(net, m, units + r * Lanes::N, given, rate[r], exact);
            for (int64_t k = 0; k < K; k++) sum[k][r] = is_beyond[r] ? exact[k] : sum[k][r];
        }
        for (int64_t k = 0; k < K; k++) Lanes::to(to + k * ROWS + r * Lanes::N, sum[k][r]);
    }
}

/* Outputs (n_outputs, ROWS) of member m from its units. */
template <class T, int BYTES>
INLINE void finish_member(const Network<T> &net, const Places<T> &at, int64_t m, const T *units, int n_padded, T *to) {
    constexpr int N = On<T, BYTES>::N;
    int r = 0;
    for (; r + 2 * N <= n_padded; r += 2 * N) finish_rows<T, BYTES, 2>(net, at, m, units + r, to + r);
    for (; r < n_padded; r += N) finish_rows<T, BYTES, 1>(net, at, m, units + r, to + r);
}

}  // namespace

#endif
