/* Sums of spline edge functions, without storing the expanded basis.
 *
 * A knot interval has degree + 1 non-zero basis functions, tabulated as polynomials of the place u in the interval:
 * row j of an input's table holds them power by power. Evaluating an edge layer is a look-up of that row, Horner's
 * scheme, and degree + 1 rows of coefficients scaled and added: y[r, :] += sum_f v_f(u) coef[i, first + f, :].
 * Forward splits rows over threads, backward splits inputs, so that no two threads write to one place.
 */
#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
#define FOR_EACH_CPU __attribute__((target_clones("avx512f", "avx2,fma", "default")))
#else
#define FOR_EACH_CPU
#endif
#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT
#endif
#define INLINE static inline __attribute__((always_inline))
#define BLOCK 64 /* rows whose outputs stay in the nearest caches while inputs pass by */
#define MAX_ORDER 6

#define DEFINE(T, NAME)                                                                                                \
    typedef struct {                                                                                                   \
        const T *knots, *pieces, *origin, *rate;                                                                       \
        const int64_t *first;                                                                                          \
        int64_t n_knots;                                                                                               \
    } table_##NAME;                                                                                                    \
                                                                                                                       \
    INLINE void locate_##NAME(const table_##NAME *t, int64_t i, const T *x, int64_t in, int n, int32_t *row, T *u) {   \
        const T *knots = t->knots + i * t->n_knots;                                                                    \
        T place[BLOCK];                                                                                                \
        for (int r = 0; r < n; r++) place[r] = x[r * in + i];                                                          \
        for (int r = 0; r < n; r++) row[r] = (int32_t)(i * (t->n_knots + 1));                                          \
        for (int64_t k = 0; k < t->n_knots; k++)                                                                       \
            for (int r = 0; r < n; r++) row[r] += knots[k] <= place[r];                                                \
        for (int r = 0; r < n; r++) u[r] = (place[r] - t->origin[row[r]]) * t->rate[row[r]];                           \
    }                                                                                                                  \
                                                                                                                       \
    INLINE void values_##NAME(const T *piece, T u, T *v, int order) {                                                  \
        for (int f = 0; f < order; f++) v[f] = piece[(order - 1) * order + f];                                         \
        for (int p = order - 2; p >= 0; p--)                                                                           \
            for (int f = 0; f < order; f++) v[f] = v[f] * u + piece[p * order + f];                                    \
    }                                                                                                                  \
                                                                                                                       \
    INLINE void slopes_##NAME(const T *piece, T u, T rate, T *d, int order) {                                          \
        for (int f = 0; f < order; f++) d[f] = 0;                                                                      \
        for (int p = order - 1; p >= 1; p--)                                                                           \
            for (int f = 0; f < order; f++) d[f] = d[f] * u + p * piece[p * order + f];                                \
        for (int f = 0; f < order; f++) d[f] *= rate;                                                                  \
    }                                                                                                                  \
                                                                                                                       \
    INLINE void forward_order_##NAME(const T *restrict x, const table_##NAME *t, const T *restrict coef,               \
                                     T *restrict y, int64_t in, int64_t n_basis, int64_t out, int64_t start,           \
                                     int64_t stop, int order) {                                                        \
        for (int64_t block = start; block < stop; block += BLOCK) {                                                    \
            int64_t end = block + BLOCK < stop ? block + BLOCK : stop;                                                 \
            int32_t rows[BLOCK];                                                                                       \
            T places[BLOCK];                                                                                           \
            for (int64_t i = 0; i < in; i++) {                                                                         \
                locate_##NAME(t, i, x + block * in, in, (int)(end - block), rows, places);                             \
                for (int64_t r = block; r < end; r++) {                                                                \
                    T u = places[r - block], v[MAX_ORDER];                                                             \
                    int64_t row = rows[r - block];                                                                     \
                    values_##NAME(t->pieces + row * order * order, u, v, order);                                       \
                    const T *c = coef + (i * n_basis + t->first[row]) * out;                                           \
                    T *yr = y + r * out;                                                                               \
                    for (int64_t o = 0; o < out; o++) {                                                                \
                        T s = yr[o];                                                                                   \
                        for (int f = 0; f < order; f++) s += v[f] * c[f * out + o];                                    \
                        yr[o] = s;                                                                                     \
                    }                                                                                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    INLINE void backward_order_##NAME(const T *restrict x, const table_##NAME *t, const T *restrict coef,              \
                                      const T *restrict gy, T *restrict gx, T *restrict gcoef, int64_t n, int64_t in,  \
                                      int64_t n_basis, int64_t out, int64_t start, int64_t stop, int order) {          \
        for (int64_t block = 0; block < n; block += BLOCK) {                                                           \
            int64_t end = block + BLOCK < n ? block + BLOCK : n;                                                       \
            int32_t rows[BLOCK];                                                                                       \
            T places[BLOCK];                                                                                           \
            for (int64_t i = start; i < stop; i++) {                                                                   \
                locate_##NAME(t, i, x + block * in, in, (int)(end - block), rows, places);                             \
                for (int64_t r = block; r < end; r++) {                                                                \
                    T u = places[r - block], v[MAX_ORDER], d[MAX_ORDER], s = 0;                                        \
                    int64_t row = rows[r - block];                                                                     \
                    const T *piece = t->pieces + row * order * order;                                                  \
                    values_##NAME(piece, u, v, order);                                                                 \
                    slopes_##NAME(piece, u, t->rate[row], d, order);                                                   \
                    int64_t at = (i * n_basis + t->first[row]) * out;                                                  \
                    const T *c = coef + at, *g = gy + r * out;                                                         \
                    T *gc = gcoef + at;                                                                                \
                    for (int64_t o = 0; o < out; o++) {                                                                \
                        T q = g[o], w = 0;                                                                             \
                        for (int f = 0; f < order; f++) w += d[f] * c[f * out + o];                                    \
                        for (int f = 0; f < order; f++) gc[f * out + o] += v[f] * q;                                   \
                        s += q * w;                                                                                    \
                    }                                                                                                  \
                    gx[r * in + i] = s;                                                                                \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    EXPORT FOR_EACH_CPU void spline_forward_##NAME(                                                                    \
        const T *x, const T *knots, const T *pieces, const T *origin, const T *rate, const int64_t *first,             \
        const T *coef, T *y, int64_t in, int64_t n_knots, int64_t n_basis, int64_t out, int64_t degree, int64_t start, \
        int64_t stop) {                                                                                                \
        table_##NAME t = {knots, pieces, origin, rate, first, n_knots};                                                \
        switch (degree) {                                                                                              \
            case 0: forward_order_##NAME(x, &t, coef, y, in, n_basis, out, start, stop, 1); break;                     \
            case 1: forward_order_##NAME(x, &t, coef, y, in, n_basis, out, start, stop, 2); break;                     \
            case 2: forward_order_##NAME(x, &t, coef, y, in, n_basis, out, start, stop, 3); break;                     \
            case 3: forward_order_##NAME(x, &t, coef, y, in, n_basis, out, start, stop, 4); break;                     \
            case 4: forward_order_##NAME(x, &t, coef, y, in, n_basis, out, start, stop, 5); break;                     \
            case 5: forward_order_##NAME(x, &t, coef, y, in, n_basis, out, start, stop, 6); break;                     \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    EXPORT FOR_EACH_CPU void spline_backward_##NAME(                                                                   \
        const T *x, const T *knots, const T *pieces, const T *origin, const T *rate, const int64_t *first,             \
        const T *coef, const T *gy, T *gx, T *gcoef, int64_t n, int64_t in, int64_t n_knots, int64_t n_basis,          \
        int64_t out, int64_t degree, int64_t start, int64_t stop) {                                                    \
        table_##NAME t = {knots, pieces, origin, rate, first, n_knots};                                                \
        switch (degree) {                                                                                              \
            case 0: backward_order_##NAME(x, &t, coef, gy, gx, gcoef, n, in, n_basis, out, start, stop, 1); break;     \
            case 1: backward_order_##NAME(x, &t, coef, gy, gx, gcoef, n, in, n_basis, out, start, stop, 2); break;     \
            case 2: backward_order_##NAME(x, &t, coef, gy, gx, gcoef, n, in, n_basis, out, start, stop, 3); break;     \
            case 3: backward_order_##NAME(x, &t, coef, gy, gx, gcoef, n, in, n_basis, out, start, stop, 4); break;     \
            case 4: backward_order_##NAME(x, &t, coef, gy, gx, gcoef, n, in, n_basis, out, start, stop, 5); break;     \
            case 5: backward_order_##NAME(x, &t, coef, gy, gx, gcoef, n, in, n_basis, out, start, stop, 6); break;     \
        }                                                                                                              \
    }

DEFINE(float, float32)
DEFINE(double, float64)

/* What an import by name would look for; the library is only called through ctypes. */
EXPORT void *PyInit__spline(void) { return 0; }
