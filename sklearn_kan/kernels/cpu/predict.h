/* Outputs of all members of a prepared network with one hidden layer: several members' units are summed side by side,
 * then a member's are looked up in the polynomials of its last layer. */
#ifndef SKLEARN_KAN_PREDICT_H
#define SKLEARN_KAN_PREDICT_H

#include "averages.h"
#include "cubics.h"
#include "encode.h"
#include "sums.h"

namespace {

/* Outputs of all members on the block of rows whose columns the desk has, in desk.of_members. */
template <class T, int BYTES>
INLINE void predict_block(const Network<T> &net, const Places<T> &at, int n_rows, int n_padded, Desk<T> &desk) {
    const int64_t width = net.layers[0].width;
    for (int64_t i = 0; has_base(net, 0) && i < net.n_numbers; i++)
        activate<T, BYTES>(desk.columns + i * ROWS, n_padded, desk.silu + i * ROWS, (T *)nullptr);
    for (int64_t c = 0; c < net.n_codes; c++)
        read_levels(desk.columns + net.code_columns[c] * ROWS, net.code_starts[c + 1] - net.code_starts[c], n_rows,
                    n_padded, false, desk.levels[c]);
    read_vectors(net, desk.columns, n_rows, n_padded, desk.vectors);
    int64_t m = 0;
    for (int kind = 0; kind < 2; kind++) {
        if (!at.n_members[kind]) continue;
        read_inputs<T, BYTES>(net, at, kind, n_padded, desk);
        const T *coef = net.prepared + at.coefficients[kind];
        for (int64_t left = at.n_members[kind]; left > 0; left -= at.together) {
            const int64_t n = left < at.together ? left : at.together;
            sum_group<T, BYTES>(net, coef, kind, n * width, (n_rows + 3) / 4 * 4, n_padded, desk);
            coef += n * width * at.rows[kind];
            for (int64_t k = 0; k < n; k++, m++)
                finish_member<T, BYTES>(net, at, m, desk.units + k * width * ROWS, n_padded,
                                        desk.of_members + m * net.n_outputs * ROWS);
        }
    }
}

/* As `outputs`, of all members for the rows of a table from start to stop. */
template <class T, int BYTES>
INLINE int predict(const Network<T> &net, const Table &table, const T *weights, int64_t average, T *y, int64_t start,
                   int64_t stop) {
    const Places<T> at = places_of<T, BYTES>(net);
    Desk<T> desk;
    if (!lay(net, at.together, desk)) return NO_MEMORY;
    for (int64_t block = start; block < stop; block += ROWS) {
        const int n_rows = least(ROWS, stop - block), n_padded = (n_rows + PADDING - 1) / PADDING * PADDING;
        if (!table.encoder)
            gather_next((const T *)table.numbers + block * net.n_columns, net.n_columns, n_rows, n_padded, desk.columns);
        else if (!encode<T, BYTES>(table, block, n_rows, n_padded, desk.columns))
            return NOT_FINITE;
        predict_block<T, BYTES>(net, at, n_rows, n_padded, desk);
        combine<T, BYTES>(net.n_outputs, net.n_members, weights, average, n_rows, n_padded, desk.of_members, desk.sum,
                          y, block);
    }
    return DONE;
}

/* How much memory a network that is like this one has to be prepared in, in numbers; 0 for those that are others. */
template <class T, int BYTES> INLINE int64_t size_prepared(const Network<T> &net) {
    const bool is_served = net.n_parts == 0 && net.n_layers == 2 && net.layers[1].is_narrow &&
                           net.layers[1].spline[0].knots == net.layers[1].spline[1].knots;
    return is_served ? places_of<T, BYTES>(net).size : 0;
}

}  // namespace

/* The library's functions for vectors of so many bytes, for one generation of processors. */
#define DEFINE_PREDICT_FOR(T, name, cpu, BYTES)                                                                   \
    extern "C" int network_predict_##name##_##cpu(const Network<T> *net, const Table *table, const T *weights,    \
                                                  int64_t average, T *y, int64_t start, int64_t stop) {           \
        return predict<T, BYTES>(*net, *table, weights, average, y, start, stop);                                 \
    }                                                                                                             \
    extern "C" int64_t network_prepared_##name##_##cpu(const Network<T> *net) {                                   \
        return size_prepared<T, BYTES>(*net);                                                                     \
    }                                                                                                             \
    extern "C" int network_prepare_##name##_##cpu(const Network<T> *net) {                                        \
        prepare_all<T, BYTES>(*net, net->prepared);                                                               \
        return DONE;                                                                                              \
    }
#define DEFINE_PREDICT(cpu, BYTES)                  \
    DEFINE_PREDICT_FOR(float, float32, cpu, BYTES)  \
    DEFINE_PREDICT_FOR(double, float64, cpu, BYTES)

#endif
