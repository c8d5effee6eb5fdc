"""Differences of a spline's coefficients, which tell how it bends."""

import torch

from ._placement import extended


def second_differences(knots, degree):
    """Matrices D whose ``|D c|**2`` is the roughness of splines: about ``h**3`` times the integral of ``f''**2``.

    With h the mean spacing of coefficients. For uniform knots these are the second differences of P-splines; for
    others divided ones, which are the coefficients of ``f''`` (Li & Cao 2022, arXiv:2201.06808; de Boor, ch. X), so
    that straight lines have none, each weighted by the part of the axis that it stands for.

    Parameters
    ----------
    knots : Tensor of shape (in_features, n_knots)
        Rows may end in ``inf``.
    degree : int

    Returns
    -------
    Tensor of shape (in_features, max(0, n_basis - 2), n_basis), float64
    """
    t, count = extended(knots.double(), degree), knots.isfinite().sum(1)
    n_basis = knots.shape[1] + degree - 1
    if n_basis < 3:  # too few to bend
        return t.new_zeros(len(t), 0, n_basis)
    sites = t[:, 1:-1].unfold(1, degree, 1).mean(2) if degree else (t[:, 1:] + t[:, :-1]) / 2
    spacing = (sites[:, -1:] - sites[:, :1]) / (n_basis - 1)
    step = sites.diff(dim=1) / spacing
    if degree > 1:
        reach = t[:, 2:-2].unfold(1, degree - 1, 1).mean(2).diff(dim=1) / spacing
    else:
        reach = (step[:, 1:] + step[:, :-1]) / 2
    eye = torch.eye(n_basis, dtype=t.dtype, device=t.device)
    slopes = eye.diff(dim=0) / step[..., None]
    is_there = torch.arange(n_basis - 2, device=t.device) < (count + degree - 3)[:, None]
    return slopes.diff(dim=1) * (is_there / reach.sqrt())[..., None]
