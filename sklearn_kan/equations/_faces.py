"""Which faces of a grid carry conditions, and a function that meets them."""

import numpy as np

from ._grid_field import applied


def given_faces(edges):
    """Faces with a value at every point: for each axis the ends, 0 for its start and -1 for its end.

    Raises
    ------
    ValueError
        If a face has values at some of its points only.
    """
    faces = []
    for d in range(edges.ndim):
        ends = []
        for end in (0, -1):
            inner = tuple(slice(None) if k == d else slice(1, -1) for k in range(edges.ndim))
            missing = np.isnan(np.take(edges[inner], end, axis=d))
            if not missing.any():
                ends.append(end)
            elif not missing.all():
                raise ValueError(
                    f"boundary is NaN at some points of the face at {'the start' if end == 0 else 'the end'} of axis "
                    f"{d}, but not at all. Give all its values or none, or use fit with rows of kind 'value'."
                )
        faces.append(ends)
    return faces


def needed_faces(faces, linear):
    """At most as many ends of an axis as the equation has derivatives along it.

    Along an axis of first order the condition is where things flow in: in a transport equation opposite to the
    direction of the flow, in a parabolic one at the end from which diffusion smooths.
    """
    kept = []
    second = [np.mean(c) for key, c in linear.coefficients.items() if len(key) == 2 and key[0] == key[1]]
    for d, ends in enumerate(faces):
        order = max((key.count(d) for key in linear.coefficients), default=0)
        if len(ends) <= order:
            kept.append(ends)
        elif order == 1:
            flow = np.mean(linear.coefficients.get((d,), np.zeros(1)))
            forward = flow >= 0 if not second else flow * np.sum(second) <= 0
            kept.append([0] if forward else [-1])
        else:
            kept.append([])
    return kept


def lifted(bases, faces, edges):
    """Coefficients of a function with the values on the faces, and a basis of what vanishes there along each axis."""
    ends = [np.vstack([basis(basis.points[[end]]) for end in on]) if on else np.zeros((0, basis.transform.shape[1]))
            for basis, on in zip(bases, faces, strict=True)]  # fmt: skip
    values = [basis(basis.points) for basis in bases]
    tensor = np.zeros([basis.transform.shape[1] for basis in bases])
    for d, (matrix, on) in enumerate(zip(ends, faces, strict=True)):
        if not on:
            continue
        wanted = np.stack([np.take(edges, end, axis=d) for end in on], axis=d)
        there = applied([matrix if k == d else values[k] for k in range(len(bases))], tensor)
        # other faces' edges are met already; what is not given there is left as it is
        gap = np.where(np.isnan(wanted), 0.0, wanted - there)
        inverse = np.linalg.pinv(matrix)
        tensor = tensor + applied([inverse if k == d else values[k].T for k in range(len(bases))], gap)
    free = [null_space(matrix) for matrix in ends]
    return tensor, free


def null_space(matrix):
    """Orthonormal columns that a matrix with few rows maps to zero."""
    if not len(matrix):
        return np.eye(matrix.shape[1])
    return np.linalg.svd(matrix)[2][len(matrix) :].T
