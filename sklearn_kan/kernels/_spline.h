/* Included once for each number type T. */

typedef struct {
    const T *knots, *pieces, *origin, *rate;
    const int64_t *first;
    int64_t n_knots, n_inputs, n_basis, n_outputs;
} NAMED(layer);

/* Values, slopes and coefficients' places of the non-zero basis functions, for a group of inputs and a block of rows. */
typedef struct {
    T value[GROUP][BLOCK][MAX_ORDER], slope[GROUP][BLOCK][MAX_ORDER];
    int64_t at[GROUP][BLOCK];
} NAMED(local);

INLINE void NAMED(evaluate)(const NAMED(layer) *layer, const T *x, int64_t i, int n_rows, T (*value)[MAX_ORDER],
                            T (*slope)[MAX_ORDER], int64_t *at, int order, int with_slopes) {
    const T *knots = layer->knots + i * layer->n_knots;
    T place[BLOCK];
    int32_t row[BLOCK];
    for (int r = 0; r < n_rows; r++) place[r] = x[r * layer->n_inputs + i];
    for (int r = 0; r < n_rows; r++) row[r] = (int32_t)(i * (layer->n_knots + 1));
    for (int64_t k = 0; k < layer->n_knots; k++)
        for (int r = 0; r < n_rows; r++) row[r] += knots[k] <= place[r];
    for (int r = 0; r < n_rows; r++) {
        const T *piece = layer->pieces + (int64_t)row[r] * order * order;
        T rate = layer->rate[row[r]], u = (place[r] - layer->origin[row[r]]) * rate;
        at[r] = (i * layer->n_basis + layer->first[row[r]]) * layer->n_outputs;
        for (int f = 0; f < order; f++) value[r][f] = piece[(order - 1) * order + f];
        for (int p = order - 2; p >= 0; p--)
            for (int f = 0; f < order; f++) value[r][f] = value[r][f] * u + piece[p * order + f];
        if (!with_slopes) continue;
        for (int f = 0; f < order; f++) slope[r][f] = 0;
        for (int p = order - 1; p >= 1; p--)
            for (int f = 0; f < order; f++) slope[r][f] = slope[r][f] * u + p * rate * piece[p * order + f];
    }
}

INLINE void NAMED(forward_order)(const NAMED(layer) *layer, const T *restrict x, const T *restrict coef,
                                 T *restrict y, int64_t start, int64_t stop, int order) {
    int64_t n_outputs = layer->n_outputs;
    NAMED(local) local;
    for (int64_t block = start; block < stop; block += BLOCK) {
        int n_rows = (int)LEAST(BLOCK, stop - block);
        for (int64_t group = 0; group < layer->n_inputs; group += GROUP) {
            int n_inputs = (int)LEAST(GROUP, layer->n_inputs - group);
            for (int i = 0; i < n_inputs; i++)
                NAMED(evaluate)(layer, x + block * layer->n_inputs, group + i, n_rows, local.value[i], local.slope[i],
                                local.at[i], order, 0);
            for (int i = 0; i < n_inputs; i++)
                for (int r = 0; r < n_rows; r++) {
                    const T *v = local.value[i][r], *c = coef + local.at[i][r];
                    T *yr = y + (block + r) * n_outputs;
                    for (int64_t o = 0; o < n_outputs; o++) {
                        T sum = yr[o];
                        for (int f = 0; f < order; f++) sum += v[f] * c[f * n_outputs + o];
                        yr[o] = sum;
                    }
                }
        }
    }
}

