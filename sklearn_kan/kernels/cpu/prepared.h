/* What prediction needs of a network with one hidden layer, made once from its parameters: coefficients side by side
 * for several members, rows of the first layer with units centred as the norm behind it does, and polynomials of the
 * last layer in which splines and silu are one. */
#ifndef SKLEARN_KAN_PREPARED_H
#define SKLEARN_KAN_PREPARED_H

#include "narrow.h"

namespace {

constexpr int AT_ONCE = 4;   /* vectors of outputs whose sums stay in registers */
constexpr int ENTRIES = 32;  /* of a table that is looked up by shuffles */
constexpr int LOOKED_UP = ORDER * ORDER + 3; /* of an interval: powers by functions, origin, rate, first function */
constexpr double FINEST = 0.21;  /* intervals on which a cubic is silu but for 4e-7, Chebyshev's nodes given */
constexpr double REACH = 2.0;    /* which tables have to have, four standard deviations of normalised units */

/* Where things lie in the memory that has been prepared, in numbers. */
template <class T> struct Places {
    int64_t rows[2], coefficients[2], lookups[2], units, tables, size;
    int64_t n_members[2], together; /* members of a kind; how many of them fill vectors side by side */
    int split, before;              /* parts of an interval between knots, 0 if there are no tables; entries before them */
};

template <class T> INLINE bool has_base(const Network<T> &net, int64_t l) { return net.layers[l].base != NONE; }

template <class T> INLINE int64_t n_level_rows(const Network<T> &net) {
    return net.n_codes ? net.code_starts[net.n_codes] : 0;
}

/* Whether rows of an input's intervals fit the tables that are looked up by shuffles. */
template <class T> INLINE bool has_lookups(const Spline<T> &spline) { return spline.n_knots < ENTRIES; }

/* Rows of a kind's coefficients for one output: bias, inputs with their bases, levels, and embedded columns; one more
 * is read, and not used, behind the last level. */
template <class T> INLINE int64_t n_rows_of(const Network<T> &net, int kind) {
    return 2 + net.n_numbers * (net.layers[0].spline[kind].n_basis + has_base(net, 0)) + n_level_rows(net) +
           net.n_vectors * net.n_dim;
}

template <class T, int BYTES> INLINE Places<T> places_of(const Network<T> &net) {
    typedef On<T, BYTES> Lanes;
    Places<T> at = {};
    const int64_t width = net.layers[0].width, M = net.n_members;
    at.n_members[1] = net.n_fine;
    at.n_members[0] = M - net.n_fine;
    at.together = width < AT_ONCE * Lanes::N ? AT_ONCE * Lanes::N / width : 1;
    for (int kind = 0; kind < 2; kind++) {
        at.rows[kind] = n_rows_of(net, kind);
        at.coefficients[kind] = at.size;
        at.size += at.n_members[kind] * width * at.rows[kind];
        at.lookups[kind] = at.size;
        if (at.n_members[kind] && has_lookups(net.layers[0].spline[kind]))
            at.size += net.n_numbers * LOOKED_UP * ENTRIES;
    }
    at.units = at.size;
    at.size += M * width * 4;
    at.tables = at.size;
    const Spline<T> &last = net.layers[1].spline[0];
    if (Lanes::IS_SINGLE && BYTES == 64) {
        const double gap = 1 / (double)last.rate[0];
        const int split = gap < ENTRIES * FINEST ? (int)std::ceil(gap / FINEST) : ENTRIES;
        const int inner = (int)(last.n_knots - 1) * split, before = (ENTRIES - inner) / 2;
        const double part = gap / split, start = last.origin[0] - before * part;
        if (split && inner < ENTRIES && start <= -REACH && start + ENTRIES * part >= REACH) {
            at.split = split;
            at.before = before;
            at.size += M * net.layers[1].n_inputs * net.n_outputs * ORDER * ENTRIES;
        }
    }
    return at;
}

/* How many vectors are summed at once where so many are left. */
INLINE int vectors_at_once(int64_t left) { return left >= 4 ? 4 : left >= 2 ? 2 : 1; }

/* Where a row of coefficients has its number for an output of a group of members: vectors that are summed at once have
 * their rows one after the other. */
template <int N> INLINE int64_t place_in_group(int64_t n_rows, int64_t row, int64_t n_outputs, int64_t output) {
    int64_t start = 0;
    for (;;) {
        const int64_t size = vectors_at_once((n_outputs - start) / N) * N;
        if (output < start + size) return start * n_rows + row * size + output - start;
        start += size;
    }
}

template <class T, int BYTES>
INLINE void place_coefficients(const Network<T> &net, const Places<T> &at, int64_t m, T *to) {
    const Layer<T> &first = net.layers[0];
    const int kind = kind_of(net, m);
    const int64_t width = first.width, n_basis = first.spline[kind].n_basis, n_rows = at.rows[kind];
    const int64_t number = kind ? m - at.n_members[0] : m, group = number / at.together;
    const int64_t in_group = least((int)at.together, at.n_members[kind] - group * at.together) * width;
    const T *from = (has_factors(net) ? net.scaled : net.parameters) + m * net.stride;
    to += at.coefficients[kind] + group * at.together * width * n_rows;
    int64_t row = 0;
    auto place = [&](const T *weights) {
        double mean = 0;
        for (int64_t u = 0; first.has_norm && weights && u < first.n_outputs; u++) mean += weights[u];
        mean /= first.n_outputs;
        for (int64_t u = 0; u < width; u++) {
            const int64_t output = number % at.together * width + u;
            to[place_in_group<On<T, BYTES>::N>(n_rows, row, in_group, output)] =
                weights && u < first.n_outputs ? (T)(weights[u] - mean) : 0;
        }
        row++;
    };
    place(from + first.bias);
    for (int64_t i = 0; i < net.n_numbers; i++) {
        for (int64_t b = 0; b < n_basis; b++) place(from + first.weight + (i * n_basis + b) * width);
        if (first.base != NONE) place(from + first.base + i * width);
    }
    for (int64_t c = 0; c < net.n_codes; c++)
        for (int64_t level = net.code_starts[c]; level < net.code_starts[c + 1]; level++)
            place(level == net.code_starts[c] ? nullptr : from + net.table + level * width);
    for (int64_t e = 0; e < net.n_vectors * net.n_dim; e++) place(from + net.mixing + e * width);
    while (row < n_rows) place(nullptr);
}

/* Powers by functions of each interval of an input, its origin, rate, and first function, (LOOKED_UP, ENTRIES). */
template <class T> INLINE void place_lookups(const Spline<T> &spline, int64_t i, T *to) {
    const int64_t last = spline.n_basis - ORDER;
    for (int k = 0; k <= spline.n_knots; k++) {
        const int64_t entry = i * (spline.n_knots + 1) + k, first = spline.first[entry];
        for (int p = 0; p < ORDER * ORDER; p++) to[p * ENTRIES + k] = spline.pieces[entry * ORDER * ORDER + p];
        to[ORDER * ORDER * ENTRIES + k] = spline.origin[entry];
        to[(ORDER * ORDER + 1) * ENTRIES + k] = spline.rate[entry];
        to[(ORDER * ORDER + 2) * ENTRIES + k] = (T)(first < 0 ? 0 : first > last ? last : first);
    }
}

/* Of each entry, the cubic in v from -1/2 to 1/2 that is silu at Chebyshev's nodes. */
INLINE void cubics_of_silu(double start, double gap, double (*cubic)[ORDER]) {
    for (int e = 0; e < ENTRIES; e++) {
        double coefficient[ORDER] = {};
        for (int n = 0; n < ORDER; n++) {
            const double angle = (2 * n + 1) * 0.39269908169872415481, x = start + gap * (e + 0.5 + 0.5 * std::cos(angle));
            for (int c = 0; c < ORDER; c++) coefficient[c] += x / (1 + std::exp(-x)) * std::cos(c * angle) / 2;
        }
        const double half = coefficient[0] / 2, *c = coefficient; /* in w = 2 v: 1, w, 2 w^2 - 1, 4 w^3 - 3 w */
        cubic[e][0] = half - c[2];
        cubic[e][1] = 2 * (c[1] - 3 * c[3]);
        cubic[e][2] = 8 * c[2];
        cubic[e][3] = 32 * c[3];
    }
}

/* Cubics of an edge's spline and silu together, (ORDER, ENTRIES), from the polynomials of its spline. */
template <class T>
INLINE void place_cubics(const Places<T> &at, const Spline<T> &spline, const double (*silu)[ORDER], const T *polynomials,
                         double base, T *to) {
    const int64_t width = table_width(spline.n_knots);
    const double part = 1.0 / at.split;
    for (int e = 0; e < ENTRIES; e++) {
        const double t = (e + 0.5 - at.before) * part; /* middle, in intervals behind the first knot */
        const int q = t < 0 ? 0 : t > spline.n_knots - 1 ? (int)spline.n_knots : (int)t + 1;
        const double u = t - (q ? q - 1 : 0);
        double c[ORDER];
        for (int p = 0; p < ORDER; p++) c[p] = polynomials[p * width + q];
        const double moved[ORDER] = {c[0] + u * (c[1] + u * (c[2] + u * c[3])), c[1] + u * (2 * c[2] + 3 * u * c[3]),
                                     c[2] + 3 * u * c[3], c[3]};
        double power = 1;
        for (int p = 0; p < ORDER; p++, power *= part)
            to[p * ENTRIES + e] = (T)(moved[p] * power + base * silu[e][p]);
    }
}

/* Everything that `Places` has, of a network that has been expanded. */
template <class T, int BYTES> INLINE void prepare_all(const Network<T> &net, T *to) {
    const Places<T> at = places_of<T, BYTES>(net);
    const Layer<T> &first = net.layers[0], &last = net.layers[1];
    const Spline<T> &spline = last.spline[0];
    double silu[ENTRIES][ORDER];
    const double gap = 1 / (double)spline.rate[0] / (at.split ? at.split : 1);
    cubics_of_silu(spline.origin[0] - at.before * gap, gap, silu);
    for (int kind = 0; kind < 2; kind++)
        for (int64_t i = 0; at.n_members[kind] && has_lookups(first.spline[kind]) && i < net.n_numbers; i++)
            place_lookups(first.spline[kind], i, to + at.lookups[kind] + i * LOOKED_UP * ENTRIES);
    for (int64_t m = 0; m < net.n_members; m++) {
        place_coefficients<T, BYTES>(net, at, m, to);
        const T *own = net.parameters + m * net.stride;
        T *units = to + at.units + m * first.width * 4;
        for (int64_t j = 0; j < last.n_inputs; j++, units += 4) {
            const double weight = first.has_norm ? own[first.norm_weight + j] : 1;
            const double bias = first.has_norm ? own[first.norm_bias + j] : 0;
            const double t = (bias - spline.origin[0]) / gap;
            units[0] = (T)weight;
            units[1] = (T)bias;
            units[2] = (T)(weight / gap);
            units[3] = (T)(t + at.before - 0.5); /* entries are numbered from their middles */
            for (int64_t k = 0; at.split && k < last.n_outputs; k++) {
                const int64_t edge = j * last.n_outputs + k;
                const T *polynomials = net.tables + m * net.table_stride + last.polynomials +
                                       edge * ORDER * table_width(spline.n_knots);
                place_cubics(at, spline, silu, polynomials, last.base == NONE ? 0.0 : (double)own[last.base + edge],
                             to + at.tables + (m * last.n_inputs * last.n_outputs + edge) * ORDER * ENTRIES);
            }
        }
    }
}

}  // namespace

#endif
