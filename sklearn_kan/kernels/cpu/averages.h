/* What members predict together. */
#ifndef SKLEARN_KAN_AVERAGES_H
#define SKLEARN_KAN_AVERAGES_H

#include "network.h"

namespace {

/* How members are averaged: not at all, outputs, what they are logarithms of, or probabilities of classes. */
enum Average { NO_AVERAGE, OF_OUTPUTS, OF_EXPONENTIALS, OF_PROBABILITIES };

/* Logarithms of probabilities in place of a member's outputs, (n_outputs, ROWS). */
template <class T, int BYTES> INLINE void log_softmax(T *x, int64_t n_outputs, int n_padded) {
    typedef On<T, BYTES> Lanes;
    for (int r = 0; r < n_padded; r += Lanes::N) {
        auto highest = Lanes::from(x + r), sum = Lanes::all(0);
        for (int64_t k = 1; k < n_outputs; k++) highest = Lanes::max(highest, Lanes::from(x + k * ROWS + r));
        for (int64_t k = 0; k < n_outputs; k++) sum += Lanes::exp(Lanes::from(x + k * ROWS + r) - highest);
        const auto total = highest + Lanes::log(sum);
        for (int64_t k = 0; k < n_outputs; k++)
            Lanes::to(x + k * ROWS + r, Lanes::from(x + k * ROWS + r) - total);
    }
}

/* Weighted average of members' outputs x, (n_chosen, n, ROWS), or the logarithm of what they are logarithms of. */
template <class T, int BYTES>
INLINE void average_members(bool of_logarithms, const T *x, int64_t n_chosen, int64_t n, int n_padded, const T *weights,
                            T *to) {
    typedef On<T, BYTES> Lanes;
    for (int64_t at = 0; at < n * ROWS; at += ROWS)
        for (int r = 0; r < n_padded; r += Lanes::N) {
            auto highest = Lanes::all(-INFINITY), sum = Lanes::all(0);
            for (int64_t c = 0; of_logarithms && c < n_chosen; c++)
                if (weights[c] > 0) highest = Lanes::max(highest, Lanes::from(x + c * n * ROWS + at + r));
            for (int64_t c = 0; c < n_chosen; c++) {
                if (weights[c] == 0) continue;
                const auto own = Lanes::from(x + c * n * ROWS + at + r);
                sum += weights[c] * (of_logarithms ? Lanes::exp(own - highest) : own);
            }
            Lanes::to(to + at + r, of_logarithms ? highest + Lanes::log(sum) : sum);
        }
}

/* Outputs of a block's rows from those of members x, (n_chosen, n_outputs, ROWS), for rows from `block` on: averaged
 * with weights that sum to one, by way of `sum`, or of each member. */
template <class T, int BYTES>
INLINE void combine(int64_t n_outputs, int64_t n_chosen, const T *weights, int64_t average, int n_rows, int n_padded,
                    T *x, T *sum, T *y, int64_t block) {
    if (!average) {
        const int64_t width = n_chosen * n_outputs;
        for (int r = 0; r < n_rows; r++)
            for (int64_t k = 0; k < width; k++) y[(block + r) * width + k] = x[k * ROWS + r];
        return;
    }
    for (int64_t c = 0; average == OF_PROBABILITIES && c < n_chosen; c++)
        log_softmax<T, BYTES>(x + c * n_outputs * ROWS, n_outputs, n_padded);
    average_members<T, BYTES>(average != OF_OUTPUTS, x, n_chosen, n_outputs, n_padded, weights, sum);
    for (int r = 0; r < n_rows; r++)
        for (int64_t k = 0; k < n_outputs; k++) y[(block + r) * n_outputs + k] = sum[k * ROWS + r];
}

}  // namespace

#endif
