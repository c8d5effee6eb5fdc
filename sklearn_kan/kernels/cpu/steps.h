/* Steps of AdamW on an ensemble, and its outputs, in one call each.
 *
 * Rows are taken in blocks that stay in cache from the inputs to the gradients of all parameters. Members share nothing
 * but the rows, and embedded columns where there are some: threads take members each, and results do not depend on how
 * many threads there are.
 */
#ifndef SKLEARN_KAN_STEPS_H
#define SKLEARN_KAN_STEPS_H

#include "averages.h"
#include "passes.h"

namespace {

template <class T, int BYTES> INLINE void multiply(const T *from, T *to, int64_t start, int64_t n, T factor) {
    typedef On<T, BYTES> Lanes;
    for (int64_t k = start; k < start + n; k += Lanes::N) Lanes::to(to + k, Lanes::from(from + k) * factor);
}

/* Tables of polynomials of a network's narrow layers in member m. */
template <class T> INLINE void tabulate_member(const Network<T> &net, int64_t m) {
    for (int64_t l = 1; l < net.n_layers; l++)
        if (net.layers[l].is_narrow)
            tabulate(net.layers[l], kind_of(net, m), net.parameters + m * net.stride + net.layers[l].weight,
                     net.tables + m * net.table_stride + net.layers[l].polynomials);
}

/* Weights of member m's first layer times the factors of their inputs, and tables of polynomials. */
template <class T, int BYTES> INLINE void expand(const Network<T> &net, int64_t m) {
    for (int64_t p = 0; p <= net.n_parts; p++) tabulate_member(p ? net.parts[p - 1] : net, m); /* parts have no factors */
    if (!has_factors(net)) return;
    const T *own = net.parameters + m * net.stride;
    T *to = net.scaled + m * net.stride;
    const int kind = kind_of(net, m);
    const Layer<T> &first = net.layers[0];
    const int64_t size = first.spline[kind].n_basis * first.width;
    for (int64_t i = 0; i < first.n_inputs; i++) {
        const T factor = first.scale == NONE ? 1 : own[first.scale + i];
        multiply<T, BYTES>(own, to, first.weight + i * size, size, factor);
        if (first.base != NONE) multiply<T, BYTES>(own, to, first.base + i * first.width, first.width, factor);
    }
    multiply<T, BYTES>(own, to, first.bias, first.width, 1);
    for (int64_t c = 0; c < net.n_codes; c++)
        multiply<T, BYTES>(own, to, net.table + net.code_starts[c] * first.width,
                   (net.code_starts[c + 1] - net.code_starts[c]) * first.width,
                   net.table_scale == NONE ? 1 : own[net.table_scale + net.code_columns[c] - net.n_numbers]);
    for (int64_t c = 0; c < net.n_vectors; c++)
        multiply<T, BYTES>(own, to, net.mixing + c * net.n_dim * first.width, net.n_dim * first.width,
                   net.table_scale == NONE ? 1 : own[net.table_scale + net.vector_columns[c] - net.n_numbers]);
}

/* Gradients of a stretch of weights and of the factor that they share, from those of their product. */
template <class T, int BYTES>
INLINE void unscale(T *gradients, const T *own, int64_t start, int64_t n, T factor, T &to_factor) {
    typedef On<T, BYTES> Lanes;
    typename Lanes::V sum = {};
    for (int64_t k = start; k < start + n; k += Lanes::N) {
        const auto gradient = Lanes::from(gradients + k);
        sum += gradient * Lanes::from(own + k);
        Lanes::to(gradients + k, gradient * factor);
    }
    to_factor += Lanes::sum(sum);
}

template <class T, int BYTES> INLINE void unscale_member(const Network<T> &net, int64_t m) {
    const T *own = net.parameters + m * net.stride;
    T *g = net.gradients + m * net.stride;
    const Layer<T> &first = net.layers[0];
    if (first.scale != NONE) {
        const int64_t size = first.spline[kind_of(net, m)].n_basis * first.width;
        for (int64_t i = 0; i < first.n_inputs; i++) {
            const T factor = own[first.scale + i];
            T &to = g[first.scale + i];
            unscale<T, BYTES>(g, own, first.weight + i * size, size, factor, to);
            if (first.base != NONE)
                unscale<T, BYTES>(g, own, first.base + i * first.width, first.width, factor, to);
        }
    }
    if (net.table_scale == NONE) return;
    for (int64_t c = 0; c < net.n_codes; c++) {
        const int64_t at = net.table_scale + net.code_columns[c] - net.n_numbers;
        unscale<T, BYTES>(g, own, net.table + net.code_starts[c] * first.width,
                          (net.code_starts[c + 1] - net.code_starts[c]) * first.width, own[at], g[at]);
    }
    for (int64_t c = 0; c < net.n_vectors; c++) {
        const int64_t at = net.table_scale + net.vector_columns[c] - net.n_numbers;
        unscale<T, BYTES>(g, own, net.mixing + c * net.n_dim * first.width, net.n_dim * first.width, own[at], g[at]);
    }
}

/* What AdamW divides averages by, which begin at zero; `step` counts from 1. */
struct Correction {
    double mean, root;
    template <class T>
    Correction(const Task<T> &task, int64_t step)
        : mean(1 - std::pow(task.beta, (double)step)),
          root(1 / std::sqrt(1 - std::pow(task.beta_square, (double)step))) {}
};

/* AdamW (Loshchilov & Hutter 2019) on n numbers. */
template <class T, int BYTES>
INLINE void adamw(T *p, const T *g, T *mean, T *square, int64_t n, const Task<T> &task, double rate, double decay,
                  const Correction &of_step) {
    typedef On<T, BYTES> Lanes;
    const T beta = (T)task.beta, beta_square = (T)task.beta_square, keep = (T)(1 - rate * decay);
    const T length = (T)(rate / of_step.mean), correction = (T)of_step.root;
    for (int64_t k = 0; k < n; k += Lanes::N) {
        const auto gradient = Lanes::from(g + k);
        const auto m = Lanes::from(mean + k) * beta + gradient * (1 - beta);
        const auto s = Lanes::from(square + k) * beta_square + gradient * gradient * (1 - beta_square);
        Lanes::to(mean + k, m);
        Lanes::to(square + k, s);
        Lanes::to(p + k, Lanes::from(p + k) * keep - length * m / (Lanes::root(s) * correction + (T)task.epsilon));
    }
}

/* Numbers that count without their sign, turned round where they are below zero, with the averages of their gradients. */
template <class T> INLINE void turn_round(T *p, T *mean, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        mean[k] = p[k] < 0 ? -mean[k] : mean[k];
        p[k] = p[k] < 0 ? -p[k] : p[k];
    }
}

