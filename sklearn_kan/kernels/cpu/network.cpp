/* Ensembles on any processor, and the choice of the generation that this one is of. */
#include "generations.h"
#include "steps.h"

DEFINE_NETWORK(v1, VECTOR_BYTES)

#if HAS_GENERATIONS
#define DECLARE(T, name, cpu)                                                                                        \
    extern "C" int network_steps_##name##_##cpu(const Network<T> *, const Task<T> *, const int64_t *,                \
                                                const int64_t *, const double *, int64_t, int64_t, double *,         \
                                                int64_t, int64_t);                                                   \
    extern "C" int network_expand_##name##_##cpu(const Network<T> *, int64_t, int64_t);                              \
    extern "C" int network_outputs_##name##_##cpu(const Network<T> *, const T *, const int64_t *, const int64_t *,   \
                                                  int64_t, const T *, int64_t, T *, int64_t, int64_t);
DECLARE(float, float32, v3)
DECLARE(float, float32, v4)
DECLARE(double, float64, v3)
DECLARE(double, float64, v4)
#endif

#define DEFINE(T, name)                                                                                           \
    extern "C" int network_steps_##name(const Network<T> *net, const Task<T> *task, const int64_t *rows,          \
                                        const int64_t *bounds, const double *shares, int64_t n_steps,             \
                                        int64_t n_before, double *losses, int64_t start, int64_t stop) {          \
        CALL(network_steps_##name, net, task, rows, bounds, shares, n_steps, n_before, losses, start, stop)       \
    }                                                                                                             \
    extern "C" int network_expand_##name(const Network<T> *net, int64_t start, int64_t stop) {                    \
        CALL(network_expand_##name, net, start, stop)                                                             \
    }                                                                                                             \
    extern "C" int network_outputs_##name(const Network<T> *net, const T *x, const int64_t *rows,                 \
                                          const int64_t *members, int64_t n_chosen, const T *weights,             \
                                          int64_t average, T *y, int64_t start, int64_t stop) {                   \
        CALL(network_outputs_##name, net, x, rows, members, n_chosen, weights, average, y, start, stop)                             \
    }
DEFINE(float, float32)
DEFINE(double, float64)

/* Python has the same number: structures of other sources would be read wrongly. */
extern "C" int64_t layout_of_structures() { return 3; }
