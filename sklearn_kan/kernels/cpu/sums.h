/* Hidden units of several members side by side: rows of coefficients are looked up and added. */
#ifndef SKLEARN_KAN_SUMS_H
#define SKLEARN_KAN_SUMS_H

#include "inputs.h"
#include "prepared.h"
#include "stretch.h"

namespace {

/* An input on a block of rows: values of the functions that are not zero, and the number of the first. */
template <class T> struct Values {
    T value[ORDER][ROWS];
    int32_t at[ROWS];
};

/* Memory that a thread works in, which keeps it. */
template <class T> struct Desk {
    T *columns, *silu, *vectors, *tile, *units, *of_members, *sum;
    Values<T> *inputs; /* of a kind */
    Levels<T> *levels;
};

template <class T> INLINE void divide_desk(const Network<T> &net, int64_t together, Stretch &stretch, Desk<T> &desk) {
    desk.columns = part<T>(stretch, net.n_columns * ROWS);
    desk.silu = part<T>(stretch, net.n_numbers * ROWS);
    desk.vectors = part<T>(stretch, net.n_vectors * net.n_dim * ROWS);
    desk.tile = part<T>(stretch, together * net.layers[0].width * ROWS);
    desk.units = part<T>(stretch, together * net.layers[0].width * ROWS);
    desk.of_members = part<T>(stretch, net.n_members * net.n_outputs * ROWS);
    desk.sum = part<T>(stretch, net.n_outputs * ROWS);
    desk.inputs = part<Values<T>>(stretch, net.n_numbers);
    desk.levels = part<Levels<T>>(stretch, net.n_codes);
}

/* Memory of at least so many bytes; null if there is none. */
INLINE void *kept_memory(size_t size) {
    struct Memory {
        void *start = nullptr;
        size_t size = 0;
        ~Memory() { free(start); }
    };
    static thread_local Memory memory;
    if (memory.size < size) {
        free(memory.start);
        memory.start = calloc(1, size);
        memory.size = memory.start ? size : 0;
    }
    return memory.start;
}

template <class T> INLINE bool lay(const Network<T> &net, int64_t together, Desk<T> &desk) {
    Stretch length = {nullptr, 64};
    divide_desk(net, together, length, desk);
    char *memory = (char *)kept_memory(length.used);
    if (!memory) return false;
    Stretch stretch = {(char *)(((uintptr_t)memory + 63) / 64 * 64), 0};
    divide_desk(net, together, stretch, desk);
    return true;
}

/* An input in its basis, rows in the lanes. */
template <class T, int BYTES>
INLINE void look_up(const T *knots, int n_knots, const T *table, const T *x, int n_padded, Values<T> &to) {
    typedef On<T, BYTES> Lanes;
    for (int r = 0; r < n_padded; r += Lanes::N) {
        const auto at = Lanes::from(x + r);
        typename Lanes::M interval = {};
        for (int k = 0; k < n_knots; k++) interval -= at >= Lanes::all(knots[k]);
        auto entry = [&](int p) { return Lanes::lookup(table + p * ENTRIES, interval, n_knots + 1); };
        const auto u = (at - entry(ORDER * ORDER)) * entry(ORDER * ORDER + 1);
        UNROLL for (int f = 0; f < ORDER; f++) {
            auto value = entry(3 * ORDER + f);
            UNROLL for (int p = 2; p >= 0; p--) value = value * u + entry(p * ORDER + f);
            Lanes::to(to.value[f] + r, value);
        }
        const auto first = __builtin_convertvector(entry(ORDER * ORDER + 2), typename Lanes::M);
        for (int l = 0; l < Lanes::N; l++) to.at[r + l] = (int32_t)first[l];
    }
}

/* The same with any number of knots, row by row. */
template <class T, int BYTES>
INLINE void search(const Spline<T> &spline, int64_t i, const T *x, int n_padded, Values<T> &to) {
    const int64_t last = spline.n_basis - ORDER;
    int32_t interval[ROWS];
    locate<T, BYTES>(spline.knots + i * spline.n_knots, (int)spline.n_knots, x, n_padded, interval);
    for (int r = 0; r < n_padded; r++) {
        const int64_t entry = i * (spline.n_knots + 1) + interval[r], first = spline.first[entry];
        const T *piece = spline.pieces + entry * ORDER * ORDER, u = (x[r] - spline.origin[entry]) * spline.rate[entry];
        for (int f = 0; f < ORDER; f++)
            to.value[f][r] = ((piece[3 * ORDER + f] * u + piece[2 * ORDER + f]) * u + piece[ORDER + f]) * u + piece[f];
        to.at[r] = (int32_t)(first < 0 ? 0 : first > last ? last : first);
    }
}

template <class T, int BYTES>
INLINE void read_inputs(const Network<T> &net, const Places<T> &at, int kind, int n_padded, Desk<T> &desk) {
    const Spline<T> &spline = net.layers[0].spline[kind];
    for (int64_t i = 0; i < net.n_numbers; i++) {
        const T *x = desk.columns + i * ROWS;
        if (BYTES >= 32 && has_lookups(spline))
            look_up<T, BYTES>(spline.knots + i * spline.n_knots, (int)spline.n_knots,
                              net.prepared + at.lookups[kind] + i * LOOKED_UP * ENTRIES, x, n_padded, desk.inputs[i]);
        else
            search<T, BYTES>(spline, i, x, n_padded, desk.inputs[i]);
    }
}

/* What N vectors of outputs, whose rows of coefficients lie one after the other, are for some rows. */
template <class T, int BYTES, int N>
INLINE void sum_inputs(const Network<T> &net, const Desk<T> &desk, const T *coef, int64_t n_basis, int n_rows, T *to,
                       int64_t width) {
    typedef On<T, BYTES> Lanes;
    typedef typename Lanes::V V;
    constexpr int64_t SIZE = N * Lanes::N, TOGETHER_HERE = 4;
    const bool has_silu = has_base(net, 0);
    const int64_t n_own = (n_basis + has_silu) * SIZE, at_once = most(1, 6144 / n_own); /* fits the nearest cache */
    const T *tables = coef + SIZE + net.n_numbers * n_own;
    for (int64_t start = 0; start == 0 || start < net.n_numbers; start += at_once) {
        const int64_t stop = start + at_once < net.n_numbers ? start + at_once : net.n_numbers;
        for (int r = 0; r < n_rows; r += TOGETHER_HERE) {
            V sum[TOGETHER_HERE][N];
            UNROLL for (int q = 0; q < TOGETHER_HERE; q++)
                UNROLL for (int v = 0; v < N; v++)
                    sum[q][v] = Lanes::from((start ? to + (r + q) * width : coef) + v * Lanes::N);
            const T *own = coef + SIZE + start * n_own;
            for (int64_t i = start; i < stop; i++, own += n_own) {
                const Values<T> &input = desk.inputs[i];
                if (has_silu) {
                    const T *base = own + n_basis * SIZE, *silu = desk.silu + i * ROWS + r;
                    UNROLL for (int v = 0; v < N; v++) {
                        const V of_base = Lanes::from(base + v * Lanes::N);
                        UNROLL for (int q = 0; q < TOGETHER_HERE; q++) sum[q][v] += silu[q] * of_base;
                    }
                }
                UNROLL for (int q = 0; q < TOGETHER_HERE; q++) {
                    const T *c = own + input.at[r + q] * SIZE;
                    UNROLL for (int f = 0; f < ORDER; f++) {
                        const T value = input.value[f][r + q];
                        UNROLL for (int v = 0; v < N; v++)
                            sum[q][v] += value * Lanes::from(c + f * SIZE + v * Lanes::N);
                    }
                }
            }
            for (int64_t c = 0; start == 0 && c < net.n_codes; c++) {
                const Levels<T> &levels = desk.levels[c];
                const T *table = tables + net.code_starts[c] * SIZE;
                UNROLL for (int q = 0; q < TOGETHER_HERE; q++) {
                    const T *row = table + levels.at[r + q] * SIZE, beyond = levels.beyond[r + q];
                    if (!levels.has_between) {
                        UNROLL for (int v = 0; v < N; v++) sum[q][v] += Lanes::from(row + v * Lanes::N);
                        continue;
                    }
                    UNROLL for (int v = 0; v < N; v++) sum[q][v] += (1 - beyond) * Lanes::from(row + v * Lanes::N);
                    UNROLL for (int v = 0; v < N; v++) sum[q][v] += beyond * Lanes::from(row + SIZE + v * Lanes::N);
                }
            }
            UNROLL for (int q = 0; q < TOGETHER_HERE; q++)
                UNROLL for (int v = 0; v < N; v++) Lanes::to(to + (r + q) * width + v * Lanes::N, sum[q][v]);
        }
    }
    coef = tables + n_level_rows(net) * SIZE;
    const int64_t n_embedded = net.n_vectors * net.n_dim;
    for (int r = 0; n_embedded && r < n_rows; r++)
        UNROLL for (int v = 0; v < N; v++) {
            T *at = to + r * width + v * Lanes::N;
            V sum = Lanes::from(at);
            for (int64_t e = 0; e < n_embedded; e++)
                sum += desk.vectors[r * n_embedded + e] * Lanes::from(coef + e * SIZE + v * Lanes::N);
            Lanes::to(at, sum);
        }
}

/* Hidden units of a group of members, (width, ROWS), before the norm: centred if there is one. */
template <class T, int BYTES>
INLINE void sum_group(const Network<T> &net, const T *coef, int kind, int64_t width, int n_rows, int n_padded,
                      Desk<T> &desk) {
    typedef On<T, BYTES> Lanes;
    const int64_t n_basis = net.layers[0].spline[kind].n_basis, n_lines = n_rows_of(net, kind);
    for (int64_t o = 0; o < width;) {
        const int n = vectors_at_once((width - o) / Lanes::N);
        const T *own = coef + o * n_lines;
        if (n == 4) sum_inputs<T, BYTES, 4>(net, desk, own, n_basis, n_rows, desk.tile + o, width);
        if (n == 2) sum_inputs<T, BYTES, 2>(net, desk, own, n_basis, n_rows, desk.tile + o, width);
        if (n == 1) sum_inputs<T, BYTES, 1>(net, desk, own, n_basis, n_rows, desk.tile + o, width);
        o += n * Lanes::N;
    }
    Lanes::transpose(desk.tile, width, n_padded, (int)width, desk.units, ROWS);
}

}  // namespace

#endif
