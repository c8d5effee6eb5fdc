/* Prediction on any processor, and the choice of the generation that this one is of. */
#define ROWS_OF_BLOCK 64 /* rows of several members together take up as much cache */
#include "generations.h"
#include "predict.h"

DEFINE_PREDICT(v1, VECTOR_BYTES)

#if HAS_GENERATIONS
#define DECLARE(T, name, cpu)                                                                                    \
    extern "C" int network_predict_##name##_##cpu(const Network<T> *, const Table *, const T *, int64_t, T *,    \
                                                  int64_t, int64_t);                                             \
    extern "C" int64_t network_prepared_##name##_##cpu(const Network<T> *);                                      \
    extern "C" int network_prepare_##name##_##cpu(const Network<T> *);
DECLARE(float, float32, v3)
DECLARE(float, float32, v4)
DECLARE(double, float64, v3)
DECLARE(double, float64, v4)
#endif

#define DEFINE(T, name)                                                                                          \
    extern "C" int network_predict_##name(const Network<T> *net, const Table *table, const T *weights,           \
                                          int64_t average, T *y, int64_t start, int64_t stop) {                  \
        CALL(network_predict_##name, net, table, weights, average, y, start, stop)                               \
    }                                                                                                            \
    extern "C" int64_t network_prepared_##name(const Network<T> *net) { CALL(network_prepared_##name, net) }     \
    extern "C" int network_prepare_##name(const Network<T> *net) { CALL(network_prepare_##name, net) }
DEFINE(float, float32)
DEFINE(double, float64)
