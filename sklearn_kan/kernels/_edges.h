/* Included once for each number type T: edges that have knots of their own.
 *
 * An edge is a polynomial on each interval between its knots, in powers of u = (x - origin) * rate; order of them in a
 * row, n_knots + 1 rows. Rows of the table of inputs are taken in blocks, so that all but the last loop vectorise.
 * Inputs and outputs are stored column by column: x is (in, n), y is (out, n).
 */

typedef struct {
    const T *polynomials, *knots, *origin, *rate;
    int64_t n, n_knots, n_inputs, n_outputs;
} NAMED(edges);

/* Row of the edge's table and place on the interval, for some x. */
INLINE void NAMED(place)(const NAMED(edges) *edges, int64_t edge, const T *restrict x, int n, int32_t *restrict row,
                         T *restrict u) {
    const T *knots = edges->knots + edge * edges->n_knots;
    const T *origin = edges->origin + edge * (edges->n_knots + 1), *rate = edges->rate + edge * (edges->n_knots + 1);
    for (int r = 0; r < n; r++) row[r] = 0;
    for (int64_t k = 0; k < edges->n_knots; k++)
        for (int r = 0; r < n; r++) row[r] += knots[k] <= x[r];
    for (int r = 0; r < n; r++) u[r] = (x[r] - origin[row[r]]) * rate[row[r]];
}

INLINE void NAMED(edges_forward_order)(const NAMED(edges) *edges, const T *restrict x, T *restrict y, int64_t start,
                                       int64_t stop, int order) {
    int32_t row[ROWS];
    T u[ROWS], value[ROWS];
    for (int64_t o = start; o < stop; o++)
        for (int64_t i = 0; i < edges->n_inputs; i++) {
            int64_t edge = o * edges->n_inputs + i;
            const T *table = edges->polynomials + edge * (edges->n_knots + 1) * order;
            for (int64_t block = 0; block < edges->n; block += ROWS) {
                int n = (int)LEAST(ROWS, edges->n - block);
                T *sum = y + o * edges->n + block;
                NAMED(place)(edges, edge, x + i * edges->n + block, n, row, u);
                for (int r = 0; r < n; r++) value[r] = table[row[r] * order + order - 1];
                for (int p = order - 2; p >= 0; p--)
                    for (int r = 0; r < n; r++) value[r] = value[r] * u[r] + table[row[r] * order + p];
                for (int r = 0; r < n; r++) sum[r] += value[r];
            }
        }
}

INLINE void NAMED(edges_backward_order)(const NAMED(edges) *edges, const T *restrict x, const T *restrict grad_y,
                                        T *restrict grad_x, T *restrict grad_polynomials, T *restrict grad_origin,
                                        T *restrict grad_rate, int64_t start, int64_t stop, int order) {
    int32_t row[ROWS];
    T u[ROWS], slope[ROWS];
    int64_t n_rows = edges->n_knots + 1;
    for (int64_t i = start; i < stop; i++)
        for (int64_t o = 0; o < edges->n_outputs; o++) {
            int64_t edge = o * edges->n_inputs + i;
            const T *table = edges->polynomials + edge * n_rows * order;
            const T *origin = edges->origin + edge * n_rows, *rate = edges->rate + edge * n_rows;
            for (int64_t block = 0; block < edges->n; block += ROWS) {
                int n = (int)LEAST(ROWS, edges->n - block);
                const T *g = grad_y + o * edges->n + block, *place = x + i * edges->n + block;
                T *gx = grad_x + i * edges->n + block, *gp = grad_polynomials + edge * n_rows * order;
                NAMED(place)(edges, edge, place, n, row, u);
                for (int r = 0; r < n; r++) slope[r] = 0;
                for (int p = order - 1; p >= 1; p--)
                    for (int r = 0; r < n; r++) slope[r] = slope[r] * u[r] + p * table[row[r] * order + p];
                for (int r = 0; r < n; r++) slope[r] *= g[r];
                for (int r = 0; r < n; r++) gx[r] += slope[r] * rate[row[r]];
                for (int r = 0; r < n; r++) {
                    T power = g[r];
                    for (int p = 0; p < order; p++, power *= u[r]) gp[row[r] * order + p] += power;
                }
                if (!grad_origin) continue;
                T *go = grad_origin + edge * n_rows, *gr = grad_rate + edge * n_rows;
                for (int r = 0; r < n; r++) {
                    go[row[r]] -= slope[r] * rate[row[r]];
                    gr[row[r]] += slope[r] * (place[r] - origin[row[r]]);
                }
            }
        }
}

