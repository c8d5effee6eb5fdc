/* Layers of few outputs and evenly spaced knots: a vector holds rows of one hidden unit, and its polynomials are looked
 * up interval by interval. */
#ifndef SKLEARN_KAN_NARROW_H
#define SKLEARN_KAN_NARROW_H

#include "network.h"

namespace {

/* Evenly spaced knots, and the polynomials that all their inner intervals share. */
template <class T> struct Even {
    T start, rate;
    int n_knots;
    const T *left, *inner, *right; /* powers by functions */
};

template <class T> INLINE Even<T> even(const Spline<T> &spline) {
    constexpr int SIZE = ORDER * ORDER;
    return {spline.origin[0], spline.rate[0], (int)spline.n_knots, spline.pieces, spline.pieces + SIZE,
            spline.pieces + spline.n_knots * SIZE};
}

/* Numbers between the tables of two powers of an edge: a vector of entries may be read from each. */
INLINE int64_t table_width(int64_t n_knots) { return (n_knots + 1 + PADDING - 1) / PADDING * PADDING; }

/* Polynomials of a narrow layer's edges, (in, out, ORDER, table_width). */
template <class T> INLINE void tabulate(const Layer<T> &layer, int kind, const T *weight, T *to) {
    const Spline<T> &spline = layer.spline[kind];
    const int64_t width = table_width(spline.n_knots);
    for (int64_t j = 0; j < layer.n_inputs; j++)
        for (int64_t k = 0; k < layer.n_outputs; k++, to += ORDER * width)
            for (int64_t q = 0; q <= spline.n_knots; q++) {
                const T *piece = spline.pieces + q * ORDER * ORDER;
                const T *c = weight + (j * spline.n_basis + spline.first[q]) * layer.n_outputs + k;
                for (int p = 0; p < ORDER; p++, piece += ORDER)
                    to[p * width + q] = piece[0] * c[0] + piece[1] * c[layer.n_outputs] +
                                        piece[2] * c[2 * layer.n_outputs] + piece[3] * c[3 * layer.n_outputs];
            }
}

/* Interval of each place, counted from the one left of all knots, and the place on it. */
template <class T, int BYTES>
INLINE typename On<T, BYTES>::V place(const Even<T> &knots, typename On<T, BYTES>::V x,
                                      typename On<T, BYTES>::M *interval) {
    typedef On<T, BYTES> Lanes;
    const T last = knots.n_knots - T(0.75); /* behind the last knot, and rounded up */
    const auto t = (x - knots.start) * knots.rate;
    const auto inside = Lanes::min(t > -1 ? t : Lanes::all(-1), Lanes::all(last)); /* not a number: -1 */
    const auto number = Lanes::rounded(inside + T(0.5), interval);
    return t - Lanes::max(number - 1, Lanes::all(0));
}

/* What norms and narrow layers are given of a member's hidden units: (n_units, ROWS) each. */
template <class T> struct Units {
    T *z, *share;              /* normalised outputs of the layer before; the sigmoid of what follows, or null */
    const T *weight, *bias;    /* of the norm; null without one */
    int64_t n;
    int n_rows, n_padded;
};

template <class T, int BYTES>
INLINE typename On<T, BYTES>::V activation(const Units<T> &units, int64_t j, int r) {
    const auto z = On<T, BYTES>::from(units.z + j * ROWS + r);
    return units.weight ? z * units.weight[j] + units.bias[j] : z;
}

/* Outputs (n_outputs, ROWS) of a narrow layer. */
template <class T, int BYTES>
INLINE void sum_edges(const Layer<T> &layer, int kind, const Units<T> &units, const T *tables, const T *base,
                      const T *bias, T *y) {
    typedef On<T, BYTES> Lanes;
    const Even<T> knots = even(layer.spline[kind]);
    const int64_t K = layer.n_outputs, width = table_width(knots.n_knots);
    for (int64_t k = 0; k < K; k++)
        for (int r = 0; r < units.n_padded; r += Lanes::N) Lanes::to(y + k * ROWS + r, Lanes::all(bias[k]));
    for (int64_t j = 0; j < units.n; j++)
        for (int r = 0; r < units.n_padded; r += Lanes::N) {
            typename Lanes::M interval;
            const auto x = activation<T, BYTES>(units, j, r), u = place<T, BYTES>(knots, x, &interval);
            auto silu = Lanes::all(0);
            if (base) {
                const auto share = Lanes::sigmoid(x);
                if (units.share) Lanes::to(units.share + j * ROWS + r, share);
                silu = x * share;
            }
            for (int64_t k = 0; k < K; k++) {
                const T *table = tables + (j * K + k) * ORDER * width;
                auto value = Lanes::lookup(table + 3 * width, interval, knots.n_knots + 1);
                UNROLL for (int p = 2; p >= 0; p--)
                    value = value * u + Lanes::lookup(table + p * width, interval, knots.n_knots + 1);
                if (base) value += silu * base[j * K + k];
                Lanes::to(y + k * ROWS + r, Lanes::from(y + k * ROWS + r) + value);
            }
        }
}

/* Values of the ORDER functions that are not zero at places u of some intervals. */
template <class T, int BYTES>
INLINE void functions(const Even<T> &knots, typename On<T, BYTES>::M interval, typename On<T, BYTES>::V u,
                      typename On<T, BYTES>::V *value) {
    typedef On<T, BYTES> Lanes;
    const typename Lanes::M is_left = interval == 0, is_right = interval == knots.n_knots;
    UNROLL for (int f = 0; f < ORDER; f++) {
        auto inside = Lanes::all(knots.inner[3 * ORDER + f]);
        UNROLL for (int p = 2; p >= 0; p--) inside = inside * u + knots.inner[p * ORDER + f];
        inside = is_left ? u * knots.left[ORDER + f] + knots.left[f] : inside;
        value[f] = is_right ? u * knots.right[ORDER + f] + knots.right[f] : inside;
    }
}

/* Gradients of a narrow layer's coefficients, and of what its units are given, (n_units, ROWS), from those g of its
 * outputs, (n_outputs, ROWS). */
template <class T, int BYTES>
INLINE void sum_edges_back(const Layer<T> &layer, int kind, const Units<T> &units, const T *tables, const T *base,
                           const T *g, T *to_weight, T *to_base, T *to_bias, T *to_units) {
    typedef On<T, BYTES> Lanes;
    typedef typename Lanes::V V;
    const Even<T> knots = even(layer.spline[kind]);
    const int64_t K = layer.n_outputs, width = table_width(knots.n_knots), n_basis = layer.spline[kind].n_basis;
    T shared[ORDER][ROWS]; /* gradients of the functions that are not zero */
    typename Lanes::Whole intervals[ROWS];
    for (int64_t k = 0; k < K; k++) {
        V sum = {};
        for (int r = 0; r < units.n_padded; r += Lanes::N) sum += Lanes::from(g + k * ROWS + r);
        to_bias[k] += Lanes::sum(sum);
    }
    for (int64_t j = 0; j < units.n; j++)
        for (int64_t k = 0; k < K; k++) {
            const T *table = tables + (j * K + k) * ORDER * width, *gk = g + k * ROWS;
            V of_base = {};
            for (int r = 0; r < units.n_padded; r += Lanes::N) {
                typename Lanes::M interval;
                const V x = activation<T, BYTES>(units, j, r), u = place<T, BYTES>(knots, x, &interval);
                const V gradient = Lanes::from(gk + r);
                V slope = {}, value = Lanes::lookup(table + 3 * width, interval, knots.n_knots + 1), f[ORDER];
                slope = 3 * value;
                slope = slope * u + 2 * Lanes::lookup(table + 2 * width, interval, knots.n_knots + 1);
                slope = (slope * u + Lanes::lookup(table + width, interval, knots.n_knots + 1)) * knots.rate;
                if (base) {
                    const V share = Lanes::from(units.share + j * ROWS + r);
                    slope += share * (1 + x * (1 - share)) * base[j * K + k];
                    of_base += gradient * x * share;
                }
                T *to = to_units + j * ROWS + r;
                Lanes::to(to, k ? Lanes::from(to) + gradient * slope : gradient * slope);
                *(typename Lanes::M *)(intervals + r) = interval;
                functions<T, BYTES>(knots, interval, u, f);
                UNROLL for (int i = 0; i < ORDER; i++) Lanes::to(shared[i] + r, gradient * f[i]);
            }
            if (base) to_base[j * K + k] += Lanes::sum(of_base);
            V window[ORDER] = {}; /* sums for the functions of an interval; the next one shares all but the first */
            T *to = to_weight + j * n_basis * K + k;
            for (int q = 0; q <= knots.n_knots; q++) {
                for (int r = 0; r < units.n_padded; r += Lanes::N) {
                    const typename Lanes::M is_here = *(const typename Lanes::M *)(intervals + r) == q;
                    UNROLL for (int i = 0; i < ORDER; i++)
                        window[i] += is_here ? Lanes::from(shared[i] + r) : Lanes::all(0);
                }
                if (q == 0 || q == knots.n_knots - 1) continue; /* the end's functions are those of the interval beside it */
                const bool is_last = q == knots.n_knots;
                for (int i = 0; i < (is_last ? ORDER : 1); i++, to += K) *to += Lanes::sum(window[i]);
                UNROLL for (int i = 0; i < ORDER; i++) window[i] = i + 1 < ORDER ? window[i + 1] : Lanes::all(0);
            }
        }
}

/* Layer normalisation of units in place; returns one over the standard deviation of each row in `rate`. */
template <class T, int BYTES> INLINE void normalise(T *units, int64_t n, int n_padded, T *rate) {
    typedef On<T, BYTES> Lanes;
    for (int r = 0; r < n_padded; r += Lanes::N) {
        auto mean = Lanes::all(0), variance = mean;
        for (int64_t j = 0; j < n; j++) mean += Lanes::from(units + j * ROWS + r);
        mean = mean / T(n);
        for (int64_t j = 0; j < n; j++) {
            const auto apart = Lanes::from(units + j * ROWS + r) - mean;
            variance += apart * apart;
        }
        const auto scale = 1 / Lanes::root(variance / T(n) + T(1e-5));
        for (int64_t j = 0; j < n; j++)
            Lanes::to(units + j * ROWS + r, (Lanes::from(units + j * ROWS + r) - mean) * scale);
        Lanes::to(rate + r, scale);
    }
}

/* Gradients of what was normalised, in place of those of the activations `g`; and of the norm's weight and bias. */
template <class T, int BYTES>
INLINE void normalise_back(const Units<T> &units, const T *rate, T *g, T *to_weight, T *to_bias) {
    typedef On<T, BYTES> Lanes;
    typedef typename Lanes::V V;
    for (int64_t j = 0; j < units.n; j++) {
        V weight = {}, bias = {};
        for (int r = 0; r < units.n_padded; r += Lanes::N) {
            const V gradient = Lanes::from(g + j * ROWS + r);
            weight += gradient * Lanes::from(units.z + j * ROWS + r);
            bias += gradient;
        }
        to_weight[j] += Lanes::sum(weight);
        to_bias[j] += Lanes::sum(bias);
    }
    for (int r = 0; r < units.n_padded; r += Lanes::N) {
        V mean = {}, along = {};
        for (int64_t j = 0; j < units.n; j++) {
            const V gradient = Lanes::from(g + j * ROWS + r) * units.weight[j];
            mean += gradient;
            along += gradient * Lanes::from(units.z + j * ROWS + r);
        }
        mean = mean / T(units.n);
        along = along / T(units.n);
        const V scale = Lanes::from(rate + r);
        for (int64_t j = 0; j < units.n; j++) {
            T *to = g + j * ROWS + r;
            Lanes::to(to, scale * (Lanes::from(to) * units.weight[j] - mean - Lanes::from(units.z + j * ROWS + r) * along));
        }
    }
}

}  // namespace

#endif
