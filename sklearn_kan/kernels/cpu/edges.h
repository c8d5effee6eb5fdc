/* Sums of edges that have knots of their own, without storing a value per edge and row.
 *
 * An edge is a polynomial on each interval between its knots, in powers of u = (x - origin) * rate; `order` of them in a
 * row, n_knots + 1 rows. A vector holds the edges from one input to several outputs. Rows are walked from left to right,
 * and whenever a knot of one of these edges is passed, its lane takes the next polynomial; in between, nothing is looked
 * up. x and its gradient are stored column by column, (in, n); y and its gradient are (n, out).
 */
#ifndef SKLEARN_KAN_EDGES_H
#define SKLEARN_KAN_EDGES_H

#include <algorithm>
#include <cstring>

#include "vectors.h"

namespace {
namespace edges {

constexpr int ROWS = 512; /* of a block, whose tile of y stays in the nearer caches */

template <class T> struct Edges {
    const T *polynomials, *knots, *origin, *rate;
    int64_t n, n_knots, n_inputs, n_outputs;
};

template <class T> struct Crossing {
    T knot;
    int lane;
    bool operator<(const Crossing &other) const { return knot < other.knot || (other.knot != other.knot && knot == knot); }
};

/* What is in work on a block of rows and a vector of edges. */
template <class T> struct Scratch {
    Crossing<T> crossings[LANES<T> * MAX_KNOTS];
    int end[LANES<T> * MAX_KNOTS + 1], next[LANES<T> * MAX_KNOTS + 1], interval[ROWS], row[ROWS];
    T place[ROWS], tile[ROWS * LANES<T>];
};

/* Knots of the edges from input i to outputs o, ..., o + n_lanes - 1, from left to right. */
template <class T>
INLINE void merge_knots(const Edges<T> &edges, int64_t i, int64_t o, int n_lanes, Crossing<T> *crossings) {
    for (int lane = 0; lane < n_lanes; lane++)
        for (int64_t k = 0; k < edges.n_knots; k++)
            *crossings++ = {edges.knots[((o + lane) * edges.n_inputs + i) * edges.n_knots + k], lane};
    std::sort(crossings - n_lanes * edges.n_knots, crossings);
}

/* Rows and places of a block, in the order of the intervals between crossings: interval k ends at end[k]. */
template <class T> INLINE void sort_rows(const T *x, int n_rows, int n_crossings, Scratch<T> &work) {
    auto &[crossings, end, next, interval, row, place, tile] = work;
    int stride = 1;
    while (2 * stride <= n_crossings) stride *= 2;
    for (int r = 0; r < n_rows; r++) interval[r] = 0;
    for (; stride > 0; stride /= 2)
        for (int r = 0; r < n_rows; r++) {
            const int further = interval[r] + stride, last = least(further, n_crossings) - 1;
            interval[r] = (further <= n_crossings) & (crossings[last].knot <= x[r]) ? further : interval[r];
        }
    memset(end, 0, sizeof(int) * (n_crossings + 1));
    for (int r = 0; r < n_rows; r++) end[interval[r]]++;
    for (int k = 0, sum = 0; k <= n_crossings; k++) {
        next[k] = sum;
        end[k] = sum += end[k];
    }
    for (int r = 0; r < n_rows; r++) {
        const int s = next[interval[r]]++;
        row[s] = r;
        place[s] = x[r];
    }
}

/* Set one lane, without a detour over memory. */
template <class T> INLINE void put(typename Vector<T>::type &vector, int lane, T value) {
    typedef typename Vector<T>::type V;
    decltype(V() < V()) number;
    UNROLL for (int l = 0; l < LANES<T>; l++) number[l] = l;
    vector = number == lane ? V() + value : vector;
}

/* The polynomials that several edges from one input are on. */
template <class T, int ORDER> struct Current {
    typename Vector<T>::type coefficient[ORDER], origin, rate;
    int64_t entry[LANES<T>]; /* of an edge's table */
};

template <class T, int ORDER> INLINE void take(const Edges<T> &edges, int lane, Current<T, ORDER> &current) {
    const int64_t entry = current.entry[lane];
    UNROLL for (int p = 0; p < ORDER; p++) put(current.coefficient[p], lane, edges.polynomials[entry * ORDER + p]);
    put(current.origin, lane, edges.origin[entry]);
    put(current.rate, lane, edges.rate[entry]);
}

template <class T, int ORDER>
INLINE void begin(const Edges<T> &edges, int64_t i, int64_t o, int n_lanes, Current<T, ORDER> &current) {
    current = Current<T, ORDER>();
    for (int lane = 0; lane < n_lanes; lane++) {
        current.entry[lane] = ((o + lane) * edges.n_inputs + i) * (edges.n_knots + 1);
        take(edges, lane, current);
    }
}

template <class T, int ORDER> INLINE void advance(const Edges<T> &edges, int lane, Current<T, ORDER> &current) {
    current.entry[lane]++;
    take(edges, lane, current);
}

template <class T, int ORDER>
INLINE Status forward(const Edges<T> &edges, const T *x, T *y, int64_t start, int64_t stop) {
    typedef typename Vector<T>::type V;
    if (edges.n_knots > MAX_KNOTS) return TOO_LARGE;
    auto *work = scratch<Scratch<T>>();
    if (!work) return NO_MEMORY;
    auto &[crossings, end, next, interval, row, place, tile] = *work;
    for (int64_t o = start; o < stop; o += LANES<T>)
        for (int64_t block = 0; block < edges.n; block += ROWS) {
            const int n_lanes = least(LANES<T>, stop - o), n_rows = least(ROWS, edges.n - block);
            const int n_crossings = (int)(n_lanes * edges.n_knots);
            memset(tile, 0, sizeof(tile));
            for (int64_t i = 0; i < edges.n_inputs; i++) {
                merge_knots(edges, i, o, n_lanes, crossings);
                sort_rows(x + i * edges.n + block, n_rows, n_crossings, *work);
                Current<T, ORDER> current;
                begin(edges, i, o, n_lanes, current);
                for (int k = 0, s = 0; k <= n_crossings; k++) {
                    for (; s < end[k]; s++) {
                        const V u = (place[s] - current.origin) * current.rate;
                        V value = current.coefficient[ORDER - 1];
                        UNROLL for (int p = ORDER - 2; p >= 0; p--) value = value * u + current.coefficient[p];
                        T *sum = tile + row[s] * LANES<T>;
                        store<V>(sum, load<V>(sum) + value);
                    }
                    if (k < n_crossings) advance(edges, crossings[k].lane, current);
                }
            }
            for (int r = 0; r < n_rows; r++)
                memcpy(y + (block + r) * edges.n_outputs + o, tile + r * LANES<T>, sizeof(T) * n_lanes);
        }
    return DONE;
}

/* Add the moments of a lane's interval to the gradient of its polynomial, and begin again. */
template <class T, int ORDER>
INLINE void flush(typename Vector<T>::type (&moment)[ORDER], int lane, T *grad_polynomial) {
    UNROLL for (int p = 0; p < ORDER; p++) {
        grad_polynomial[p] += moment[p][lane];
        put(moment[p], lane, T(0));
    }
}

template <class T, int ORDER>
INLINE Status backward(const Edges<T> &edges, const T *x, const T *grad_y, T *grad_x, T *grad_polynomials, int64_t start,
                       int64_t stop) {
    typedef typename Vector<T>::type V;
    if (edges.n_knots > MAX_KNOTS) return TOO_LARGE;
    auto *work = scratch<Scratch<T>>();
    if (!work) return NO_MEMORY;
    auto &[crossings, end, next, interval, row, place, tile] = *work;
    for (int64_t o = 0; o < edges.n_outputs; o += LANES<T>)
        for (int64_t block = 0; block < edges.n; block += ROWS) {
            const int n_lanes = least(LANES<T>, edges.n_outputs - o), n_rows = least(ROWS, edges.n - block);
            const int n_crossings = (int)(n_lanes * edges.n_knots);
            memset(tile, 0, sizeof(tile));
            for (int r = 0; r < n_rows; r++)
                memcpy(tile + r * LANES<T>, grad_y + (block + r) * edges.n_outputs + o, sizeof(T) * n_lanes);
            for (int64_t i = start; i < stop; i++) {
                merge_knots(edges, i, o, n_lanes, crossings);
                sort_rows(x + i * edges.n + block, n_rows, n_crossings, *work);
                Current<T, ORDER> current;
                begin(edges, i, o, n_lanes, current);
                V moment[ORDER] = {};
                for (int k = 0, s = 0; k <= n_crossings; k++) {
                    for (; s < end[k]; s++) {
                        const V u = (place[s] - current.origin) * current.rate, g = load<V>(tile + row[s] * LANES<T>);
                        V power = g, slope = V();
                        UNROLL for (int p = ORDER - 1; p >= 1; p--) slope = slope * u + T(p) * current.coefficient[p];
                        UNROLL for (int p = 0; p < ORDER; p++) {
                            moment[p] += power;
                            power *= u;
                        }
                        grad_x[i * edges.n + block + row[s]] += total<T, LANES<T>>(slope * current.rate * g);
                    }
                    if (k == n_crossings) break;
                    const int lane = crossings[k].lane;
                    flush<T, ORDER>(moment, lane, grad_polynomials + current.entry[lane] * ORDER);
                    advance(edges, lane, current);
                }
                for (int lane = 0; lane < n_lanes; lane++)
                    flush<T, ORDER>(moment, lane, grad_polynomials + current.entry[lane] * ORDER);
            }
        }
    return DONE;
}

}  // namespace edges
}  // namespace

#endif