/* Gradients of all members from `start` to `stop` on a batch; adds up each one's weighted losses. */
template <class T, int BYTES>
INLINE void differentiate(const Network<T> &net, const Task<T> &task, const int64_t *rows, int64_t n, int64_t start,
                          int64_t stop, double *losses, Work<T> &work) {
    const T scale = (T)(1.0 / ((double)n * net.n_members));
    for (int64_t m = start; m < stop; m++) {
        memset(net.gradients + m * net.stride, 0, net.stride * sizeof(T));
        expand<T, BYTES>(net, m);
    }
    if (net.n_vectors) memset(net.embedding_gradients, 0, net.n_embeddings * net.n_dim * sizeof(T));
    for (int64_t block = 0; block < n; block += ROWS) {
        const int n_rows = least(ROWS, n - block), n_padded = (n_rows + PADDING - 1) / PADDING * PADDING;
        read_block<T, BYTES>(net, task.x, rows + block, n_rows, n_padded, true, work);
        gather_targets(task, rows + block, n_rows, n_padded, work.targets);
        memset(work.vector_gradients, 0, net.n_vectors * net.n_dim * ROWS * sizeof(T));
        for (int64_t m = start; m < stop; m++) {
            gather_weights(task, net.n_members, m, rows + block, n_rows, n_padded, work.weight);
            forward_member<T, BYTES>(net, m, n_rows, n_padded, true, work);
            losses[m] += criterion<T, BYTES>(task, net.n_outputs, work.targets, work.weight, scale, n_padded,
                                             work.outputs, work.output_gradients);
            backward_member<T, BYTES>(net, m, n_rows, n_padded, work);
        }
        embed_back(net, n_rows, work);
    }
    for (int64_t m = start; m < stop; m++) unscale_member<T, BYTES>(net, m);
}

