/* One member of an ensemble on a block of rows: forward, and backward from the gradients of its outputs. */
#ifndef SKLEARN_KAN_PASSES_H
#define SKLEARN_KAN_PASSES_H

#include "criteria.h"
#include "narrow.h"
#include "stretch.h"
#include "wide.h"

namespace {

/* What backward needs of a network's forward pass. Layer l turns units[l - 1] into units[l], all (outputs, ROWS); those
 * of the last layer are the network's outputs. */
template <class T> struct Trace {
    T *units[MAX_LAYERS], *shares[MAX_LAYERS], *rates[MAX_LAYERS];
    Local<T> *hidden[MAX_LAYERS]; /* of wide layers */
    Slopes<T> *slopes[MAX_LAYERS];
};

/* Memory that a thread works in. `outputs` and their gradients, (n_outputs, ROWS), are those of the sum of all parts. */
template <class T> struct Work {
    T *columns, *vectors, *vector_gradients, *outputs, *output_gradients;
    T *tile, *gradients[2], weight[ROWS];
    Local<T> *inputs; /* of the columns */
    Trace<T> *traces; /* of the network, and of its parts */
    Levels<T> *levels;
    Targets<T> targets;
    void *memory;
};

/* Numbers of the widest layer on a block of rows. */
template <class T> INLINE int64_t widest_of(const Network<T> &net) {
    int64_t widest = most(PADDING, net.n_outputs);
    for (int64_t l = 0; l < net.n_layers; l++) widest = most(widest, most(net.layers[l].n_inputs, net.layers[l].width));
    return ROWS * (widest + PADDING);
}

template <class T> INLINE void divide_trace(const Network<T> &net, int64_t n, Stretch &stretch, Trace<T> &trace) {
    for (int64_t l = 0; l < net.n_layers; l++) {
        trace.units[l] = part<T>(stretch, n);
        trace.shares[l] = part<T>(stretch, n);
        trace.rates[l] = part<T>(stretch, ROWS);
        const int64_t n_hidden = l && !net.layers[l].is_narrow ? net.layers[l].n_inputs : 0;
        trace.hidden[l] = part<Local<T>>(stretch, n_hidden);
        trace.slopes[l] = part<Slopes<T>>(stretch, n_hidden);
    }
}

template <class T> INLINE void divide(const Network<T> &net, int64_t n_targets, Stretch &stretch, Work<T> &work) {
    int64_t n = widest_of(net);
    for (int64_t p = 0; p < net.n_parts; p++) n = most(n, widest_of(net.parts[p]));
    work.columns = part<T>(stretch, net.n_columns * ROWS);
    work.vectors = part<T>(stretch, net.n_vectors * net.n_dim * ROWS);
    work.vector_gradients = part<T>(stretch, net.n_vectors * net.n_dim * ROWS);
    work.tile = part<T>(stretch, n);
    for (auto &gradients : work.gradients) gradients = part<T>(stretch, n);
    work.outputs = part<T>(stretch, n);
    work.output_gradients = part<T>(stretch, n);
    work.inputs = part<Local<T>>(stretch, net.n_numbers);
    work.levels = part<Levels<T>>(stretch, net.n_codes);
    work.targets.y = part<T>(stretch, n_targets * ROWS);
    Trace<T> *traces = part<Trace<T>>(stretch, 1 + net.n_parts), unused;
    for (int64_t p = 0; p <= net.n_parts; p++) {
        const Network<T> &own = p ? net.parts[p - 1] : net;
        divide_trace(own, widest_of(own), stretch, stretch.start ? traces[p] : unused);
    }
    work.traces = traces;
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
        read_levels(work.columns + net.code_columns[c] * ROWS, net.code_starts[c + 1] - net.code_starts[c], n_rows,
                    n_padded, training, work.levels[c]);
    read_vectors(net, work.columns, n_rows, n_padded, work.vectors);
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
            n_padded, net.inputs, net.codes, net.code_starts};
}

template <class T>
INLINE Given<T> given_hidden(const Layer<T> &layer, const Local<T> *inputs, int n_rows, int n_padded) {
    return {inputs, nullptr, nullptr, layer.n_inputs, 0, 0, 0, n_rows, n_padded, nullptr, nullptr, nullptr};
}

/* Hidden units behind layer l, as the layer after it takes them. */
template <class T>
INLINE Units<T> units_behind(const Network<T> &net, int64_t m, int64_t l, const Trace<T> &trace, int n_rows,
                             int n_padded, bool training) {
    const Layer<T> &layer = net.layers[l];
    const T *own = net.parameters + m * net.stride;
    return {trace.units[l], training ? trace.shares[l] : nullptr, layer.has_norm ? own + layer.norm_weight : nullptr,
            layer.has_norm ? own + layer.norm_bias : nullptr, layer.n_outputs, n_rows, n_padded};
}

/* Weights of member m's first layer, times the factors of their inputs. */
template <class T> INLINE const T *first_weights(const Network<T> &net, int64_t m) {
    return (has_factors(net) ? net.scaled : net.parameters) + m * net.stride;
}

