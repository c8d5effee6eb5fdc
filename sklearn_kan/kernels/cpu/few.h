/* Sums of spline edge functions for few outputs and few knots, such as those of a network's last layer.
 *
 * With few outputs there is nothing to gain from sorting rows by interval, so rows stay where they are and fill the
 * vectors. An input's coefficients and its table make one polynomial per interval and output; all of them are
 * evaluated for all rows, and each row keeps its own. Backward sums the moments g u^p of every interval, from which the
 * gradients of the coefficients follow. Layout and layer as in spline.h.
 */
#ifndef SKLEARN_KAN_FEW_H
#define SKLEARN_KAN_FEW_H

#include <cstring>

#include "layer.h"

namespace {
namespace few {

constexpr int ROWS = 256, GROUP = 8; /* at once */
constexpr int FEW_KNOTS = 16;        /* as Python knows it */

/* What is in work on a block of rows. Small things that innermost loops read lie on the stack, with a copy of the
 * layer: there, as the compiler knows, no store to anything else changes them. */
template <class T> struct Scratch {
    T place[GROUP][ROWS], rate[ROWS], g[GROUP][ROWS], sums[GROUP][ROWS];
};

/* One input's polynomials for one output: `order` coefficients for each interval. */
template <class T, int ORDER>
INLINE void polynomials(const Layer<T> &layer, int64_t i, const T *coef, int64_t o, T (*polynomial)[ORDER]) {
    for (int k = 0; k <= layer.n_knots; k++) {
        const int64_t entry = i * (layer.n_knots + 1) + k;
        const T *piece = layer.pieces + entry * ORDER * ORDER;
        const T *c = coef + (i * layer.n_basis + first_of(layer, entry, ORDER)) * layer.n_outputs + o;
        for (int p = 0; p < ORDER; p++) {
            T sum = 0;
            for (int f = 0; f < ORDER; f++) sum += piece[p * ORDER + f] * c[f * layer.n_outputs];
            polynomial[k][p] = sum;
        }
    }
}

/* Values of some inputs, or gradients of some outputs, column by column; rows that are missing are zero. */
template <class T> INLINE void transpose(const T *from, int64_t width, int n, int n_rows, T (*to)[ROWS]) {
    for (int j = 0; j < n; j++) memset(to[j], 0, sizeof(to[j]));
    for (int r = 0; r < n_rows; r++)
        for (int j = 0; j < n; j++) to[j][r] = from[r * width + j];
}

/* Number of the interval that each row is in, as a vector of whole numbers as wide as T, place on it, and its rate, if
 * wanted. */
template <class T>
INLINE void locate(const Layer<T> &layer, int64_t i, const T *x, int n_vectors, void *interval, T *u, T *rate) {
    typedef typename Vector<T>::type V;
    typedef decltype(V() < V()) M;
    const T *knots = layer.knots + i * layer.n_knots;
    const T *origins = layer.origin + i * (layer.n_knots + 1), *rates = layer.rate + i * (layer.n_knots + 1);
    for (int v = 0; v < n_vectors; v++) {
        const V at = load<V>(x + v * LANES<T>);
        V origin = V() + origins[0], scale = V() + rates[0];
        M number = M();
        for (int k = 0; k < layer.n_knots; k++) {
            const M right = at >= V() + knots[k];
            origin = right ? V() + origins[k + 1] : origin;
            scale = right ? V() + rates[k + 1] : scale;
            number -= right; /* all bits set: minus one */
        }
        store<M>((T *)interval + v * LANES<T>, number);
        store<V>(u + v * LANES<T>, (at - origin) * scale);
        if (rate) store<V>(rate + v * LANES<T>, scale);
    }
}

template <class T, int ORDER>
INLINE Status forward_all(const Layer<T> layer, const T *x, const T *coef, T *y, int64_t start, int64_t stop) {
    typedef typename Vector<T>::type V;
    typedef decltype(V() < V()) M;
    const int64_t width = layer.n_members * layer.n_inputs, per_member = layer.n_outputs / layer.n_members;
    auto *work = scratch<Scratch<T>>();
    if (!work) return NO_MEMORY;
    auto &[place, rate, g, sums] = *work;
    T interval[ROWS], u[ROWS], polynomial[FEW_KNOTS + 1][ORDER];
    for (int64_t block = start; block < stop; block += ROWS)
        for (int64_t m = 0; m < layer.n_members; m++)
            for (int64_t some = 0; some < per_member; some += GROUP) {
                const int n_rows = least(ROWS, stop - block), n_vectors = (n_rows + LANES<T> - 1) / LANES<T>;
                const int n_some = least(GROUP, per_member - some);
                const int64_t from = m * per_member + some;
                memset(sums, 0, sizeof(sums));
                for (int64_t i = 0; i < layer.n_inputs; i++) {
                    if (i % GROUP == 0)
                        transpose(x + block * width + m * layer.n_inputs + i, width,
                                  least(GROUP, layer.n_inputs - i), n_rows, place);
                    locate(layer, i, place[i % GROUP], n_vectors, interval, u, (T *)nullptr);
                    for (int o = 0; o < n_some; o++) {
                        polynomials(layer, i, coef, from + o, polynomial);
                        for (int v = 0; v < n_vectors; v++) {
                            const V at = load<V>(u + v * LANES<T>);
                            const M number = load<M>(interval + v * LANES<T>);
                            V value = V();
                            for (int k = 0; k <= layer.n_knots; k++) {
                                V here = V() + polynomial[k][ORDER - 1];
                                UNROLL for (int p = ORDER - 2; p >= 0; p--) here = here * at + polynomial[k][p];
                                value = number == M() + k ? here : value;
                            }
                            store<V>(sums[o] + v * LANES<T>, load<V>(sums[o] + v * LANES<T>) + value);
                        }
                    }
                }
                for (int r = 0; r < n_rows; r++)
                    for (int o = 0; o < n_some; o++) y[(block + r) * layer.n_outputs + from + o] = sums[o][r];
            }
    return DONE;
}

/* Gradients of one input's places on a block of rows, added to `sum`, and of its coefficients for one output. */
template <class T, int ORDER>
INLINE void add_gradients(const Layer<T> &layer, int64_t i, const T (*polynomial)[ORDER], const T *interval, const T *u,
                          const T *g, int n_vectors, T *sum, T *grad_coef) {
    typedef typename Vector<T>::type V;
    typedef decltype(V() < V()) M;
    for (int k = 0; k <= layer.n_knots; k++) {
        V moment[ORDER] = {};
        for (int v = 0; v < n_vectors; v++) {
            const V at = load<V>(u + v * LANES<T>);
            V power = load<M>(interval + v * LANES<T>) == M() + k ? load<V>(g + v * LANES<T>) : V();
            if (sum) {
                V slope = V() + (ORDER - 1) * polynomial[k][ORDER - 1];
                UNROLL for (int p = ORDER - 2; p >= 1; p--) slope = slope * at + p * polynomial[k][p];
                store<V>(sum + v * LANES<T>, load<V>(sum + v * LANES<T>) + slope * power);
            }
            UNROLL for (int p = 0; p < ORDER; p++) {
                moment[p] += power;
                power *= at;
            }
        }
        const int64_t entry = i * (layer.n_knots + 1) + k;
        const T *piece = layer.pieces + entry * ORDER * ORDER;
        T *gc = grad_coef + (i * layer.n_basis + first_of(layer, entry, ORDER)) * layer.n_outputs;
        for (int p = 0; p < ORDER; p++) {
            T total = 0;
            for (int l = 0; l < LANES<T>; l++) total += moment[p][l];
            for (int f = 0; f < ORDER; f++) gc[f * layer.n_outputs] += piece[p * ORDER + f] * total;
        }
    }
}

template <class T, int ORDER>
INLINE Status backward_all(const Layer<T> layer, const T *x, const T *coef, const T *grad_y, T *grad_x, T *grad_coef,
                           int64_t n_samples, int64_t start, int64_t stop) {
    typedef typename Vector<T>::type V;
    const int64_t width = layer.n_members * layer.n_inputs, per_member = layer.n_outputs / layer.n_members;
    const int64_t slab = layer.n_basis * layer.n_outputs;
    auto *work = scratch<Scratch<T>>();
    if (!work) return NO_MEMORY;
    auto &[place, rate, g, sums] = *work;
    T interval[ROWS], u[ROWS], polynomial[FEW_KNOTS + 1][ORDER];
    if (start < stop) memset(grad_coef + start * slab, 0, sizeof(T) * (stop - start) * slab);
    for (int64_t block = 0; block < n_samples; block += ROWS)
        for (int64_t m = 0; m < layer.n_members; m++)
            for (int64_t group = start; group < stop; group += GROUP) {
                const int n_rows = least(ROWS, n_samples - block), n_vectors = (n_rows + LANES<T> - 1) / LANES<T>;
                const int n = least(GROUP, stop - group);
                const int64_t before = block * width + m * layer.n_inputs + group;
                transpose(x + before, width, n, n_rows, place);
                memset(sums, 0, sizeof(sums));
                for (int64_t some = 0; some < per_member; some += GROUP) {
                    const int n_some = least(GROUP, per_member - some);
                    const int64_t from = m * per_member + some;
                    transpose(grad_y + block * layer.n_outputs + from, layer.n_outputs, n_some, n_rows, g);
                    for (int j = 0; j < n; j++) {
                        locate(layer, group + j, place[j], n_vectors, interval, u, rate);
                        for (int o = 0; o < n_some; o++) {
                            polynomials(layer, group + j, coef, from + o, polynomial);
                            add_gradients(layer, group + j, polynomial, interval, u, g[o], n_vectors,
                                          grad_x ? sums[j] : nullptr, grad_coef + from + o);
                        }
                        if (grad_x && some + GROUP >= per_member)
                            for (int v = 0; v < n_vectors; v++)
                                store<V>(sums[j] + v * LANES<T>,
                                         load<V>(sums[j] + v * LANES<T>) * load<V>(rate + v * LANES<T>));
                    }
                }
                for (int r = 0; grad_x && r < n_rows; r++)
                    for (int j = 0; j < n; j++) grad_x[before + r * width + j] = sums[j][r];
            }
    return DONE;
}

}  // namespace few
}  // namespace

#endif
