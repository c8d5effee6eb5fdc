/* One member of an ensemble on a block of rows: forward, and backward from the gradients of its outputs. */
#ifndef SKLEARN_KAN_PASSES_H
#define SKLEARN_KAN_PASSES_H

#include "criteria.h"
#include "narrow.h"
#include "wide.h"

namespace {

/* Memory that a thread works in. Layer l turns units[l - 1] into units[l], all (outputs, ROWS); those of the last layer
 * are the network's outputs. */
template <class T> struct Work {
    T *columns, *vectors, *vector_gradients, *units[MAX_LAYERS], *shares[MAX_LAYERS], *rates[MAX_LAYERS];
    T *tile, *gradients[2], weight[ROWS];
    Local<T> *inputs, *hidden[MAX_LAYERS]; /* of the columns; of wide layers */
    Slopes<T> *slopes[MAX_LAYERS];
    Levels<T> *levels;
    Targets<T> targets;
    void *memory;
};

INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Where parts of one stretch of memory lie; a first round without memory finds its length. */
struct Stretch {
    char *start;
    size_t used;
};

template <class S> INLINE S *part(Stretch &stretch, int64_t n) {
    S *here = (S *)(stretch.start + stretch.used);
    stretch.used += (n * sizeof(S) + 127) / 64 * 64;
    return here;
}

template <class T> INLINE void divide(const Network<T> &net, int64_t n_targets, Stretch &stretch, Work<T> &work) {
    int64_t widest = PADDING;
    for (int64_t l = 0; l < net.n_layers; l++) widest = most(widest, most(net.layers[l].n_inputs, net.layers[l].width));
    const int64_t n = ROWS * (widest + PADDING);
    work.columns = part<T>(stretch, net.n_columns * ROWS);
    work.vectors = part<T>(stretch, net.n_vectors * net.n_dim * ROWS);
    work.vector_gradients = part<T>(stretch, net.n_vectors * net.n_dim * ROWS);
    work.tile = part<T>(stretch, n);
    for (auto &gradients : work.gradients) gradients = part<T>(stretch, n);
    work.inputs = part<Local<T>>(stretch, net.n_numbers);
    work.levels = part<Levels<T>>(stretch, net.n_codes);
    work.targets.y = part<T>(stretch, n_targets * ROWS);
    for (int64_t l = 0; l < net.n_layers; l++) {
        work.units[l] = part<T>(stretch, n);
        work.shares[l] = part<T>(stretch, n);
        work.rates[l] = part<T>(stretch, ROWS);
        const int64_t n_hidden = l && !net.layers[l].is_narrow ? net.layers[l].n_inputs : 0;
        work.hidden[l] = part<Local<T>>(stretch, n_hidden);
        work.slopes[l] = part<Slopes<T>>(stretch, n_hidden);
    }
}

/* Memory for a network; false if there is none. To be freed as `memory`. */
template <class T> INLINE bool prepare(const Network<T> &net, int64_t n_targets, Work<T> &work) {
    Stretch length = {nullptr, 64};
    divide(net, n_targets, length, work);
    work.memory = calloc(1, length.used);
    if (!work.memory) return false;
    Stretch stretch = {(char *)(((uintptr_t)work.memory + 63) / 64 * 64), 0};
    divide(net, n_targets, stretch, work);
    return true;
}

/* Columns of a block of rows, in the bases of all kinds of members. */
template <class T, int BYTES>
INLINE void read_block(const Network<T> &net, const T *x, const int64_t *rows, int n_rows, int n_padded, bool training,
                       Work<T> &work) {
    gather(x, net.n_columns, rows, n_rows, work.columns);
    for (int64_t i = 0; i < net.n_numbers; i++) {
        T *column = work.columns + i * ROWS;
        activate<T, BYTES>(column, n_padded, work.inputs[i].silu, (T *)nullptr);
        for (int r = n_rows; r < n_padded; r++) work.inputs[i].silu[r] = 0;
        for (int kind = net.n_fine == net.n_members; kind < 1 + (net.n_fine > 0); kind++)
            evaluate<T, BYTES>(net.layers[0].spline[kind], i, kind, column, n_rows, n_padded, training, work.inputs[i],
                               (Slopes<T> *)nullptr);
    }
    for (int64_t c = 0; c < net.n_codes; c++)
        read_levels(work.columns + net.code_columns[c] * ROWS, net.code_starts[c],
                    net.code_starts[c + 1] - net.code_starts[c], n_rows, n_padded, training, work.levels[c]);
    const int64_t width = net.n_vectors * net.n_dim;
    for (int64_t c = 0; c < net.n_vectors; c++)
        for (int r = 0; r < n_padded; r++) {
            const T code = work.columns[net.vector_columns[c] * ROWS + r];
            const int64_t start = net.vector_starts[c], n = net.vector_starts[c + 1] - start;
            T *to = work.vectors + r * width + c * net.n_dim;
            const bool is_known = r < n_rows && code > 0 && code < n;
            for (int64_t e = 0; e < net.n_dim; e++)
                to[e] = is_known ? net.embeddings[(start + (int64_t)code) * net.n_dim + e] : 0;
        }
}

template <class P, class T> INLINE Weights<P> weights_of(const Network<T> &net, const Layer<T> &layer, int kind, P of) {
    const bool is_first = &layer == net.layers;
    return {of + layer.weight,
            layer.base == NONE ? nullptr : of + layer.base,
            of + layer.bias,
            is_first && net.table != NONE ? of + net.table : nullptr,
            is_first && net.mixing != NONE ? of + net.mixing : nullptr,
            layer.spline[kind].n_basis,
            layer.width};
}

template <class T>
INLINE Given<T> given_first(const Network<T> &net, const Work<T> &work, int kind, int n_rows, int n_padded) {
    return {work.inputs, work.levels, work.vectors, net.n_numbers, net.n_codes, net.n_vectors * net.n_dim, kind, n_rows,
            n_padded};
}

template <class T>
INLINE Given<T> given_hidden(const Layer<T> &layer, const Local<T> *inputs, int n_rows, int n_padded) {
    return {inputs, nullptr, nullptr, layer.n_inputs, 0, 0, 0, n_rows, n_padded};
}

/* Hidden units behind layer l, as the layer after it takes them. */
template <class T>
INLINE Units<T> units_behind(const Network<T> &net, int64_t m, int64_t l, const Work<T> &work, int n_rows,
                             int n_padded, bool training) {
    const Layer<T> &layer = net.layers[l];
    const T *own = net.parameters + m * net.stride;
    return {work.units[l], training ? work.shares[l] : nullptr, layer.has_norm ? own + layer.norm_weight : nullptr,
            layer.has_norm ? own + layer.norm_bias : nullptr, layer.n_outputs, n_rows, n_padded};
}

/* Outputs of member m in work.units of the last layer; what backward needs stays there too. */
template <class T, int BYTES>
INLINE void forward_member(const Network<T> &net, int64_t m, int n_rows, int n_padded, bool training, Work<T> &work) {
    typedef On<T, BYTES> Lanes;
    const int kind = kind_of(net, m);
    const T *own = net.parameters + m * net.stride, *scaled = net.scaled + m * net.stride;
    const Layer<T> &first = net.layers[0];
    contract<T, BYTES>(given_first(net, work, kind, n_rows, n_padded), weights_of<const T *>(net, first, kind, scaled),
                       work.tile);
    Lanes::transpose(work.tile, first.width, n_padded, (int)first.width, work.units[0], ROWS);
    for (int64_t l = 1; l < net.n_layers; l++) {
        const Layer<T> &layer = net.layers[l];
        if (net.layers[l - 1].has_norm)
            normalise<T, BYTES>(work.units[l - 1], layer.n_inputs, n_padded, work.rates[l - 1]);
        const Units<T> units = units_behind(net, m, l - 1, work, n_rows, n_padded, training);
        if (layer.is_narrow) {
            sum_edges<T, BYTES>(layer, kind, units, net.tables + m * net.table_stride + layer.polynomials,
                                layer.base == NONE ? nullptr : own + layer.base, own + layer.bias, work.units[l]);
            continue;
        }
        for (int64_t j = 0; j < layer.n_inputs; j++) {
            T x[ROWS];
            Local<T> &input = work.hidden[l][j];
            Slopes<T> *slopes = training ? work.slopes[l] + j : nullptr;
            for (int r = 0; r < n_padded; r += Lanes::N) Lanes::to(x + r, activation<T, BYTES>(units, j, r));
            activate<T, BYTES>(x, n_padded, input.silu, slopes ? slopes->silu : nullptr);
            evaluate<T, BYTES>(layer.spline[kind], j, 0, x, n_rows, n_padded, training, input, slopes);
        }
        contract<T, BYTES>(given_hidden(layer, work.hidden[l], n_rows, n_padded),
                           weights_of<const T *>(net, layer, kind, own), work.tile);
        Lanes::transpose(work.tile, layer.width, n_padded, (int)layer.width, work.units[l], ROWS);
    }
}

/* Gradients of a wide layer's outputs, (ROWS, width), from (n_outputs, ROWS). */
template <class T, int BYTES> INLINE void tile_of(const Layer<T> &layer, T *g, int n_padded, T *tile) {
    memset(g + layer.n_outputs * ROWS, 0, (layer.width - layer.n_outputs) * ROWS * sizeof(T));
    On<T, BYTES>::transpose(g, ROWS, (int)layer.width, n_padded, tile, layer.width);
}

/* Gradients of member m's parameters from those of its outputs, which work.gradients[0] holds. */
template <class T, int BYTES>
INLINE void backward_member(const Network<T> &net, int64_t m, int n_rows, int n_padded, Work<T> &work) {
    const int kind = kind_of(net, m);
    const T *own = net.parameters + m * net.stride, *scaled = net.scaled + m * net.stride;
    T *to = net.gradients + m * net.stride, *g = work.gradients[0], *next = work.gradients[1];
    for (int64_t l = net.n_layers - 1; l > 0; l--) {
        const Layer<T> &layer = net.layers[l], &before = net.layers[l - 1];
        const Units<T> units = units_behind(net, m, l - 1, work, n_rows, n_padded, true);
        if (layer.is_narrow) {
            const bool has_base = layer.base != NONE;
            sum_edges_back<T, BYTES>(layer, kind, units, net.tables + m * net.table_stride + layer.polynomials,
                                     has_base ? own + layer.base : nullptr, g, to + layer.weight,
                                     has_base ? to + layer.base : nullptr, to + layer.bias, next);
        } else {
            const Given<T> given = given_hidden(layer, work.hidden[l], n_rows, n_padded);
            tile_of<T, BYTES>(layer, g, n_padded, work.tile);
            contract_back<T, BYTES>(given, work.tile, weights_of<T *>(net, layer, kind, to));
            slopes_back<T, BYTES>(given, work.slopes[l], weights_of<const T *>(net, layer, kind, own), work.tile, next);
        }
        if (before.has_norm)
            normalise_back<T, BYTES>(units, work.rates[l - 1], next, to + before.norm_weight, to + before.norm_bias);
        T *was = g;
        g = next;
        next = was;
    }
    const Layer<T> &first = net.layers[0];
    const Given<T> given = given_first(net, work, kind, n_rows, n_padded);
    tile_of<T, BYTES>(first, g, n_padded, work.tile);
    contract_back<T, BYTES>(given, work.tile, weights_of<T *>(net, first, kind, to));
    if (net.n_vectors)
        vectors_back<T, BYTES>(given, weights_of<const T *>(net, first, kind, scaled), work.tile, work.vector_gradients);
}

/* Gradients of embedded levels from those that all members have for a block. */
template <class T> INLINE void embed_back(const Network<T> &net, int n_rows, Work<T> &work) {
    const int64_t width = net.n_vectors * net.n_dim;
    for (int64_t c = 0; c < net.n_vectors; c++)
        for (int r = 0; r < n_rows; r++) {
            const T code = work.columns[net.vector_columns[c] * ROWS + r];
            const int64_t start = net.vector_starts[c], n = net.vector_starts[c + 1] - start;
            if (!(code > 0 && code < n)) continue;
            T *to = net.embedding_gradients + (start + (int64_t)code) * net.n_dim;
            for (int64_t e = 0; e < net.n_dim; e++) to[e] += work.vector_gradients[r * width + c * net.n_dim + e];
        }
}

}  // namespace

#endif