/* Outputs of member m by one network in trace.units of the last layer. */
template <class T, int BYTES>
INLINE void forward_network(const Network<T> &net, int64_t m, int n_rows, int n_padded, bool training, Work<T> &work,
                            Trace<T> &trace) {
    typedef On<T, BYTES> Lanes;
    const int kind = kind_of(net, m);
    const T *own = net.parameters + m * net.stride, *scaled = first_weights(net, m);
    const Layer<T> &first = net.layers[0];
    contract<T, BYTES>(given_first(net, work, kind, n_rows, n_padded), weights_of<const T *>(net, first, kind, scaled),
                       work.tile);
    Lanes::transpose(work.tile, first.width, n_padded, (int)first.width, trace.units[0], ROWS);
    for (int64_t l = 1; l < net.n_layers; l++) {
        const Layer<T> &layer = net.layers[l];
        if (net.layers[l - 1].has_norm)
            normalise<T, BYTES>(trace.units[l - 1], layer.n_inputs, n_padded, trace.rates[l - 1]);
        const Units<T> units = units_behind(net, m, l - 1, trace, n_rows, n_padded, training);
        if (layer.is_narrow) {
            sum_edges<T, BYTES>(layer, kind, units, net.tables + m * net.table_stride + layer.polynomials,
                                layer.base == NONE ? nullptr : own + layer.base, own + layer.bias, trace.units[l]);
            continue;
        }
        for (int64_t j = 0; j < layer.n_inputs; j++) {
            T x[ROWS];
            Local<T> &input = trace.hidden[l][j];
            Slopes<T> *slopes = training ? trace.slopes[l] + j : nullptr;
            for (int r = 0; r < n_padded; r += Lanes::N) Lanes::to(x + r, activation<T, BYTES>(units, j, r));
            activate<T, BYTES>(x, n_padded, input.silu, slopes ? slopes->silu : nullptr);
            evaluate<T, BYTES>(layer.spline[kind], j, 0, x, n_rows, n_padded, training, input, slopes);
        }
        contract<T, BYTES>(given_hidden(layer, trace.hidden[l], n_rows, n_padded),
                           weights_of<const T *>(net, layer, kind, own), work.tile);
        Lanes::transpose(work.tile, layer.width, n_padded, (int)layer.width, trace.units[l], ROWS);
    }
}

/* Outputs of member m in work.outputs, those of all parts added up; what backward needs stays in the traces. */
template <class T, int BYTES>
INLINE void forward_member(const Network<T> &net, int64_t m, int n_rows, int n_padded, bool training, Work<T> &work) {
    typedef On<T, BYTES> Lanes;
    memset(work.outputs, 0, net.n_outputs * ROWS * sizeof(T));
    for (int64_t p = net.n_layers == 0; p <= net.n_parts; p++) {
        const Network<T> &own = p ? net.parts[p - 1] : net;
        forward_network<T, BYTES>(own, m, n_rows, n_padded, training, work, work.traces[p]);
        const T *from = work.traces[p].units[own.n_layers - 1];
        for (int64_t k = 0; k < net.n_outputs * ROWS; k += ROWS)
            for (int r = 0; r < n_padded; r += Lanes::N)
                Lanes::to(work.outputs + k + r, Lanes::from(work.outputs + k + r) + Lanes::from(from + k + r));
    }
}

/* Gradients of a wide layer's outputs, (ROWS, width), from (n_outputs, ROWS). */
template <class T, int BYTES> INLINE void tile_of(const Layer<T> &layer, T *g, int n_padded, T *tile) {
    memset(g + layer.n_outputs * ROWS, 0, (layer.width - layer.n_outputs) * ROWS * sizeof(T));
    On<T, BYTES>::transpose(g, ROWS, (int)layer.width, n_padded, tile, layer.width);
}

/* Gradients of one network's parameters in member m from those of its outputs, which work.gradients[0] holds. */
template <class T, int BYTES>
INLINE void backward_network(const Network<T> &net, int64_t m, int n_rows, int n_padded, Work<T> &work,
                             const Trace<T> &trace) {
    const int kind = kind_of(net, m);
    const T *own = net.parameters + m * net.stride, *scaled = first_weights(net, m);
    T *to = net.gradients + m * net.stride, *g = work.gradients[0], *next = work.gradients[1];
    for (int64_t l = net.n_layers - 1; l > 0; l--) {
        const Layer<T> &layer = net.layers[l], &before = net.layers[l - 1];
        const Units<T> units = units_behind(net, m, l - 1, trace, n_rows, n_padded, true);
        if (layer.is_narrow) {
            const bool has_base = layer.base != NONE;
            sum_edges_back<T, BYTES>(layer, kind, units, net.tables + m * net.table_stride + layer.polynomials,
                                     has_base ? own + layer.base : nullptr, g, to + layer.weight,
                                     has_base ? to + layer.base : nullptr, to + layer.bias, next);
        } else {
            const Given<T> given = given_hidden(layer, trace.hidden[l], n_rows, n_padded);
            tile_of<T, BYTES>(layer, g, n_padded, work.tile);
            contract_back<T, BYTES>(given, work.tile, weights_of<T *>(net, layer, kind, to));
            slopes_back<T, BYTES>(given, trace.slopes[l], weights_of<const T *>(net, layer, kind, own), work.tile, next);
        }
        if (before.has_norm)
            normalise_back<T, BYTES>(units, trace.rates[l - 1], next, to + before.norm_weight, to + before.norm_bias);
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

/* Gradients of member m's parameters from those of its outputs, which work.output_gradients holds. */
template <class T, int BYTES>
INLINE void backward_member(const Network<T> &net, int64_t m, int n_rows, int n_padded, Work<T> &work) {
    for (int64_t p = net.n_layers == 0; p <= net.n_parts; p++) {
        memcpy(work.gradients[0], work.output_gradients, net.n_outputs * ROWS * sizeof(T));
        backward_network<T, BYTES>(p ? net.parts[p - 1] : net, m, n_rows, n_padded, work, work.traces[p]);
    }
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
