"""Pictures of solved equations."""

import matplotlib as mpl
import numpy as np
import pytest

from sklearn_kan import GPEquationSolver
from sklearn_kan.equations import EquationDisplay
from tests.equations.problems import wave

mpl.use("Agg")


def test_lines_show_what_the_solver_says():
    solver = GPEquationSolver(wave).fit_grid((np.linspace(0, 1, 60),), boundary=[0, np.sin(30)])
    display = EquationDisplay.from_estimator(solver)
    line = display.axes_[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), np.sin(30 * line.get_xdata()), atol=1e-8)
    frequencies, amplitudes = display.spectra[0]
    assert abs(frequencies[amplitudes.argmax()] - 30 / (2 * np.pi)) < 1
    assert np.abs(display.residual).max() < 1e-6


def test_maps_show_the_first_two_axes():
    def residual(x, u):
        return u[0, 0] + u[1, 1] - 2

    axis = np.linspace(0, 1, 20)
    solver = GPEquationSolver(residual).fit_grid((axis, axis), boundary=lambda X: X[:, 0] ** 2 + X[:, 1])
    display = EquationDisplay.from_estimator(solver)
    x, y = display.points
    np.testing.assert_allclose(display.solution, x[:, None] ** 2 + y, atol=1e-8)
    assert [axis.get_title() for axis in display.axes_] == ["solution", "what the equation leaves", "spectrum"]
    with pytest.raises(ValueError, match="there are 3 pictures"):
        EquationDisplay.from_estimator(solver, axes=display.axes_[:2])
