/* Sums of spline edge functions, without storing the expanded basis.
 *
 * On a knot interval degree + 1 basis functions are not zero, tabulated as polynomials of the place u in the interval:
 * a row of an input's table holds them power by power. A layer of edges is evaluated by looking that row up, Horner's
 * scheme, and degree + 1 rows of coefficients, scaled and added: y[r, :] += sum_f v_f(u) coef[i, first + f, :].
 *
 * Rows are taken in blocks and inputs in groups, so that what is read again stays in the nearest cache. Forward splits rows over threads and backward splits inputs: no two threads write to the same place.
 */
#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
/* By what a processor can do: "arch=" would ask for its maker. avx2 ranks above fma and does without it. */
#define FOR_EACH_CPU __attribute__((target_clones("avx512f", "fma", "default")))
#else
#define FOR_EACH_CPU
#endif
#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT
#endif
#if defined(_MSC_VER)
#define INLINE static __forceinline
#define restrict __restrict
#else
#define INLINE static inline __attribute__((always_inline))
#endif

#define BLOCK 64
#define GROUP 4
#define MAX_ORDER 6
#define LEAST(a, b) ((a) < (b) ? (a) : (b))

#define T float
#define NAMED(function) function##_float32
#include "_spline.h"
#undef T
#undef NAMED

#define T double
#define NAMED(function) function##_float64
#include "_spline.h"

/* What an import by name would look for; the library is only called through ctypes. */
EXPORT void *PyInit__spline(void) { return 0; }
