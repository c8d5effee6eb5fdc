/* Columns of a user's table as a network sees them; what `TableEncoder` does, in double precision. */
#ifndef SKLEARN_KAN_ENCODE_H
#define SKLEARN_KAN_ENCODE_H

#include "network.h"

namespace {

/* Numbers of some inputs, which lie one after the other: those of `inputs[k]` from starts[k] to starts[k + 1]. */
struct OfInputs {
    int64_t n;
    const int64_t *inputs, *starts;
    const double *x, *y; /* where a polygon has two */
};

/* Inputs of numbers are centred, scaled and squeezed; others are codes: of categories, of heavy values, of missing
 * ones, and between which places a value lies. */
struct Encoder {
    int64_t n_numbers, n_categories;
    const double *center, *rate, *bound;
    OfInputs bends, atoms, missing, places;
};

/* Rows as they lie in memory, strides in bytes; or encoded ones (n, n_columns) where there is no encoder. */
struct Table {
    const Encoder *encoder;
    const char *numbers;
    int64_t is_double, row_stride, column_stride;
    const int64_t *categories; /* codes (n, n_categories) */
};

/* How many of n increasing numbers are not above x, for all rows of a block: no search waits for another. */
INLINE void count_not_above(const double *numbers, int64_t n, const double *x, int n_padded, int32_t *count) {
    for (int r = 0; r < n_padded; r++) count[r] = 0;
    if (n == 0) return;
    for (; n > 1; n -= n / 2) {
        const int32_t half = (int32_t)(n / 2);
        for (int r = 0; r < n_padded; r++) count[r] += numbers[count[r] + half - 1] <= x[r] ? half : 0;
    }
    for (int r = 0; r < n_padded; r++) count[r] += numbers[count[r]] <= x[r];
}

/* Products before it are rounded, as NumPy rounds them, before sums behind it are made of them. */
#define ROUNDED(products) asm volatile("" : : "r"(products) : "memory")

/* The polygon with corners (x[k], y[k]) at each of `at`, before which there are so many of them, constant beyond its
 * ends; y[k] = k + 1 without y. */
INLINE void polygon(const double *x, const double *y, int64_t n, const double *at, int n_padded, const int32_t *before,
                    double *value) {
    double low[ROWS];
    for (int r = 0; r < n_padded; r++) {
        const int64_t left = before[r] ? before[r] - 1 : 0, next = left + 1 < n ? left + 1 : left;
        const double gap = x[next] - x[left], rise = y ? y[next] - y[left] : (double)(next - left);
        low[r] = y ? y[left] : left + 1.0;
        value[r] = before[r] && gap > 0 ? rise / gap * (at[r] - x[left]) : 0;
    }
    ROUNDED(value);
    for (int r = 0; r < n_padded; r++) value[r] += low[r];
}

/* A column of some rows; false if one is infinite. */
template <class From, int BYTES>
INLINE bool read_column(const char *at, int64_t stride, int n_rows, int n_padded, double *x) {
    typedef On<double, BYTES> Lanes;
    for (int r = 0; r < n_rows; r++, at += stride) x[r] = (double)*(const From *)at;
    for (int r = n_rows; r < n_padded; r++) x[r] = 0;
    typename Lanes::M is_infinite = {};
    for (int r = 0; r < n_padded; r += Lanes::N) {
        const auto value = Lanes::from(x + r);
        is_infinite |= (value - value != 0) & (value == value);
    }
    typename Lanes::Whole any = 0;
    for (int l = 0; l < Lanes::N; l++) any |= is_infinite[l];
    return !any;
}

/* Places z on the scale of an input as the network takes them. */
template <class T, int BYTES> INLINE void squeeze(double *z, double bound, int n_padded, T *to) {
    typedef On<double, BYTES> Lanes;
    typedef T Narrow __attribute__((vector_size(Lanes::N * sizeof(T)), aligned(sizeof(T)), may_alias));
    double square[ROWS];
    for (int r = 0; r < n_padded; r += Lanes::N) {
        const auto at = Lanes::max(Lanes::min(Lanes::from(z + r), Lanes::all(1e100)), Lanes::all(-1e100));
        const auto share = at / bound;
        Lanes::to(z + r, at);
        Lanes::to(square + r, share * share);
    }
    ROUNDED(square);
    for (int r = 0; r < n_padded; r += Lanes::N) {
        const auto squeezed = Lanes::from(z + r) / Lanes::root(1 + Lanes::from(square + r));
        *(Narrow *)(to + r) = __builtin_convertvector(squeezed == squeezed ? squeezed : Lanes::all(0), Narrow);
    }
}

/* Columns (n_columns, ROWS) of the rows from `block` on; false if a number is infinite. */
template <class T, int BYTES>
INLINE bool encode(const Table &table, int64_t block, int n_rows, int n_padded, T *columns) {
    typedef On<double, BYTES> Lanes;
    const Encoder &own = *table.encoder;
    double x[ROWS], z[ROWS], value[ROWS];
    int32_t count[ROWS];
    auto column = [&](int64_t i) {
        const char *at = table.numbers + block * table.row_stride + i * table.column_stride;
        return table.is_double ? read_column<double, BYTES>(at, table.row_stride, n_rows, n_padded, x)
                               : read_column<float, BYTES>(at, table.row_stride, n_rows, n_padded, x);
    };
    int64_t bend = 0;
    for (int64_t i = 0; i < own.n_numbers; i++) {
        if (!column(i)) return false;
        for (int r = 0; r < n_padded; r += Lanes::N)
            Lanes::to(z + r, (Lanes::from(x + r) - own.center[i]) * own.rate[i]);
        if (bend < own.bends.n && own.bends.inputs[bend] == i) {
            const int64_t start = own.bends.starts[bend], n = own.bends.starts[bend + 1] - start;
            count_not_above(own.bends.x + start, n, x, n_padded, count);
            polygon(own.bends.x + start, own.bends.y + start, n, x, n_padded, count, value);
            for (int r = 0; r < n_padded; r++) z[r] = (z[r] + value[r]) / 2;
            bend++;
        }
        squeeze<T, BYTES>(z, *own.bound, n_padded, columns + i * ROWS);
    }
    T *to = columns + own.n_numbers * ROWS;
    for (int64_t c = 0; c < own.n_categories; c++, to += ROWS)
        for (int r = 0; r < n_padded; r++)
            to[r] = r < n_rows ? (T)table.categories[(block + r) * own.n_categories + c] : 0;
    for (int64_t k = 0; k < own.atoms.n; k++, to += ROWS) {
        const int64_t start = own.atoms.starts[k], n = own.atoms.starts[k + 1] - start;
        column(own.atoms.inputs[k]);
        count_not_above(own.atoms.x + start, n, x, n_padded, count);
        for (int r = 0; r < n_padded; r++)
            to[r] = count[r] && own.atoms.x[start + count[r] - 1] == x[r] ? (T)count[r] : 0;
    }
    for (int64_t k = 0; k < own.missing.n; k++, to += ROWS) {
        column(own.missing.inputs[k]);
        for (int r = 0; r < n_padded; r++) to[r] = x[r] != x[r];
    }
    for (int64_t k = 0; k < own.places.n; k++, to += ROWS) {
        const int64_t start = own.places.starts[k], n = own.places.starts[k + 1] - start;
        column(own.places.inputs[k]);
        count_not_above(own.places.x + start, n, x, n_padded, count);
        polygon(own.places.x + start, nullptr, n, x, n_padded, count, value);
        for (int r = 0; r < n_padded; r++) to[r] = x[r] == x[r] ? (T)value[r] : 0;
    }
    return true;
}

}  // namespace

#endif