/* Steps on batches of rows, the k-th from bounds[k] to bounds[k + 1] at rates shares[k] times those of segments. */
template <class T, int BYTES>
INLINE int steps(const Network<T> &net, const Task<T> &task, const int64_t *rows, const int64_t *bounds,
                 const double *shares, int64_t n_steps, int64_t n_before, double *losses, int64_t start, int64_t stop) {
    Work<T> work;
    if (!prepare(net, task.n_targets, work)) return NO_MEMORY;
    for (int64_t k = 0; k < n_steps; k++) {
        differentiate<T, BYTES>(net, task, rows + bounds[k], bounds[k + 1] - bounds[k], start, stop, losses, work);
        if (shares == nullptr) continue; /* gradients alone */
        const Correction of_step(task, n_before + k + 1);
        for (int64_t m = start; m < stop; m++) {
            const int64_t at = m * net.stride;
            for (int64_t s = 0; s < net.n_segments; s++) {
                const Segment &segment = net.segments[s];
                const int64_t from = at + segment.start, size = segment.size[kind_of(net, m)];
                adamw<T, BYTES>(net.parameters + from, net.gradients + from, net.mean + from, net.square + from, size,
                                task, shares[k] * segment.rate, segment.has_decay ? task.decay : 0.0, of_step);
                if (segment.is_absolute) turn_round(net.parameters + from, net.mean + from, size);
            }
        }
        if (net.n_vectors)
            adamw<T, BYTES>(net.embeddings, net.embedding_gradients, net.embedding_mean, net.embedding_square,
                            net.n_embeddings * net.n_dim, task, shares[k] * net.embedding_rate, task.decay, of_step);
    }
    free(work.memory);
    return DONE;
}

/* Outputs (n, n_chosen, n_outputs) of some members for rows of a table, all rows in turn if `rows` is null; or
 * (n, n_outputs), averaged with weights that sum to one. */
template <class T, int BYTES>
INLINE int outputs(const Network<T> &net, const T *x, const int64_t *rows, const int64_t *members, int64_t n_chosen,
                   const T *weights, int64_t average, T *y, int64_t start, int64_t stop) {
    const int64_t n_outputs = net.n_outputs, size = n_outputs * ROWS;
    Work<T> work;
    if (!prepare(net, (n_chosen + 1) * n_outputs, work)) return NO_MEMORY;
    T *sum = work.targets.y, *of_members = sum + size;
    int64_t numbers[ROWS];
    for (int64_t block = start; block < stop; block += ROWS) {
        const int n_rows = least(ROWS, stop - block), n_padded = (n_rows + PADDING - 1) / PADDING * PADDING;
        for (int r = 0; r < n_rows; r++) numbers[r] = rows ? rows[block + r] : block + r;
        read_block<T, BYTES>(net, x, numbers, n_rows, n_padded, false, work);
        for (int64_t c = 0; c < n_chosen; c++) {
            forward_member<T, BYTES>(net, members[c], n_rows, n_padded, false, work);
            memcpy(of_members + c * size, work.outputs, size * sizeof(T));
        }
        combine<T, BYTES>(n_outputs, n_chosen, weights, average, n_rows, n_padded, of_members, sum, y, block);
    }
    free(work.memory);
    return DONE;
}

}  // namespace

/* The library's functions for vectors of so many bytes, for one generation of processors. */
#define DEFINE_NETWORK_FOR(T, name, cpu, BYTES)                                                                   \
    extern "C" int network_steps_##name##_##cpu(const Network<T> *net, const Task<T> *task, const int64_t *rows,  \
                                                const int64_t *bounds, const double *shares, int64_t n_steps,     \
                                                int64_t n_before, double *losses, int64_t start, int64_t stop) {  \
        return steps<T, BYTES>(*net, *task, rows, bounds, shares, n_steps, n_before, losses, start, stop);        \
    }                                                                                                             \
    extern "C" int network_expand_##name##_##cpu(const Network<T> *net, int64_t start, int64_t stop) {            \
        for (int64_t m = start; m < stop; m++) expand<T, BYTES>(*net, m);                                         \
        return DONE;                                                                                              \
    }                                                                                                             \
    extern "C" int network_outputs_##name##_##cpu(const Network<T> *net, const T *x, const int64_t *rows,         \
                                                  const int64_t *members, int64_t n_chosen, const T *weights,     \
                                                  int64_t average, T *y, int64_t start, int64_t stop) {           \
        return outputs<T, BYTES>(*net, x, rows, members, n_chosen, weights, average, y, start, stop);             \
    }
#define DEFINE_NETWORK(cpu, BYTES)                  \
    DEFINE_NETWORK_FOR(float, float32, cpu, BYTES)  \
    DEFINE_NETWORK_FOR(double, float64, cpu, BYTES)

#endif
