/* Losses of rows and their gradients, as training/_losses.py has them. */
#ifndef SKLEARN_KAN_CRITERIA_H
#define SKLEARN_KAN_CRITERIA_H

#include "network.h"

namespace {

enum Loss { SQUARED, ABSOLUTE, HUBER, PINBALL, POISSON, TWEEDIE, CROSS_ENTROPY };

/* Targets of a block: numbers (n_targets, ROWS), or classes. */
template <class T> struct Targets {
    T *y;
    int32_t classes[ROWS];
};

template <class T>
INLINE void gather_targets(const Task<T> &task, const int64_t *rows, int n_rows, int n_padded, Targets<T> &targets) {
    for (int r = 0; r < n_padded; r++) {
        const int64_t row = rows[r < n_rows ? r : 0]; /* padding repeats a row, and weighs nothing */
        if (task.classes) targets.classes[r] = (int32_t)task.classes[row];
        for (int64_t k = 0; k < task.n_targets; k++) targets.y[k * ROWS + r] = task.y[row * task.n_targets + k];
    }
}

/* Weights of a block's rows for a member. */
template <class T>
INLINE void gather_weights(const Task<T> &task, int64_t n_members, int64_t m, const int64_t *rows, int n_rows,
                           int n_padded, T *weight) {
    for (int r = 0; r < n_padded; r++) {
        weight[r] = r < n_rows ? task.weight[rows[r]] : 0;
        if (r < n_rows && task.holds_out)
            weight[r] *= task.holds_out[task.fold[rows[r]] * n_members + m] == task.are_held_out;
    }
}

/* Loss of a number x where y is right, and its derivative. */
template <class T, int BYTES>
INLINE typename On<T, BYTES>::V loss_of(const Task<T> &task, T level, typename On<T, BYTES>::V x,
                                        typename On<T, BYTES>::V y, typename On<T, BYTES>::V *slope) {
    typedef On<T, BYTES> Lanes;
    typedef typename Lanes::V V;
    const V zero = {}, error = x - y, size = error < 0 ? -error : error;
    const V sign = error > 0 ? zero + 1 : error < 0 ? zero - 1 : zero;
    if (task.loss == SQUARED) {
        *slope = error;
        return T(0.5) * error * error;
    }
    if (task.loss == ABSOLUTE) {
        *slope = sign;
        return size;
    }
    if (task.loss == HUBER) {
        const T delta = (T)task.power;
        *slope = size < delta ? error : delta * sign;
        return size < delta ? T(0.5) * error * error : delta * (size - T(0.5) * delta);
    }
    if (task.loss == PINBALL) {
        *slope = error > 0 ? zero + (1 - level) : error < 0 ? zero - level : zero + (T(0.5) - level);
        return error > 0 ? (1 - level) * error : -level * error;
    }
    const T largest = (T)task.largest, p = (T)task.power;
    if (task.loss == POISSON) {
        const V at = Lanes::min(x, zero + largest), mean = Lanes::exp(at);
        *slope = x > largest ? zero : mean - y;
        return mean - y * at;
    }
    /* Tweedie's, but for what depends on the target alone, which is added where losses are reported. */
    const V at = Lanes::max(Lanes::min(x, zero + largest), zero - largest);
    const V over = Lanes::exp((1 - p) * at) * y, under = Lanes::exp((2 - p) * at);
    *slope = x > largest ? zero : x < -largest ? zero : under - over;
    return (p == 2 ? at : under / (2 - p)) - over / (1 - p);
}

/* Sum of the weighted losses of a block, and their gradients times `scale`, from outputs (n_outputs, ROWS). */
template <class T, int BYTES>
INLINE double criterion(const Task<T> &task, int64_t n_outputs, const Targets<T> &targets, const T *weight, T scale,
                        int n_padded, const T *x, T *g) {
    typedef On<T, BYTES> Lanes;
    typedef typename Lanes::V V;
    V total = {};
    for (int r = 0; r < n_padded; r += Lanes::N) {
        const V w = Lanes::from(weight + r);
        if (task.loss != CROSS_ENTROPY) {
            for (int64_t k = 0; k < n_outputs; k++) {
                const int64_t target = task.n_targets == n_outputs ? k : 0;
                V slope;
                const V loss = loss_of<T, BYTES>(task, task.levels ? task.levels[k] : T(0),
                                                 Lanes::from(x + k * ROWS + r),
                                                 Lanes::from(targets.y + target * ROWS + r), &slope);
                total += loss * w / T(n_outputs);
                Lanes::to(g + k * ROWS + r, slope * w * (scale / T(n_outputs)));
            }
            continue;
        }
        V highest = Lanes::from(x + r), sum = {};
        for (int64_t k = 1; k < n_outputs; k++) highest = Lanes::max(highest, Lanes::from(x + k * ROWS + r));
        for (int64_t k = 0; k < n_outputs; k++) {
            const V power = Lanes::exp(Lanes::from(x + k * ROWS + r) - highest);
            Lanes::to(g + k * ROWS + r, power);
            sum += power;
        }
        V of_class = {};
        for (int l = 0; l < Lanes::N; l++) of_class[l] = x[targets.classes[r + l] * ROWS + r + l];
        total += (Lanes::log(sum) + highest - of_class) * w;
        for (int64_t k = 0; k < n_outputs; k++) Lanes::to(g + k * ROWS + r, Lanes::from(g + k * ROWS + r) / sum * w * scale);
        for (int l = 0; l < Lanes::N; l++) g[targets.classes[r + l] * ROWS + r + l] -= weight[r + l] * scale;
    }
    return Lanes::sum(total);
}

}  // namespace

#endif
