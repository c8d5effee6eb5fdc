"""How predictions and targets agree: calibration of classes, residuals of numbers."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.calibration import calibration_curve

from ._drawing import BLUE, GREY, few_ticks, short, tidy

N_BINS, MOST_CLASSES, MOST_POINTS = 10, 5, 2_000


def draw_fit(model, X, y):
    """A figure of a model's calibration, or of its residuals."""
    import matplotlib.pyplot as plt

    if is_classifier(model):
        figure, axis = plt.subplots(figsize=(5.5, 4.5), layout="constrained")
        draw_calibration(axis, model, X, np.asarray(y))
        return figure
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    draw_residuals(axes, np.asarray(y, dtype=float), np.asarray(model.predict(X), dtype=float))
    return figure


def draw_calibration(axis, model, X, y):
    """Shares of classes among rows by their predicted probability."""
    proba, classes = model.predict_proba(X), model.classes_
    shown = [1] if len(classes) == 2 else list(range(min(len(classes), MOST_CLASSES)))
    axis.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    for i in shown:
        true, predicted = calibration_curve(y == classes[i], proba[:, i], n_bins=N_BINS, strategy="quantile")
        axis.plot(predicted, true, "o-", markersize=4, linewidth=1, label=short(classes[i]))
    axis.set_xlabel("mean predicted probability", fontsize=9)
    axis.set_ylabel("share of the class among the rows", fontsize=9)
    axis.legend(fontsize=8, frameon=False)
    tidy(axis)


def draw_residuals(axes, y, predicted):
    """Targets against predictions, and residuals against predictions; of several outputs the first."""
    if predicted.ndim > 1:
        middle = predicted.shape[1] // 2 if y.ndim == 1 else 0  # of quantiles
        predicted, y = predicted[:, middle], y if y.ndim == 1 else y[:, 0]
    places = np.random.RandomState(0).permutation(len(y))[:MOST_POINTS]
    y, predicted = y[places], predicted[places]
    axes[0].scatter(predicted, y, s=6, alpha=0.4, color=BLUE, linewidths=0)
    ends = [min(y.min(), predicted.min()), max(y.max(), predicted.max())]
    axes[0].plot(ends, ends, color=GREY, linewidth=0.8)
    axes[1].scatter(predicted, y - predicted, s=6, alpha=0.4, color=BLUE, linewidths=0)
    axes[1].axhline(0, color=GREY, linewidth=0.8)
    for axis, label in zip(axes, ("target", "target minus prediction"), strict=True):
        axis.set_xlabel("prediction", fontsize=9)
        axis.set_ylabel(label, fontsize=9)
        tidy(axis)
        few_ticks(axis)
