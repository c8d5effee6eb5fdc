/* What all kernels share: vectors of numbers, and memory to work in. */
#ifndef SKLEARN_KAN_VECTORS_H
#define SKLEARN_KAN_VECTORS_H

#include <cstdint>
#include <cstdlib>

#ifndef VECTOR_BYTES
#ifdef __SANITIZE_ADDRESS__
#define VECTOR_BYTES 64 /* the widest reach furthest */
#else
#define VECTOR_BYTES 16 /* every processor has such */
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define INLINE static inline /* one copy of each function is compiled in half the time */
#else
#define INLINE static inline __attribute__((always_inline))
#endif
#define UNROLL _Pragma("GCC unroll 16")

namespace {

template <class T> constexpr int LANES = VECTOR_BYTES / sizeof(T);

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

/* What a call comes to; Python raises the error. */
enum Status { DONE, NO_MEMORY, TOO_LARGE, KNOTS_DECREASE, NOT_FINITE };

constexpr int MAX_KNOTS = 1 << 14; /* of a row, as Python knows it */

/* Memory to work in, on the heap, since stacks may be small. A thread keeps it for its next call: fresh pages cost time.
 * Null where there is none. */
template <class S> S *scratch() {
    constexpr size_t LINE = 64; /* of the cache */
    struct Block {
        void *start = calloc(1, sizeof(S) + LINE);
        ~Block() { free(start); }
    };
    static thread_local Block block;
    if (!block.start) block.start = calloc(1, sizeof(S) + LINE);
    return block.start ? (S *)(((uintptr_t)block.start + LINE - 1) / LINE * LINE) : nullptr;
}

}  // namespace

#endif
