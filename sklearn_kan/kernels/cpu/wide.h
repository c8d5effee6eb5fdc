/* Layers of many outputs: a vector holds outputs of one row, and rows of coefficients are looked up and added. */
#ifndef SKLEARN_KAN_WIDE_H
#define SKLEARN_KAN_WIDE_H

#include "inputs.h"

namespace {

constexpr int TOGETHER = 4;   /* rows whose sums stay in registers */
constexpr int64_t USUAL = 32; /* outputs of a layer */

/* What a layer of one member is given on a block of rows. */
template <class T> struct Given {
    const Local<T> *inputs;
    const Levels<T> *levels; /* of the first layer, like the following: columns of codes, and embedded ones */
    const T *vectors;        /* (ROWS, n_numbers) */
    int64_t n_inputs, n_levels, n_numbers;
    int kind, n_rows, n_padded;
    const int64_t *chosen, *chosen_levels; /* of a part: numbers of its inputs and columns; null for all */
    const int64_t *starts;                 /* rows of the table where columns begin */
    const Local<T> &input(int64_t i) const { return inputs[chosen ? chosen[i] : i]; }
    const Levels<T> &column(int64_t c) const { return levels[chosen_levels ? chosen_levels[c] : c]; }
};

/* Weights of a layer of one member, or their gradients. */
template <class P> struct Weights {
    P weight, base, bias, table, mixing; /* base, table and mixing are null where there are none */
    int64_t n_basis, width;
};

/* Sums of N vectors of outputs from o on, for TOGETHER rows from r on; places are constants if WIDTH is not zero. */
template <class T, int BYTES, int N, int64_t WIDTH>
INLINE void add_rows(const Given<T> &given, const Weights<const T *> &w, int64_t o, int r, T *y) {
    typedef On<T, BYTES> Lanes;
    const int64_t width = WIDTH ? WIDTH : w.width;
    typename Lanes::V sum[TOGETHER][N];
    UNROLL for (int q = 0; q < TOGETHER; q++)
        UNROLL for (int v = 0; v < N; v++) sum[q][v] = Lanes::from(w.bias + o + v * Lanes::N);
    for (int64_t i = 0; i < given.n_inputs; i++) {
        const Local<T> &input = given.input(i);
        const T *coef = w.weight + i * w.n_basis * width + o;
        if (w.base) {
            typename Lanes::V base[N];
            UNROLL for (int v = 0; v < N; v++) base[v] = Lanes::from(w.base + i * width + o + v * Lanes::N);
            UNROLL for (int q = 0; q < TOGETHER; q++)
                UNROLL for (int v = 0; v < N; v++) sum[q][v] += input.silu[r + q] * base[v];
        }
        UNROLL for (int q = 0; q < TOGETHER; q++) {
            const T *c = coef + input.at[given.kind][r + q] * width, *value = input.value[given.kind][r + q];
            UNROLL for (int f = 0; f < ORDER; f++)
                UNROLL for (int v = 0; v < N; v++) sum[q][v] += value[f] * Lanes::from(c + f * width + v * Lanes::N);
        }
    }
    for (int64_t c = 0; c < given.n_levels; c++) {
        const Levels<T> &levels = given.column(c);
        UNROLL for (int q = 0; q < TOGETHER; q++) {
            const int32_t at = levels.at[r + q];
            if (at == 0) continue;
            const T *row = w.table + (given.starts[c] + at) * width + o, beyond = levels.beyond[r + q];
            if (beyond > 0)
                UNROLL for (int v = 0; v < N; v++) sum[q][v] += (1 - beyond) * Lanes::from(row + v * Lanes::N) +
                                                                beyond * Lanes::from(row + width + v * Lanes::N);
            else
                UNROLL for (int v = 0; v < N; v++) sum[q][v] += Lanes::from(row + v * Lanes::N);
        }
    }
    for (int64_t e = 0; e < given.n_numbers; e++) {
        typename Lanes::V mixing[N];
        UNROLL for (int v = 0; v < N; v++) mixing[v] = Lanes::from(w.mixing + e * width + o + v * Lanes::N);
        UNROLL for (int q = 0; q < TOGETHER; q++)
            UNROLL for (int v = 0; v < N; v++) sum[q][v] += given.vectors[(r + q) * given.n_numbers + e] * mixing[v];
    }
    UNROLL for (int q = 0; q < TOGETHER; q++)
        UNROLL for (int v = 0; v < N; v++) Lanes::to(y + (r + q) * width + o + v * Lanes::N, sum[q][v]);
}

/* Outputs of all rows, (ROWS, width). */
template <class T, int BYTES, int64_t WIDTH>
INLINE void contract_all(const Given<T> &given, const Weights<const T *> &w, T *y) {
    constexpr int N = On<T, BYTES>::N;
    int64_t o = 0;
    for (; o + 2 * N <= w.width; o += 2 * N)
        for (int r = 0; r < given.n_padded; r += TOGETHER) add_rows<T, BYTES, 2, WIDTH>(given, w, o, r, y);
    for (; o < w.width; o += N)
        for (int r = 0; r < given.n_padded; r += TOGETHER) add_rows<T, BYTES, 1, WIDTH>(given, w, o, r, y);
}

template <class T, int BYTES> INLINE void contract(const Given<T> &given, const Weights<const T *> &w, T *y) {
    if (w.width == USUAL)
        contract_all<T, BYTES, USUAL>(given, w, y);
    else
        contract_all<T, BYTES, 0>(given, w, y);
}

/* Gradients of the coefficients that N vectors of outputs from o on have, from those of the outputs. */
template <class T, int BYTES, int N>
INLINE void add_gradients(const Given<T> &given, const T *g, int64_t o, const Weights<T *> &to) {
    typedef On<T, BYTES> Lanes;
    typedef typename Lanes::V V;
    const int64_t width = to.width;
    V bias[N];
    UNROLL for (int v = 0; v < N; v++) bias[v] = Lanes::from(to.bias + o + v * Lanes::N);
    for (int r = 0; r < given.n_rows; r++)
        UNROLL for (int v = 0; v < N; v++) bias[v] += Lanes::from(g + r * width + o + v * Lanes::N);
    UNROLL for (int v = 0; v < N; v++) Lanes::to(to.bias + o + v * Lanes::N, bias[v]);
    for (int64_t i = 0; i < given.n_inputs; i++) {
        const Local<T> &input = given.input(i);
        const Runs &runs = input.runs[given.kind];
        V base[N] = {};
        for (int run = 0, s = 0; run < runs.n; run++) {
            T *c = to.weight + (i * to.n_basis + input.at[given.kind][runs.order[s]]) * width + o;
            V sum[ORDER][N];
            UNROLL for (int f = 0; f < ORDER; f++)
                UNROLL for (int v = 0; v < N; v++) sum[f][v] = Lanes::from(c + f * width + v * Lanes::N);
            for (; s < runs.end[run]; s++) {
                const int r = runs.order[s];
                const T *value = input.value[given.kind][r];
                UNROLL for (int v = 0; v < N; v++) {
                    const V gradient = Lanes::from(g + r * width + o + v * Lanes::N);
                    base[v] += input.silu[r] * gradient;
                    UNROLL for (int f = 0; f < ORDER; f++) sum[f][v] += value[f] * gradient;
                }
            }
            UNROLL for (int f = 0; f < ORDER; f++)
                UNROLL for (int v = 0; v < N; v++) Lanes::to(c + f * width + v * Lanes::N, sum[f][v]);
        }
        if (!to.base) continue;
        T *b = to.base + i * width + o;
        UNROLL for (int v = 0; v < N; v++) Lanes::to(b + v * Lanes::N, Lanes::from(b + v * Lanes::N) + base[v]);
    }
    for (int64_t c = 0; c < given.n_levels; c++) {
        const Levels<T> &levels = given.column(c);
        for (int run = 0, s = 0; run < levels.runs.n; s = levels.runs.end[run++]) {
            const int32_t at = levels.at[levels.runs.order[s]];
            if (at == 0) continue;
            T *row = to.table + (given.starts[c] + at) * width + o;
            V sum[N];
            UNROLL for (int v = 0; v < N; v++) sum[v] = Lanes::from(row + v * Lanes::N);
            for (int t = s; t < levels.runs.end[run]; t++)
                UNROLL for (int v = 0; v < N; v++)
                    sum[v] += Lanes::from(g + levels.runs.order[t] * width + o + v * Lanes::N);
            for (int t = s; levels.has_between && t < levels.runs.end[run]; t++) {
                const int r = levels.runs.order[t];
                if (levels.beyond[r] > 0)
                    UNROLL for (int v = 0; v < N; v++) {
                        const V share = levels.beyond[r] * Lanes::from(g + r * width + o + v * Lanes::N);
                        T *next = row + width + v * Lanes::N;
                        sum[v] -= share;
                        Lanes::to(next, Lanes::from(next) + share);
                    }
            }
            UNROLL for (int v = 0; v < N; v++) Lanes::to(row + v * Lanes::N, sum[v]);
        }
    }
    for (int64_t e = 0; e < given.n_numbers; e++) {
        T *row = to.mixing + e * width + o;
        V sum[N];
        UNROLL for (int v = 0; v < N; v++) sum[v] = Lanes::from(row + v * Lanes::N);
        for (int r = 0; r < given.n_rows; r++)
            UNROLL for (int v = 0; v < N; v++)
                sum[v] += given.vectors[r * given.n_numbers + e] * Lanes::from(g + r * width + o + v * Lanes::N);
        UNROLL for (int v = 0; v < N; v++) Lanes::to(row + v * Lanes::N, sum[v]);
    }
}

template <class T, int BYTES> INLINE void contract_back(const Given<T> &given, const T *g, const Weights<T *> &to) {
    constexpr int N = On<T, BYTES>::N;
    int64_t o = 0;
    for (; o + 2 * N <= to.width; o += 2 * N) add_gradients<T, BYTES, 2>(given, g, o, to);
    for (; o < to.width; o += N) add_gradients<T, BYTES, 1>(given, g, o, to);
}

/* Gradients of hidden units, (n_inputs, ROWS), from those of the outputs, (ROWS, width). */
template <class T, int BYTES>
INLINE void slopes_back(const Given<T> &given, const Slopes<T> *slopes, const Weights<const T *> &w, const T *g,
                        T *to) {
    typedef On<T, BYTES> Lanes;
    for (int64_t i = 0; i < given.n_inputs; i++) {
        for (int r = 0; r < given.n_padded; r++) {
            const T *c = w.weight + (i * w.n_basis + given.inputs[i].at[0][r]) * w.width, *slope = slopes[i].value[r];
            const T *base = w.base ? w.base + i * w.width : nullptr;
            typename Lanes::V sum = {};
            for (int64_t o = 0; o < w.width; o += Lanes::N) {
                typename Lanes::V edge = {};
                UNROLL for (int f = 0; f < ORDER; f++) edge += slope[f] * Lanes::from(c + f * w.width + o);
                if (base) edge += slopes[i].silu[r] * Lanes::from(base + o);
                sum += edge * Lanes::from(g + r * w.width + o);
            }
            to[i * ROWS + r] = Lanes::sum(sum);
        }
    }
}

/* Gradients of embedded columns, (n_rows, n_numbers), likewise. */
template <class T, int BYTES>
INLINE void vectors_back(const Given<T> &given, const Weights<const T *> &w, const T *g, T *to) {
    typedef On<T, BYTES> Lanes;
    for (int r = 0; r < given.n_rows; r++)
        for (int64_t e = 0; e < given.n_numbers; e++) {
            typename Lanes::V sum = {};
            for (int64_t o = 0; o < w.width; o += Lanes::N)
                sum += Lanes::from(w.mixing + e * w.width + o) * Lanes::from(g + r * w.width + o);
            to[r * given.n_numbers + e] += Lanes::sum(sum);
        }
}

}  // namespace

#endif