INLINE void NAMED(edges_forward_any)(const NAMED(edges) *edges, const T *x, T *y, int64_t start, int64_t stop,
                                     int64_t order) {
    switch (order) {
        case 1: NAMED(edges_forward_order)(edges, x, y, start, stop, 1); break;
        case 2: NAMED(edges_forward_order)(edges, x, y, start, stop, 2); break;
        case 3: NAMED(edges_forward_order)(edges, x, y, start, stop, 3); break;
        case 4: NAMED(edges_forward_order)(edges, x, y, start, stop, 4); break;
        case 5: NAMED(edges_forward_order)(edges, x, y, start, stop, 5); break;
        case 6: NAMED(edges_forward_order)(edges, x, y, start, stop, 6); break;
    }
}

INLINE void NAMED(edges_backward_any)(const NAMED(edges) *edges, const T *x, const T *g, T *gx, T *gp, T *go, T *gr,
                                      int64_t start, int64_t stop, int64_t order) {
    switch (order) {
        case 1: NAMED(edges_backward_order)(edges, x, g, gx, gp, go, gr, start, stop, 1); break;
        case 2: NAMED(edges_backward_order)(edges, x, g, gx, gp, go, gr, start, stop, 2); break;
        case 3: NAMED(edges_backward_order)(edges, x, g, gx, gp, go, gr, start, stop, 3); break;
        case 4: NAMED(edges_backward_order)(edges, x, g, gx, gp, go, gr, start, stop, 4); break;
        case 5: NAMED(edges_backward_order)(edges, x, g, gx, gp, go, gr, start, stop, 5); break;
        case 6: NAMED(edges_backward_order)(edges, x, g, gx, gp, go, gr, start, stop, 6); break;
    }
}

GATHERS static void NAMED(edges_forward_gathers)(const NAMED(edges) *edges, const T *x, T *y, int64_t start,
                                                 int64_t stop, int64_t order) {
    NAMED(edges_forward_any)(edges, x, y, start, stop, order);
}

GATHERS static void NAMED(edges_backward_gathers)(const NAMED(edges) *edges, const T *x, const T *g, T *gx, T *gp,
                                                  T *go, T *gr, int64_t start, int64_t stop, int64_t order) {
    NAMED(edges_backward_any)(edges, x, g, gx, gp, go, gr, start, stop, order);
}

/* y (out, n) += all edges of x (in, n), for outputs start to stop. */
EXPORT void NAMED(edges_forward)(const T *x, const T *polynomials, const T *knots, const T *origin, const T *rate,
                                 T *y, int64_t n, int64_t n_knots, int64_t n_inputs, int64_t n_outputs,
                                 int64_t order, int64_t start, int64_t stop) {
    NAMED(edges) edges = {polynomials, knots, origin, rate, n, n_knots, n_inputs, n_outputs};
    if (HAS_GATHERS) NAMED(edges_forward_gathers)(&edges, x, y, start, stop, order);
    else NAMED(edges_forward_any)(&edges, x, y, start, stop, order);
}

/* Gradients added up from that of y (out, n), for inputs start to stop; those of origin and rate unless null. */
EXPORT void NAMED(edges_backward)(const T *x, const T *polynomials, const T *knots, const T *origin, const T *rate,
                                  const T *grad_y, T *grad_x, T *grad_polynomials, T *grad_origin, T *grad_rate,
                                  int64_t n, int64_t n_knots, int64_t n_inputs, int64_t n_outputs, int64_t order,
                                  int64_t start, int64_t stop) {
    NAMED(edges) edges = {polynomials, knots, origin, rate, n, n_knots, n_inputs, n_outputs};
    if (HAS_GATHERS)
        NAMED(edges_backward_gathers)
        (&edges, x, grad_y, grad_x, grad_polynomials, grad_origin, grad_rate, start, stop, order);
    else
        NAMED(edges_backward_any)
        (&edges, x, grad_y, grad_x, grad_polynomials, grad_origin, grad_rate, start, stop, order);
}
