"""Differential equations by conditioning a spectral Gaussian process."""

import warnings
from typing import Any, ClassVar, Self

import numpy as np

from .._adoption import adopt
from .._compat import fit_context
from .._surroundings import on_one_thread, trainable
from ._base import BaseEquationSolver
from ._grid import solve_grid
from ._grid_parameters import read_values, solve_with_unknowns
from ._reading import read_axes, read_parameters, read_rows
from ._scattered import solve_rows
from ._sides import is_periodic, rows_of_axis

UNCERTAIN = 0.01  # relative error that is warned of
UNRESOLVED = 0.03  # residual that is; noise in a source may be as large


class GPEquationSolver(BaseEquationSolver):
    """Solution of a differential equation by a Gaussian process that finds its own frequencies.

    A linear operator on a Gaussian process is a Gaussian process, so a linear equation is solved by conditioning once,
    and a nonlinear one by a few Gauss-Newton steps. The process is a spectral mixture; its peaks are the frequencies
    that stand out of the source, of the boundary values, and of what the equation leaves.

    Parameters
    ----------
    residual : callable
        ``residual(x, u)`` of points, a tensor of shape (n, D), and the solution there. ``u`` is its value, ``u[0]``
        ∂u/∂x₀, ``u[0, 1]`` ∂²u/∂x₀∂x₁, up to four indices. It returns one number for each point, zero where the
        equation holds, and may use functions of torch and NumPy. A function of a module can be pickled.
    parameters : dict of str to float or (float, float), optional
        Coefficients that `residual` takes by name: known ones as numbers, unknown ones as the interval to look in.

    Attributes
    ----------
    residual_ : float
        What the equation leaves at points that it was not solved at, relative to its largest term.
    relative_error_ : float
        Expected error of the solution, relative to its size, both as root mean squares over the points.
    frequencies_ : ndarray of shape (n_peaks, D)
        Centres of the spectrum's peaks, in cycles per unit; the first is zero, the smooth part.
    parameters_ : dict of str to float
        All parameters' values, unknown ones at their posterior mean.
    parameter_intervals_ : dict of str to (float, float)
        The middle 90 % of the posterior of each unknown parameter.
    noise_ : dict of str to float
        Standard deviation of the rows of each kind, in the units of `y`.
    n_iter_ : int
        Gauss-Newton steps.
    domain_ : ndarray of shape (D, 2)
        The lowest and highest coordinate along each axis.
    n_features_in_ : int

    See Also
    --------
    GPSpectralRegressor : The same spectrum, learned from values alone.

    Notes
    -----
    By Wiener-Khinchin a mixture of Gaussian peaks is a covariance. It is written as waves on a lattice of frequencies,
    with variances that are the spectrum's values. Rows are whitened by them and solved by a singular value
    decomposition, which keeps twice the digits of a decomposition of the covariance itself. Peaks' weights and the
    rows' noise are those that make the rows most likely.

    References
    ----------
    Fang, Cooley, Long, Li, Kirby, Zhe (2024), *Solving high frequency and multi-scale PDEs with Gaussian processes*,
    arXiv:2311.04465.

    Chen, Hosseini, Owhadi, Stuart (2021), *Solving and learning nonlinear PDEs with Gaussian processes*, Journal of
    Computational Physics.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import GPEquationSolver
    >>> def residual(x, u):
    ...     return u[0, 0] + 1e4 * np.sin(100 * x[:, 0])
    >>> solver = GPEquationSolver(residual)
    >>> x = np.linspace(0, 2 * np.pi, 400)
    >>> solver.fit_grid((x,), boundary=0.0)
    GPEquationSolver(residual=...)
    >>> mean, std = solver.predict([[1.0], [2.0]], return_std=True)
    >>> bool(np.abs(mean - np.sin([100.0, 200.0])).max() < 1e-8)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {"residual": [callable], "parameters": [dict, None]}

    def __init__(self, residual, *, parameters=None) -> None:
        self.residual = residual
        self.parameters = parameters

    @fit_context(prefer_skip_nested_validation=True)
    @trainable()
    @on_one_thread()
    def fit(self, X, y=None, kind="equation") -> Self:
        """Solve on scattered rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, D)
            Points.
        y : array-like of shape (n_rows,), optional
            What the row's operator is to be there, 0 by default. It may be noisy; how much is learned.
        kind : str, callable, or sequence of them of length n_rows, default="equation"
            The operator of each row: "equation" is `residual`, "value" the solution itself, and a function of x and u
            anything else, such as a flux, ``lambda x, u: u[0]``. Rows with the same function share a noise level. No
            more conditions than the equation has orders are met exactly.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If rows, kinds, or the residual cannot be used.

        Warns
        -----
        UserWarning
            If the solution is uncertain by more than 1 %.
        """
        solution = solve_rows(read_rows(self.residual, X, y, kind), read_parameters(self.parameters))
        return self._adopt(solution)

    @fit_context(prefer_skip_nested_validation=True)
    @trainable()
    @on_one_thread()
    def fit_grid(self, axes, boundary, X=None, y=None) -> Self:
        """Solve on a grid.

        Parameters
        ----------
        axes : sequence of array-like, each of shape (n_d,)
            Coordinates along each axis, ascending. The equation holds at all points of the grid.
        boundary : callable, array-like of shape (n_1, ..., n_D), or dict
            Values on the grid's edges, met exactly: a function of points (n, D), or values on the grid, of which only
            the edges are read, or one number. NaN where there is no condition, such as at the end of time.

            A dict has a condition for each side. Its keys are ``(axis, 0)`` for the start of an axis, ``(axis, -1)``
            for its end, and ``axis`` for both; sides that it does not name have none. A condition is a value: a
            number, a function of points, an array of the side's shape; or a function of points and the solution that
            is zero there, such as ``lambda x, u: u[0]`` for a slope of zero; or a list of conditions; or "periodic",
            for both ends of an axis.
        X : array-like of shape (n_values, D), optional
            Points where the solution was measured, if `parameters` has intervals.
        y : array-like of shape (n_values,), optional
            What was measured there. It may be noisy; how much is learned.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If axes, boundary, measured values, or the residual cannot be used.

        Warns
        -----
        UserWarning
            If the solution is uncertain by more than 1 %.

        Examples
        --------
        Heat in a rod with one end at 0 and the other one insulated, from a sine.

        >>> import numpy as np
        >>> from sklearn_kan import GPEquationSolver
        >>> rod, time = np.linspace(0, 1, 30), np.linspace(0, 1, 30)
        >>> start = lambda x: np.sin(np.pi / 2 * x[:, 0])
        >>> sides = {(0, 0): 0.0, (0, -1): lambda x, u: u[0], (1, 0): start}
        >>> solver = GPEquationSolver(lambda x, u: u[1] - 0.2 * u[0, 0]).fit_grid((rod, time), sides)
        >>> float(solver.predict([[1.0, 1.0]]).round(4)[0]), float(np.exp(-0.2 * (np.pi / 2) ** 2).round(4))
        (0.6105, 0.6105)
        """
        axes, parameters = read_axes(axes), read_parameters(self.parameters)
        values = read_values(X, y, axes, [name for name, value in parameters.items() if np.ndim(value)])
        if len(axes) == 1 and not is_periodic(boundary):
            return self._adopt(solve_rows(rows_of_axis(self.residual, axes[0], boundary, values), parameters))
        if values is not None:
            return self._adopt(solve_with_unknowns(self.residual, axes, boundary, parameters, *values))
        return self._adopt(solve_grid(self.residual, axes, boundary, parameters))

    def _adopt(self, solution):
        """Set what was found, and warn if it is not much."""
        adopt(
            self, solution, _field=solution.field, residual_=solution.residual,
            relative_error_=solution.relative_error, frequencies_=solution.frequencies,
            parameters_=solution.parameters, parameter_intervals_=solution.intervals, noise_=solution.noise,
            n_iter_=solution.n_iter, domain_=solution.domain,
        )  # fmt: skip
        if not (self.relative_error_ < UNCERTAIN and self.residual_ < UNRESOLVED):
            warnings.warn(
                f"The solution is uncertain: its expected relative error is {self.relative_error_:.1g}, and the "
                f"equation leaves {self.residual_:.1g} of its largest term between the points. More or denser points, "
                "missing conditions, or less noise would help.",
                stacklevel=6,
            )
        return self
