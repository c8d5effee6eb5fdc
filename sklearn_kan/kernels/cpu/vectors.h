/* Vectors of numbers as the kernels use them, and what is compiled once for each generation of processors. */
#ifndef SKLEARN_KAN_VECTORS_H
#define SKLEARN_KAN_VECTORS_H

#include <cstdint>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define FOR_EACH_CPU __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_CPU
#endif
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

namespace {

template <class T> constexpr int LANES = 64 / sizeof(T);

template <class T, int LENGTH = LANES<T>> struct Vector {
    typedef T type __attribute__((vector_size(LENGTH * sizeof(T)), aligned(sizeof(T)), may_alias));
};
template <class T> struct Vector<T, 1> {
    typedef T type;
};

template <class V> INLINE V load(const void *from) { return *(const V *)from; }
template <class V> INLINE void store(void *to, V value) { *(V *)to = value; }

/* Sum of the lanes, in halves. */
template <class T, int LENGTH> INLINE T total(typename Vector<T, LENGTH>::type lanes) {
    if constexpr (LENGTH == 1) {
        return lanes;
    } else {
        typedef typename Vector<T, LENGTH / 2>::type Half;
        T parts[LENGTH];
        store(parts, lanes);
        return total<T, LENGTH / 2>(load<Half>(parts) + load<Half>(parts + LENGTH / 2));
    }
}

INLINE int least(int a, int64_t b) { return a < b ? a : (int)b; }

}  // namespace

#endif
