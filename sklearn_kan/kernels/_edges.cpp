/* Sums of edges that have knots of their own, without storing a value per edge and row.
 *
 * An edge is a polynomial on each interval between its knots, in powers of u = (x - origin) * rate; `order` of them in a
 * row, n_knots + 1 rows. Samples are taken in blocks, so that all loops but the last vectorise. Inputs and outputs are
 * stored column by column: x is (in, n), y is (out, n).
 */
#include <cstdint>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
/* Gathers, which gcc leaves out unless it tunes for a processor that has fast ones. */
#define GATHERS __attribute__((target("avx512f,tune=skylake-avx512")))
#define HAS_GATHERS __builtin_cpu_supports("avx512f")
#else
#define GATHERS
#define HAS_GATHERS 0
#endif
#define INLINE static inline __attribute__((always_inline))

namespace {

constexpr int BLOCK = 256;

template <class T> struct Edges {
    const T *polynomials, *knots, *origin, *rate;
    int64_t n, n_knots, n_inputs, n_outputs;
};

/* Row of an edge's table and place on the interval, for some x. */
template <class T>
INLINE void place(const Edges<T> &edges, int64_t edge, const T *x, int n, int32_t *row, T *u) {
    const T *knots = edges.knots + edge * edges.n_knots;
    const T *origin = edges.origin + edge * (edges.n_knots + 1), *rate = edges.rate + edge * (edges.n_knots + 1);
    for (int r = 0; r < n; r++) row[r] = 0;
    for (int64_t k = 0; k < edges.n_knots; k++)
        for (int r = 0; r < n; r++) row[r] += knots[k] <= x[r];
    for (int r = 0; r < n; r++) u[r] = (x[r] - origin[row[r]]) * rate[row[r]];
}

INLINE int least(int a, int64_t b) { return a < b ? a : (int)b; }

template <class T, int ORDER>
INLINE void forward(const Edges<T> &edges, const T *x, T *__restrict__ y, int64_t start, int64_t stop) {
    int32_t row[BLOCK];
    T u[BLOCK], value[BLOCK];
    for (int64_t o = start; o < stop; o++)
        for (int64_t i = 0; i < edges.n_inputs; i++) {
            const int64_t edge = o * edges.n_inputs + i;
            const T *table = edges.polynomials + edge * (edges.n_knots + 1) * ORDER;
            for (int64_t block = 0; block < edges.n; block += BLOCK) {
                const int n = least(BLOCK, edges.n - block);
                T *sum = y + o * edges.n + block;
                place(edges, edge, x + i * edges.n + block, n, row, u);
                for (int r = 0; r < n; r++) value[r] = table[row[r] * ORDER + ORDER - 1];
                for (int p = ORDER - 2; p >= 0; p--)
                    for (int r = 0; r < n; r++) value[r] = value[r] * u[r] + table[row[r] * ORDER + p];
                for (int r = 0; r < n; r++) sum[r] += value[r];
            }
        }
}

/* Gradients added up; those of origin and rate unless null. */
template <class T> struct Gradients {
    T *x, *polynomials, *origin, *rate;
};

template <class T, int ORDER>
INLINE void backward(const Edges<T> &edges, const T *x, const T *grad_y, const Gradients<T> &grad, int64_t start,
                     int64_t stop) {
    const int64_t n_rows = edges.n_knots + 1;
    int32_t row[BLOCK];
    T u[BLOCK], slope[BLOCK];
    for (int64_t i = start; i < stop; i++)
        for (int64_t o = 0; o < edges.n_outputs; o++) {
            const int64_t edge = o * edges.n_inputs + i;
            const T *table = edges.polynomials + edge * n_rows * ORDER;
            const T *origin = edges.origin + edge * n_rows, *rate = edges.rate + edge * n_rows;
            for (int64_t block = 0; block < edges.n; block += BLOCK) {
                const int n = least(BLOCK, edges.n - block);
                const T *g = grad_y + o * edges.n + block, *xb = x + i * edges.n + block;
                T *__restrict__ gx = grad.x + i * edges.n + block;
                T *__restrict__ gp = grad.polynomials + edge * n_rows * ORDER;
                place(edges, edge, xb, n, row, u);
                for (int r = 0; r < n; r++) slope[r] = 0;
                for (int p = ORDER - 1; p >= 1; p--)
                    for (int r = 0; r < n; r++) slope[r] = slope[r] * u[r] + p * table[row[r] * ORDER + p];
                for (int r = 0; r < n; r++) slope[r] *= g[r];
                for (int r = 0; r < n; r++) gx[r] += slope[r] * rate[row[r]];
                for (int r = 0; r < n; r++) {
                    T power = g[r];
                    for (int p = 0; p < ORDER; p++, power *= u[r]) gp[row[r] * ORDER + p] += power;
                }
                if (!grad.origin) continue;
                T *go = grad.origin + edge * n_rows, *gr = grad.rate + edge * n_rows;
                for (int r = 0; r < n; r++) {
                    go[row[r]] -= slope[r] * rate[row[r]];
                    gr[row[r]] += slope[r] * (xb[r] - origin[row[r]]);
                }
            }
        }
}

template <class T>
INLINE void forward(const Edges<T> &edges, int64_t order, const T *x, T *y, int64_t start, int64_t stop) {
    switch (order) {
        case 1: forward<T, 1>(edges, x, y, start, stop); break;
        case 2: forward<T, 2>(edges, x, y, start, stop); break;
        case 3: forward<T, 3>(edges, x, y, start, stop); break;
        case 4: forward<T, 4>(edges, x, y, start, stop); break;
        case 5: forward<T, 5>(edges, x, y, start, stop); break;
        case 6: forward<T, 6>(edges, x, y, start, stop); break;
    }
}

template <class T>
INLINE void backward(const Edges<T> &edges, int64_t order, const T *x, const T *grad_y, const Gradients<T> &grad,
                     int64_t start, int64_t stop) {
    switch (order) {
        case 1: backward<T, 1>(edges, x, grad_y, grad, start, stop); break;
        case 2: backward<T, 2>(edges, x, grad_y, grad, start, stop); break;
        case 3: backward<T, 3>(edges, x, grad_y, grad, start, stop); break;
        case 4: backward<T, 4>(edges, x, grad_y, grad, start, stop); break;
        case 5: backward<T, 5>(edges, x, grad_y, grad, start, stop); break;
        case 6: backward<T, 6>(edges, x, grad_y, grad, start, stop); break;
    }
}

}  // namespace

