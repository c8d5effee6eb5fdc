/* Sums of spline edge functions, without storing the expanded basis.
 *
 * On a knot interval degree + 1 basis functions are not zero, tabulated as polynomials of the place u in the interval:
 * a row of an input's table holds them power by power. A layer of edges is evaluated by looking that row up, Horner's
 * scheme, and degree + 1 rows of coefficients, scaled and added: y[r, :] += sum_f v_f(u) coef[i, first + f, :].
 *
 * Rows are taken in blocks and, input by input, sorted by interval: a run of rows shares its coefficients, which stay
 * in registers, and its gradients are summed up there. Tiles of outputs are packed, since rows that lie a power of two
 * apart would push each other out of the nearest cache. Forward splits rows over threads and backward splits inputs:
 * no two threads write to the same place.
 */
#ifndef SKLEARN_KAN_SPLINE_H
#define SKLEARN_KAN_SPLINE_H

#include <cstring>

#include "layer.h"

namespace {
namespace spline {

constexpr int FORWARD_ROWS = 256, FORWARD_GROUP = 32;  /* a block's tile of y and a group's coefficients stay in cache */
constexpr int BACKWARD_ROWS = 1024, BACKWARD_GROUP = 8; /* long runs: each loads and stores its gradients once */
constexpr int AT_ONCE = 8;                             /* inputs transposed together */
constexpr int FEW_BASIS_FUNCTIONS = 16;                 /* up to which half a block of forward makes long runs */

/* One input on a block of rows, in the order of intervals: runs of rows with the same coefficients, the rows' numbers,
 * and values and slopes of their non-zero basis functions. A vector that begins in one run may end in the next. */
template <class T, int ORDER, int ROWS> struct Local {
    int n_runs, end[ROWS], row[ROWS];
    int64_t at[ROWS];
    T value[ORDER][ROWS + LANES<T>], slope[ORDER][ROWS + LANES<T>];
};

/* What is in work on a block of rows and a group of inputs. */
template <class T, int ORDER, int ROWS, int GROUP> struct Scratch {
    Local<T, ORDER, ROWS> local[GROUP];
    T place[GROUP][ROWS], sums[GROUP][ROWS], sorted[ROWS + LANES<T>], tile[ROWS * 4 * LANES<T>];
    int interval[ROWS], next[MAX_KNOTS + 1];
};

/* Values of n inputs on a block of rows, input by input; each line of memory is read once. */
template <class T, int ROWS> INLINE void transpose(const T *x, int64_t width, int n, int n_rows, T (*place)[ROWS]) {
    for (int r = 0; r < n_rows; r++)
        for (int i = 0; i < n; i++) place[i][r] = x[r * width + i];
}

/* Input i, the one of number j in its group. */
template <class T, int ORDER, int ROWS, int GROUP>
INLINE void evaluate(const Layer<T> &layer, int64_t i, int j, int n_rows, bool slopes,
                     Scratch<T, ORDER, ROWS, GROUP> &work) {
    typedef typename Vector<T>::type V;
    const int n_knots = (int)layer.n_knots;
    const T *knots = layer.knots + i * n_knots, *place = work.place[j];
    Local<T, ORDER, ROWS> &local = work.local[j];
    int *interval = work.interval, *next = work.next;
    T *sorted = work.sorted;
    for (int r = 0; r < n_rows; r++) interval[r] = 0;
    for (int l = 0; l < LANES<T>; l++) sorted[n_rows + l] = 0;
    next[0] = 0;
    for (int k = 0; k < n_knots; k++) {
        int n_right = 0;
        for (int r = 0; r < n_rows; r++) {
            const int is_right = knots[k] <= place[r];
            interval[r] += is_right;
            n_right += is_right;
        }
        next[k + 1] = n_rows - n_right;
    }
    for (int r = 0; r < n_rows; r++) {
        const int s = next[interval[r]]++;
        sorted[s] = place[r];
        local.row[s] = r;
    }
    local.n_runs = 0;
    for (int k = 0, s = 0; k <= n_knots; k++) {
        if (next[k] == s) continue;
        const int64_t entry = i * (n_knots + 1) + k;
        const T *piece = layer.pieces + entry * ORDER * ORDER, origin = layer.origin[entry], rate = layer.rate[entry];
        for (; s < next[k]; s += LANES<T>) {
            const V u = (load<V>(sorted + s) - origin) * rate;
            UNROLL for (int f = 0; f < ORDER; f++) {
                V value = V() + piece[(ORDER - 1) * ORDER + f], slope = V();
                UNROLL for (int p = ORDER - 2; p >= 0; p--) {
                    if (slopes) slope = slope * u + value;
                    value = value * u + piece[p * ORDER + f];
                }
                store<V>(local.value[f] + s, value);
                if (slopes) store<V>(local.slope[f] + s, slope * rate);
            }
        }
        s = next[k];
        local.at[local.n_runs] = (i * layer.n_basis + first_of(layer, entry, ORDER)) * layer.n_outputs;
        local.end[local.n_runs++] = s;
    }
}

/* y += edge functions of one input, for a packed tile of N vectors of LENGTH outputs. */
template <class T, int LENGTH, int N, int ORDER, int ROWS>
INLINE void add_input(const Local<T, ORDER, ROWS> &local, const T *coef, int64_t n_outputs, T *y) {
    typedef typename Vector<T, LENGTH>::type V;
    for (int run = 0, s = 0; run < local.n_runs; run++) {
        const T *c = coef + local.at[run];
        V weight[ORDER][N];
        UNROLL for (int f = 0; f < ORDER; f++)
            UNROLL for (int v = 0; v < N; v++) weight[f][v] = load<V>(c + f * n_outputs + v * LENGTH);
        for (; s < local.end[run]; s++) {
            T *yr = y + local.row[s] * (N * LENGTH);
            V sum[N];
            UNROLL for (int v = 0; v < N; v++) sum[v] = load<V>(yr + v * LENGTH);
            UNROLL for (int f = 0; f < ORDER; f++)
                UNROLL for (int v = 0; v < N; v++) sum[v] += local.value[f][s] * weight[f][v];
            UNROLL for (int v = 0; v < N; v++) store<V>(yr + v * LENGTH, sum[v]);
        }
    }
}

/* All whole tiles of this size from output o up to `end`; returns where they end. */
template <class T, int LENGTH, int N, int ORDER, int ROWS>
INLINE int64_t forward_tiles(const Local<T, ORDER, ROWS> *local, int n, int n_rows, bool is_first, const T *coef,
                             int64_t n_outputs, T *y, T *tile, int64_t o, int64_t end) {
    typedef typename Vector<T, LENGTH>::type V;
    for (; o + N * LENGTH <= end; o += N * LENGTH) {
        for (int r = 0; r < n_rows; r++)
            UNROLL for (int v = 0; v < N; v++)
                store<V>(tile + (r * N + v) * LENGTH, is_first ? V() : load<V>(y + r * n_outputs + o + v * LENGTH));
        for (int i = 0; i < n; i++) add_input<T, LENGTH, N>(local[i], coef + o, n_outputs, tile);
        for (int r = 0; r < n_rows; r++)
            UNROLL for (int v = 0; v < N; v++)
                store<V>(y + r * n_outputs + o + v * LENGTH, load<V>(tile + (r * N + v) * LENGTH));
    }
    return o;
}

template <class T, int ORDER>
INLINE void forward(const Layer<T> &layer, int64_t member, const T *x, const T *coef, T *y, int64_t start,
                    int64_t stop, Scratch<T, ORDER, FORWARD_ROWS, FORWARD_GROUP> &work) {
    const int64_t n_outputs = layer.n_outputs, width = layer.n_members * layer.n_inputs;
    const int64_t from = n_outputs / layer.n_members * member, to = n_outputs / layer.n_members * (member + 1);
    x += member * layer.n_inputs;
    const int rows = layer.n_basis > FEW_BASIS_FUNCTIONS ? FORWARD_ROWS : FORWARD_ROWS / 2;
    for (int64_t group = 0; group < layer.n_inputs; group += FORWARD_GROUP) {
        const int n = least(FORWARD_GROUP, layer.n_inputs - group);
        for (int64_t block = start; block < stop; block += rows) {
            const int n_rows = least(rows, stop - block);
            T *yb = y + block * n_outputs;
            for (int i = 0; i < n; i += AT_ONCE)
                transpose(x + block * width + group + i, width, least(AT_ONCE, n - i), n_rows, work.place + i);
            for (int i = 0; i < n; i++) evaluate(layer, group + i, i, n_rows, false, work);
            int64_t o = from;
            o = forward_tiles<T, LANES<T>, 4>(work.local, n, n_rows, group == 0, coef, n_outputs, yb, work.tile, o, to);
            o = forward_tiles<T, LANES<T>, 2>(work.local, n, n_rows, group == 0, coef, n_outputs, yb, work.tile, o, to);
            o = forward_tiles<T, LANES<T>, 1>(work.local, n, n_rows, group == 0, coef, n_outputs, yb, work.tile, o, to);
            o = forward_tiles<T, 4, 1>(work.local, n, n_rows, group == 0, coef, n_outputs, yb, work.tile, o, to);
            forward_tiles<T, 1, 1>(work.local, n, n_rows, group == 0, coef, n_outputs, yb, work.tile, o, to);
        }
    }
}

/* Gradients of one input and its coefficients, from a packed tile of N vectors of LENGTH outputs. */
template <class T, int LENGTH, int N, int ORDER, int ROWS>
INLINE void add_gradients(const Local<T, ORDER, ROWS> &local, const T *coef, int64_t n_outputs, const T *grad_y,
                          bool slopes, T *grad_x, T *grad_coef) {
    typedef typename Vector<T, LENGTH>::type V;
    for (int run = 0, begin = 0; run < local.n_runs; begin = local.end[run++]) {
        const T *c = coef + local.at[run];
        T *gc = grad_coef + local.at[run];
        V grad[ORDER][N], g[N];
        UNROLL for (int f = 0; f < ORDER; f++)
            UNROLL for (int v = 0; v < N; v++) grad[f][v] = load<V>(gc + f * n_outputs + v * LENGTH);
        for (int s = begin; s < local.end[run]; s++) {
            UNROLL for (int v = 0; v < N; v++) g[v] = load<V>(grad_y + (local.row[s] * N + v) * LENGTH);
            UNROLL for (int f = 0; f < ORDER; f++)
                UNROLL for (int v = 0; v < N; v++) grad[f][v] += local.value[f][s] * g[v];
        }
        UNROLL for (int f = 0; f < ORDER; f++)
            UNROLL for (int v = 0; v < N; v++) store<V>(gc + f * n_outputs + v * LENGTH, grad[f][v]);
        if (!slopes) continue;
        V weight[ORDER][N];
        UNROLL for (int f = 0; f < ORDER; f++)
            UNROLL for (int v = 0; v < N; v++) weight[f][v] = load<V>(c + f * n_outputs + v * LENGTH);
        for (int s = begin; s < local.end[run]; s++) {
            V sum = V();
            UNROLL for (int v = 0; v < N; v++) {
                V change = local.slope[0][s] * weight[0][v];
                UNROLL for (int f = 1; f < ORDER; f++) change += local.slope[f][s] * weight[f][v];
                sum += load<V>(grad_y + (local.row[s] * N + v) * LENGTH) * change;
            }
            grad_x[local.row[s]] += total<T, LENGTH>(sum);
        }
    }
}

template <class T, int LENGTH, int N, int ORDER, int ROWS>
INLINE int64_t backward_tiles(const Local<T, ORDER, ROWS> *local, int n, int n_rows, const T *coef, int64_t n_outputs,
                              const T *grad_y, bool slopes, T (*grad_x)[ROWS], T *grad_coef, T *tile, int64_t o,
                              int64_t end) {
    typedef typename Vector<T, LENGTH>::type V;
    for (; o + N * LENGTH <= end; o += N * LENGTH) {
        for (int r = 0; r < n_rows; r++)
            UNROLL for (int v = 0; v < N; v++)
                store<V>(tile + (r * N + v) * LENGTH, load<V>(grad_y + r * n_outputs + o + v * LENGTH));
        for (int i = 0; i < n; i++)
            add_gradients<T, LENGTH, N>(local[i], coef + o, n_outputs, tile, slopes, grad_x[i], grad_coef + o);
    }
    return o;
}

template <class T, int ORDER>
INLINE void backward(const Layer<T> &layer, int64_t member, const T *x, const T *coef, const T *grad_y, T *grad_x,
                     T *grad_coef, int64_t n_samples, int64_t start, int64_t stop,
                     Scratch<T, ORDER, BACKWARD_ROWS, BACKWARD_GROUP> &work) {
    const int64_t n_outputs = layer.n_outputs, width = layer.n_members * layer.n_inputs;
    const int64_t from = n_outputs / layer.n_members * member, to = n_outputs / layer.n_members * (member + 1);
    const int64_t before = member * layer.n_inputs;
    const bool slopes = grad_x != nullptr;
    for (int64_t group = start; group < stop; group += BACKWARD_GROUP) {
        const int n = least(BACKWARD_GROUP, stop - group);
        if (member == 0)
            memset(grad_coef + group * layer.n_basis * n_outputs, 0, sizeof(T) * n * layer.n_basis * n_outputs);
        for (int64_t block = 0; block < n_samples; block += BACKWARD_ROWS) {
            const int n_rows = least(BACKWARD_ROWS, n_samples - block);
            const T *g = grad_y + block * n_outputs;
            transpose(x + block * width + before + group, width, n, n_rows, work.place);
            for (int i = 0; i < n; i++) {
                evaluate(layer, group + i, i, n_rows, slopes, work);
                memset(work.sums[i], 0, sizeof(T) * n_rows);
            }
            int64_t o = from;
            o = backward_tiles<T, LANES<T>, 4>(work.local, n, n_rows, coef, n_outputs, g, slopes, work.sums, grad_coef, work.tile, o, to);
            o = backward_tiles<T, LANES<T>, 2>(work.local, n, n_rows, coef, n_outputs, g, slopes, work.sums, grad_coef, work.tile, o, to);
            o = backward_tiles<T, LANES<T>, 1>(work.local, n, n_rows, coef, n_outputs, g, slopes, work.sums, grad_coef, work.tile, o, to);
            o = backward_tiles<T, 4, 1>(work.local, n, n_rows, coef, n_outputs, g, slopes, work.sums, grad_coef, work.tile, o, to);
            backward_tiles<T, 1, 1>(work.local, n, n_rows, coef, n_outputs, g, slopes, work.sums, grad_coef, work.tile, o, to);
            for (int r = 0; slopes && r < n_rows; r++)
                for (int i = 0; i < n; i++) grad_x[(block + r) * width + before + group + i] = work.sums[i][r];
        }
    }
}

template <class T, int ORDER>
INLINE Status forward_all(const Layer<T> &layer, const T *x, const T *coef, T *y, int64_t start, int64_t stop) {
    auto *work = scratch<Scratch<T, ORDER, FORWARD_ROWS, FORWARD_GROUP>>();
    if (!work) return NO_MEMORY;
    for (int64_t m = 0; m < layer.n_members; m++) forward<T, ORDER>(layer, m, x, coef, y, start, stop, *work);
    return DONE;
}

template <class T, int ORDER>
INLINE Status backward_all(const Layer<T> &layer, const T *x, const T *coef, const T *grad_y, T *grad_x, T *grad_coef,
                           int64_t n_samples, int64_t start, int64_t stop) {
    auto *work = scratch<Scratch<T, ORDER, BACKWARD_ROWS, BACKWARD_GROUP>>();
    if (!work) return NO_MEMORY;
    for (int64_t m = 0; m < layer.n_members; m++)
        backward<T, ORDER>(layer, m, x, coef, grad_y, grad_x, grad_coef, n_samples, start, stop, *work);
    return DONE;
}

}  // namespace spline
}  // namespace

#endif
