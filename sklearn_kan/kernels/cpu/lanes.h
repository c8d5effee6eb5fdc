/* Vectors as wide as a generation of processors has them, and functions on them. */
#ifndef SKLEARN_KAN_LANES_H
#define SKLEARN_KAN_LANES_H

#include <cmath>
#include <type_traits>

#include "vectors.h"

namespace {

/* Where the lanes of two vectors go that are interleaved: their lower halves, and their higher ones. */
template <class Whole, int N> struct Halves {
    Whole low[N], high[N];
    constexpr Halves() : low(), high() {
        for (int l = 0; l < N; l++) {
            low[l] = l / 2 + l % 2 * N;
            high[l] = low[l] + N / 2;
        }
    }
};

template <class T, int BYTES> struct On {
    static constexpr int N = BYTES / sizeof(T);
    static constexpr bool IS_SINGLE = sizeof(T) == 4;
    static constexpr int MANTISSA = IS_SINGLE ? 23 : 52, BIAS = IS_SINGLE ? 127 : 1023;
    static constexpr T ROUNDER = IS_SINGLE ? 12582912.0 : 6755399441055744.0; /* 1.5 times 2 to the MANTISSA */
    typedef typename std::conditional<IS_SINGLE, int32_t, int64_t>::type Whole;
    typedef T V __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));
    typedef Whole M __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));

    INLINE V all(T a) { return V() + a; }
    INLINE V from(const T *at) { return *(const V *)at; }
    INLINE void to(T *at, V value) { *(V *)at = value; }
    /* What is not a number stays so as `a`. */
    INLINE V max(V a, V b) { return a < b ? b : a; }
    INLINE V min(V a, V b) { return a > b ? b : a; }

    INLINE V root(V a) {
        T parts[N];
        to(parts, a);
        for (int l = 0; l < N; l++) parts[l] = std::sqrt(parts[l]);
        return from(parts);
    }

    INLINE T sum(V a) { return total<T, N>(load<typename Vector<T, N>::type>(&a)); }

    /* The nearest whole number, as number and as integer; below 2 to the MANTISSA - 1. */
    INLINE V rounded(V x, M *integer) {
        const V shifted = x + ROUNDER;
        *integer = (M)shifted - (M)all(ROUNDER);
        return shifted - ROUNDER;
    }

    /* Relative error of a few units in the last place; arguments beyond the range are taken as its ends. */
    INLINE V exp(V x) {
        constexpr T LAST = IS_SINGLE ? 87.0 : 708.0;
        constexpr T LN2_HIGH = IS_SINGLE ? 0.693359375 : 0.693145751953125;
        constexpr T LN2_LOW = IS_SINGLE ? -2.12194440e-4 : 1.42860682030941723212e-6;
        constexpr int DEGREE = IS_SINGLE ? 7 : 13;
        constexpr T FACTORIAL[] = {1.0,         1.0,          1.0 / 2,       1.0 / 6,        1.0 / 24,
                                   1.0 / 120,   1.0 / 720,    1.0 / 5040,    1.0 / 40320,    1.0 / 362880,
                                   1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
        const V inside = max(min(x, all(LAST)), all(-LAST));
        M power;
        const V n = rounded(inside * T(1.44269504088896340736), &power);
        const V r = (inside - n * LN2_HIGH) - n * LN2_LOW;
        V p = all(FACTORIAL[DEGREE]);
        UNROLL for (int d = DEGREE - 1; d >= 0; d--) p = p * r + FACTORIAL[d];
        return x == x ? (V)((M)p + (power << MANTISSA)) : x;
    }

    /* Of positive normal numbers, by the series of the area tangent. */
    INLINE V log(V x) {
        constexpr int TERMS = IS_SINGLE ? 5 : 11;
        M power = ((M)x >> MANTISSA) - BIAS;
        V m = (V)(((M)x & ((Whole(1) << MANTISSA) - 1)) | (Whole(BIAS) << MANTISSA));
        const M is_high = m > T(1.41421356237309504880);
        m = is_high ? m * T(0.5) : m;
        power -= is_high;
        const V s = (m - 1) / (m + 1), q = s * s;
        V p = all(T(1) / (2 * TERMS + 1));
        UNROLL for (int n = TERMS - 1; n >= 0; n--) p = p * q + T(1) / (2 * n + 1);
        return x == x ? __builtin_convertvector(power, V) * T(0.69314718055994530942) + 2 * s * p : x;
    }

    /* One over a positive number, of which a vector division would take longer than the rest of a sigmoid. */
    INLINE V inverse(V a) {
#if HAS_GENERATIONS
        if constexpr (IS_SINGLE && BYTES == 64) { /* generation 4 */
            const V near = (V)__builtin_ia32_rcp14ps512_mask(a, all(0), -1); /* to 14 bits, which a step doubles */
            return near * (2 - a * near);
        }
#endif
        return 1 / a;
    }

    /* One over the root of a positive number, likewise. */
    INLINE V inverse_root(V a) {
#if HAS_GENERATIONS
        if constexpr (IS_SINGLE && BYTES == 64) {
            const V near = (V)__builtin_ia32_rsqrt14ps512_mask(a, all(0), -1);
            return near * (T(1.5) - (T(0.5) * a * near) * near);
        }
#endif
        return 1 / root(a);
    }

    INLINE V sigmoid(V x) { return inverse(1 + exp(-x)); }

    /* Entries of a table of n numbers, which may be read up to a multiple of 16: for n at most 2 N in one instruction or
     * a few, where there are such. */
    INLINE V lookup(const T *table, M index, int n) {
        if constexpr (BYTES >= 32) {
            if (n <= N) return __builtin_shuffle(from(table), index);
            if (n <= 2 * N) return __builtin_shuffle(from(table), from(table + N), index);
            if (n <= 4 * N) {
                const V low = __builtin_shuffle(from(table), from(table + N), index);
                const V high = __builtin_shuffle(from(table + 2 * N), from(table + 3 * N), index);
                return index < 2 * N ? low : high;
            }
        }
        V found = all(table[0]);
        for (int k = 1; k < n; k++) found = index == k ? all(table[k]) : found;
        return found;
    }

    /* An N by N square of `a`, whose rows are `width` apart, transposed: each round interleaves two halves. */
    INLINE void transpose_square(const T *a, int64_t width, T *b, int64_t b_width) {
        static constexpr Halves<Whole, N> HALVES;
        const M low = *(const M *)HALVES.low, high = *(const M *)HALVES.high;
        V rows[N], mixed[N];
        UNROLL for (int i = 0; i < N; i++) rows[i] = from(a + i * width);
        UNROLL for (int round = 1; round < N; round *= 2) {
            UNROLL for (int i = 0; i < N / 2; i++) {
                mixed[2 * i] = __builtin_shuffle(rows[i], rows[i + N / 2], low);
                mixed[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + N / 2], high);
            }
            UNROLL for (int i = 0; i < N; i++) rows[i] = mixed[i];
        }
        UNROLL for (int i = 0; i < N; i++) to(b + i * b_width, rows[i]);
    }

    /* Rows and columns exchanged, both in multiples of N. */
    INLINE void transpose(const T *a, int64_t width, int n_rows, int n_columns, T *b, int64_t b_width) {
        for (int r = 0; r < n_rows; r += N)
            for (int c = 0; c < n_columns; c += N)
                transpose_square(a + r * width + c, width, b + c * b_width + r, b_width);
    }
};

}  // namespace

#endif