/* forward: y (out, n) += all edges of x (in, n), for outputs start to stop.
 * backward: gradients from that of y (out, n), for inputs start to stop. */
#define DEFINE(T, name)                                                                                              \
    GATHERS static void forward_gathers(const Edges<T> &edges, int64_t order, const T *x, T *y, int64_t start,       \
                                        int64_t stop) {                                                              \
        forward(edges, order, x, y, start, stop);                                                                    \
    }                                                                                                                \
    GATHERS static void backward_gathers(const Edges<T> &edges, int64_t order, const T *x, const T *grad_y,          \
                                         const Gradients<T> &grad, int64_t start, int64_t stop) {                    \
        backward(edges, order, x, grad_y, grad, start, stop);                                                        \
    }                                                                                                                \
    extern "C" void edges_forward_##name(const Edges<T> *edges, int64_t order, const T *x, T *y, int64_t start,      \
                                         int64_t stop) {                                                             \
        if (HAS_GATHERS)                                                                                             \
            forward_gathers(*edges, order, x, y, start, stop);                                                       \
        else                                                                                                         \
            forward(*edges, order, x, y, start, stop);                                                               \
    }                                                                                                                \
    extern "C" void edges_backward_##name(const Edges<T> *edges, int64_t order, const T *x, const T *grad_y,         \
                                          T *grad_x, T *grad_polynomials, T *grad_origin, T *grad_rate,              \
                                          int64_t start, int64_t stop) {                                             \
        const Gradients<T> grad = {grad_x, grad_polynomials, grad_origin, grad_rate};                                \
        if (HAS_GATHERS)                                                                                             \
            backward_gathers(*edges, order, x, grad_y, grad, start, stop);                                           \
        else                                                                                                         \
            backward(*edges, order, x, grad_y, grad, start, stop);                                                   \
    }

DEFINE(float, float32)
DEFINE(double, float64)
