"""
A differential equation
=======================

``GPEquationSolver`` takes an equation as a function that is to be zero. Here a membrane with waves of two lengths is
held at its edges, and then the conductivity of a rod is learned from twenty noisy temperatures.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_kan import GPEquationSolver
from sklearn_kan.equations import EquationDisplay


def truth(x):
    return np.sin(6 * x[:, 0]) * np.sin(20 * x[:, 1]) + 0.3 * np.sin(40 * x[:, 0])


def membrane(x, u):
    x = x.numpy()
    source = -(36 + 400) * np.sin(6 * x[:, 0]) * np.sin(20 * x[:, 1]) - 480 * np.sin(40 * x[:, 0])
    return u[0, 0] + u[1, 1] - source


axis = np.linspace(0, 1, 80)
solver = GPEquationSolver(membrane).fit_grid((axis, axis), boundary=truth)
places = np.random.default_rng(0).uniform(size=(1_000, 2))
off = np.abs(solver.predict(places) - truth(places)).max()
print(f"The solution is off by {off:.1e} at the most, and expects {solver.relative_error_:.0e} of its size.")

display = EquationDisplay.from_estimator(solver)
display.figure_.set_size_inches(12, 3.2)

# %%
# The waves of 40 radians per unit, 6.4 cycles, are found in the source; smooth functions tell the others. Next the
# conductivity is unknown.


def rod(x, u, conductivity):
    return conductivity * u[0, 0] + np.sin(3 * x[:, 0])


def measured(x, u):
    return u


rng = np.random.default_rng(0)
sensors = np.sort(rng.uniform(size=20))
temperature = (np.sin(3 * sensors) - sensors * np.sin(3)) / 9 / 0.7 + 0.01 * rng.normal(size=20)
X = np.r_[np.linspace(0, 1, 30), 0, 1, sensors][:, None]
y = np.r_[np.zeros(32), temperature]
kind = ["equation"] * 30 + ["value"] * 2 + [measured] * 20
model = GPEquationSolver(rod, parameters={"conductivity": (0.1, 10)}).fit(X, y, kind)
low, high = model.parameter_intervals_["conductivity"]
print(f"Conductivity 0.7, learned {model.parameters_['conductivity']:.2f}, 90 % in [{low:.2f}, {high:.2f}].")

line = np.linspace(0, 1, 200)
mean, std = model.predict(line[:, None], return_std=True)
_, ax = plt.subplots(figsize=(5, 3), layout="constrained")
ax.fill_between(line, mean - 2 * std, mean + 2 * std, alpha=0.3)
ax.plot(line, mean, label="solution")
ax.plot(sensors, temperature, "k.", label="measured")
ax.set(xlabel="place", ylabel="temperature")
ax.legend()
plt.show()
