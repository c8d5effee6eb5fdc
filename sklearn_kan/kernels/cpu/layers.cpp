/* Layers on any processor, and the choice of the generation that this one is of. */
#include "generations.h"
#include "layers.h"

DEFINE_LAYERS(v1)

#define LAYER_FORWARD(kernel, T, name, cpu)                                                                  \
    extern "C" int kernel##_forward_##name##cpu(const Layer<T> *layer, int64_t degree, const T *x,           \
                                                const T *coef, T *y, int64_t start, int64_t stop)
#define LAYER_BACKWARD(kernel, T, name, cpu)                                                                 \
    extern "C" int kernel##_backward_##name##cpu(const Layer<T> *layer, int64_t degree, const T *x,          \
                                                 const T *coef, const T *grad_y, T *grad_x, T *grad_coef,    \
                                                 int64_t n_samples, int64_t start, int64_t stop)
#define EDGES_FORWARD(T, name, cpu)                                                                          \
    extern "C" int edges_forward_##name##cpu(const edges::Edges<T> *layer, int64_t order, const T *x, T *y,  \
                                             int64_t start, int64_t stop)
#define EDGES_BACKWARD(T, name, cpu)                                                                         \
    extern "C" int edges_backward_##name##cpu(const edges::Edges<T> *layer, int64_t order, const T *x,       \
                                              const T *grad_y, T *grad_x, T *grad_polynomials,               \
                                              int64_t start, int64_t stop)

#if HAS_GENERATIONS
#define DECLARE(T, name, cpu)              \
    LAYER_FORWARD(spline, T, name, cpu);   \
    LAYER_BACKWARD(spline, T, name, cpu);  \
    LAYER_FORWARD(few, T, name, cpu);      \
    LAYER_BACKWARD(few, T, name, cpu);     \
    EDGES_FORWARD(T, name, cpu);           \
    EDGES_BACKWARD(T, name, cpu);
DECLARE(float, float32, _v3)
DECLARE(float, float32, _v4)
DECLARE(double, float64, _v3)
DECLARE(double, float64, _v4)
#endif

#define CALL_LAYER(kernel, T, name)                                                                            \
    LAYER_FORWARD(kernel, T, name, ) { CALL(kernel##_forward_##name, layer, degree, x, coef, y, start, stop) } \
    LAYER_BACKWARD(kernel, T, name, ) {                                                                        \
        CALL(kernel##_backward_##name, layer, degree, x, coef, grad_y, grad_x, grad_coef, n_samples, start,    \
             stop)                                                                                             \
    }
#define DEFINE(T, name)                                                                                     \
    CALL_LAYER(spline, T, name)                                                                             \
    CALL_LAYER(few, T, name)                                                                                \
    EDGES_FORWARD(T, name, ) { CALL(edges_forward_##name, layer, order, x, y, start, stop) }                \
    EDGES_BACKWARD(T, name, ) {                                                                             \
        CALL(edges_backward_##name, layer, order, x, grad_y, grad_x, grad_polynomials, start, stop)         \
    }
DEFINE(float, float32)
DEFINE(double, float64)

/* What an import by name would look for; the library is only called through ctypes. */
extern "C" void *PyInit__compiled(void) { return 0; }