INLINE void NAMED(backward_order)(const NAMED(layer) *layer, const T *restrict x, const T *restrict coef,
                                  const T *restrict grad_y, T *restrict grad_x, T *restrict grad_coef, int64_t n,
                                  int64_t start, int64_t stop, int order) {
    int64_t n_outputs = layer->n_outputs;
    NAMED(local) local;
    for (int64_t block = 0; block < n; block += BLOCK) {
        int n_rows = (int)LEAST(BLOCK, n - block);
        for (int64_t group = start; group < stop; group += GROUP) {
            int n_inputs = (int)LEAST(GROUP, stop - group);
            for (int i = 0; i < n_inputs; i++)
                NAMED(evaluate)(layer, x + block * layer->n_inputs, group + i, n_rows, local.value[i], local.slope[i],
                                local.at[i], order, 1);
            for (int i = 0; i < n_inputs; i++)
                for (int r = 0; r < n_rows; r++) {
                    const T *v = local.value[i][r], *d = local.slope[i][r], *c = coef + local.at[i][r];
                    const T *g = grad_y + (block + r) * n_outputs;
                    T *gc = grad_coef + local.at[i][r], sum = 0;
                    for (int64_t o = 0; o < n_outputs; o++) {
                        T slope = 0;
                        for (int f = 0; f < order; f++) slope += d[f] * c[f * n_outputs + o];
                        for (int f = 0; f < order; f++) gc[f * n_outputs + o] += v[f] * g[o];
                        sum += g[o] * slope;
                    }
                    grad_x[(block + r) * layer->n_inputs + group + i] += sum;
                }
        }
    }
}

/* y (n, out) += layer of x (n, in) for rows start to stop; coef is (in, n_basis, out). */
EXPORT FOR_EACH_CPU void NAMED(spline_forward)(const T *x, const T *knots, const T *pieces, const T *origin,
                                               const T *rate, const int64_t *first, const T *coef, T *y,
                                               int64_t n_inputs, int64_t n_knots, int64_t n_basis, int64_t n_outputs,
                                               int64_t degree, int64_t start, int64_t stop) {
    NAMED(layer) layer = {knots, pieces, origin, rate, first, n_knots, n_inputs, n_basis, n_outputs};
    switch (degree) {
        case 0: NAMED(forward_order)(&layer, x, coef, y, start, stop, 1); break;
        case 1: NAMED(forward_order)(&layer, x, coef, y, start, stop, 2); break;
        case 2: NAMED(forward_order)(&layer, x, coef, y, start, stop, 3); break;
        case 3: NAMED(forward_order)(&layer, x, coef, y, start, stop, 4); break;
        case 4: NAMED(forward_order)(&layer, x, coef, y, start, stop, 5); break;
        case 5: NAMED(forward_order)(&layer, x, coef, y, start, stop, 6); break;
    }
}

/* Gradients of x (n, in) and coef (in, n_basis, out), added up from that of y (n, out), for inputs start to stop. */
EXPORT FOR_EACH_CPU void NAMED(spline_backward)(const T *x, const T *knots, const T *pieces, const T *origin,
                                                const T *rate, const int64_t *first, const T *coef, const T *grad_y,
                                                T *grad_x, T *grad_coef, int64_t n, int64_t n_inputs, int64_t n_knots,
                                                int64_t n_basis, int64_t n_outputs, int64_t degree, int64_t start,
                                                int64_t stop) {
    NAMED(layer) layer = {knots, pieces, origin, rate, first, n_knots, n_inputs, n_basis, n_outputs};
    switch (degree) {
        case 0: NAMED(backward_order)(&layer, x, coef, grad_y, grad_x, grad_coef, n, start, stop, 1); break;
        case 1: NAMED(backward_order)(&layer, x, coef, grad_y, grad_x, grad_coef, n, start, stop, 2); break;
        case 2: NAMED(backward_order)(&layer, x, coef, grad_y, grad_x, grad_coef, n, start, stop, 3); break;
        case 3: NAMED(backward_order)(&layer, x, coef, grad_y, grad_x, grad_coef, n, start, stop, 4); break;
        case 4: NAMED(backward_order)(&layer, x, coef, grad_y, grad_x, grad_coef, n, start, stop, 5); break;
        case 5: NAMED(backward_order)(&layer, x, coef, grad_y, grad_x, grad_coef, n, start, stop, 6); break;
    }
}
