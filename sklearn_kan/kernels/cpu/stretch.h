/* One stretch of memory that is divided into parts. */
#ifndef SKLEARN_KAN_STRETCH_H
#define SKLEARN_KAN_STRETCH_H

#include "vectors.h"

namespace {

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

}  // namespace

#endif
