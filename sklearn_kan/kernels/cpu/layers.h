/* The functions that compute layers, for one generation of processors. */
#ifndef SKLEARN_KAN_LAYERS_H
#define SKLEARN_KAN_LAYERS_H

#include "edges.h"
#include "few.h"
#include "spline.h"

/* Calls for orders from 1 on, of which `first` is the number. */
#define UP_TO_4(first, function, ...)                      \
    case first: return function<T, 1>(__VA_ARGS__);        \
    case first + 1: return function<T, 2>(__VA_ARGS__);    \
    case first + 2: return function<T, 3>(__VA_ARGS__);    \
    case first + 3: return function<T, 4>(__VA_ARGS__);
#define FOR_EACH_DEGREE(function, ...)                     \
    switch (degree) {                                      \
        UP_TO_4(0, function, __VA_ARGS__)                  \
        default: return TOO_LARGE;                         \
    }
#define FOR_EACH_ORDER(function, ...)                      \
    switch (order) {                                       \
        UP_TO_4(1, function, __VA_ARGS__)                  \
        case 5: return function<T, 5>(__VA_ARGS__);        \
        case 6: return function<T, 6>(__VA_ARGS__);        \
        default: return TOO_LARGE;                         \
    }

/* forward: y (n, out) = layer of x (n, members * in) for rows start to stop; coef is (in, n_basis, out).
 * backward: gradients of x, unless null, and coef from that of y (n, out), for inputs start to stop of every member. */
#define DEFINE_LAYER(kernel, most_knots, number, name, cpu)                                                        \
    extern "C" int kernel##_forward_##name##_##cpu(const Layer<number> *layer, int64_t degree, const number *x,    \
                                                   const number *coef, number *y, int64_t start, int64_t stop) {   \
        typedef number T;                                                                                          \
        if (Status status = check(*layer, degree, most_knots)) return status;                                      \
        FOR_EACH_DEGREE(kernel::forward_all, *layer, x, coef, y, start, stop)                                      \
    }                                                                                                              \
    extern "C" int kernel##_backward_##name##_##cpu(const Layer<number> *layer, int64_t degree, const number *x,   \
                                                    const number *coef, const number *grad_y, number *grad_x,      \
                                                    number *grad_coef, int64_t n_samples, int64_t start,           \
                                                    int64_t stop) {                                                \
        typedef number T;                                                                                          \
        if (Status status = check(*layer, degree, most_knots)) return status;                                      \
        FOR_EACH_DEGREE(kernel::backward_all, *layer, x, coef, grad_y, grad_x, grad_coef, n_samples, start, stop)  \
    }

/* forward: y = all edges of x, for outputs start to stop.
 * backward: gradients, added up, of x and the polynomials from that of y, for inputs start to stop. */
#define DEFINE_EDGES(number, name, cpu)                                                                            \
    extern "C" int edges_forward_##name##_##cpu(const edges::Edges<number> *layer, int64_t order, const number *x, \
                                                number *y, int64_t start, int64_t stop) {                          \
        typedef number T;                                                                                          \
        FOR_EACH_ORDER(edges::forward, *layer, x, y, start, stop)                                                  \
    }                                                                                                              \
    extern "C" int edges_backward_##name##_##cpu(const edges::Edges<number> *layer, int64_t order,                 \
                                                 const number *x, const number *grad_y, number *grad_x,            \
                                                 number *grad_polynomials, int64_t start, int64_t stop) {          \
        typedef number T;                                                                                          \
        FOR_EACH_ORDER(edges::backward, *layer, x, grad_y, grad_x, grad_polynomials, start, stop)                  \
    }

#define DEFINE_LAYERS_FOR(number, name, cpu)                  \
    DEFINE_LAYER(spline, MAX_KNOTS, number, name, cpu)        \
    DEFINE_LAYER(few, few::FEW_KNOTS, number, name, cpu)      \
    DEFINE_EDGES(number, name, cpu)
#define DEFINE_LAYERS(cpu)                     \
    DEFINE_LAYERS_FOR(float, float32, cpu)     \
    DEFINE_LAYERS_FOR(double, float64, cpu)

#endif
