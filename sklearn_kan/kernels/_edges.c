/* Sums of edge functions that have knots of their own, without storing a value per edge and row. */
#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__linux__)
/* Gathers, which gcc leaves out unless it tunes for a processor that has fast ones. */
#define GATHERS __attribute__((target("avx512f,tune=skylake-avx512")))
#define HAS_GATHERS __builtin_cpu_supports("avx512f")
#else
#define GATHERS
#define HAS_GATHERS 0
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

#define ROWS 256 /* of the table of inputs, in a block */
#define LEAST(a, b) ((a) < (b) ? (a) : (b))

#define T float
#define NAMED(function) function##_float32
#include "_edges.h"
#undef T
#undef NAMED

#define T double
#define NAMED(function) function##_float64
#include "_edges.h"

/* What an import by name would look for; the library is only called through ctypes. */
EXPORT void *PyInit__edge_library(void) { return 0; }
