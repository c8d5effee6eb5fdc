"""A report of a fitted model: one file that opens anywhere."""

from html import escape
from pathlib import Path

import numpy as np
from sklearn import metrics
from sklearn.base import is_classifier

from ..data._dates import to_dates
from ._calibration import draw_fit
from ._drawing import described, number, short
from ._effect_display import EffectDisplay
from ._effects import effects
from ._explain import explain
from ._explanation_display import ExplanationDisplay
from ._importance_display import ImportanceDisplay
from ._learning_display import LearningCurveDisplay
from ._page import as_picture, page, table
from ._reading import reading
from ._strengths import MOST_ROWS as ROWS_OF_PAIRS
from ._strengths import additive_share, interaction_strengths

N_EFFECTS, N_PAIRS, N_EXAMPLES, MOST_COLUMNS = 6, 2, 3, 30
MOST_COLUMNS_OF_PAIRS = 30
MOST_ROWS = 2_000  # on which effects and shares are measured


def report(model, X, y, path=None, *, title=None) -> str:
    """Write a report of a fitted model: data, scores, importances, effects, fit, and three explanations.

    Parameters
    ----------
    model : KANClassifier, KANRegressor, or a pipeline or search with one
        Fitted.
    X : dataframe or array-like of shape (n_samples, n_features)
        Rows to judge by, which the model should not have been fitted to.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets.
    path : str or path-like, optional
        File to write. Without it nothing is written.
    title : str, optional
        By default the name of the estimator.

    Returns
    -------
    html : str
        The page: one static file with its pictures inside, without scripts.

    Raises
    ------
    ValueError
        If `X` and `y` have different numbers of rows.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import report
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> X = X[["bmi", "bp", "s5"]]
    >>> model = KANRegressor((8,), n_members=4, max_iter=5, random_state=0).fit(X[:300], y[:300])
    >>> report(model, X[300:], y[300:]).startswith("<!DOCTYPE html>")
    True
    """
    if len(X) != len(y):
        raise ValueError(f"X has {len(X)} rows and y has {len(y)}. Pass one target for each row.")
    rows = reading(model, X)
    some = first_rows(X, min(len(X), MOST_ROWS))
    name = type(rows.estimator).__name__
    sections = [
        ("Model and data", [about(model, rows), table(["column", "kind", "missing", "values"], columns_of(rows))]),
        ("Scores on the rows of this report", [table(["score", "value"], scores(model, X, y))]),
        ("Which columns matter", [importances(model)]),
        ("Effects", effects_of(model, rows, some)),
        ("Calibration" if is_classifier(rows.estimator) else "Residuals", [as_picture(draw_fit(model, X, y))]),
        ("Three predictions explained", examples(model, X, y)),
        ("Training", [as_picture(LearningCurveDisplay.from_estimator(model).figure_)]),
    ]
    html = page(title or f"{name}: report", sections)
    if path is not None:
        Path(path).write_text(html, encoding="utf-8")
    return html


def first_rows(X, n):
    """The first rows of a table."""
    return X.iloc[:n] if hasattr(X, "iloc") else X[:n]


def row_of(X, place):
    """One row of a table, as a table."""
    return X.iloc[[place]] if hasattr(X, "iloc") else X[place : place + 1]


def about(model, rows):
    """What the model is, in a sentence."""
    part, architecture = rows.estimator, rows.response.model.architecture
    sizes = " and ".join(map(str, architecture.hidden_layer_sizes)) or "no"
    members = architecture.n_members or 1
    of = f" within {type(model).__name__}" if model is not part else ""
    n_parameters = sum(p.numel() for p in rows.response.model.module.parameters())
    networks = f"{members} networks" if members > 1 else "a network"
    return (
        f"<p>{escape(type(part).__name__ + of)}: {networks} with {sizes} hidden units, {n_parameters:,} parameters, "
        f"{part.n_iter_} passes. {len(rows.encoded):,} rows, {len(rows.names)} columns, of which the model uses "
        f"{len(rows.selected)}.</p>"
    )


def columns_of(rows):
    """For each column its name, kind, share of missing values, and range or most frequent labels."""
    found = []
    for place, column in list(zip(rows.selected, rows.columns, strict=True))[:MOST_COLUMNS]:
        if column.is_categorical:
            labels = [label for label in column.values.tolist() if label is not None]
            levels, counts = np.unique(np.array(labels, dtype=str), return_counts=True)
            order = np.argsort(-counts, kind="stable")[:3]
            values = f"{len(levels)} labels: " + ", ".join(short(levels[i]) for i in order)
            missing = 1 - len(labels) / max(1, len(column.values))
        else:
            present = column.values[~np.isnan(column.values)]
            missing = 1 - len(present) / max(1, len(column.values))
            ends = np.quantile(present, [0, 0.5, 1]) if len(present) else [np.nan] * 3
            unit = " days" if column.kind == "duration" else ""
            texts = [str(end)[:10] for end in to_dates(ends)] if column.kind == "date" else list(map(described, ends))
            values = f"{texts[0]} to {texts[2]}, median {texts[1]}{unit}"
        found.append([short(rows.names[place], 40), column.kind, f"{100 * missing:.1f}%", values])
    n_others = len(rows.selected) - len(found)
    return found + ([[f"{n_others} others", "", "", ""]] if n_others else [])


def scores(model, X, y):
    """Names and values of the usual scores."""
    if is_classifier(model):
        proba, predicted = model.predict_proba(X), model.predict(X)
        found = [
            ("accuracy", metrics.accuracy_score(y, predicted)),
            (
                "accuracy of the most frequent class",
                float(np.unique(np.asarray(y), return_counts=True)[1].max() / len(y)),
            ),
            ("log-loss", metrics.log_loss(y, proba, labels=model.classes_)),
        ]
        if len(model.classes_) == 2 and len(np.unique(np.asarray(y))) == 2:
            found.append(("area under the ROC curve", metrics.roc_auc_score(y, proba[:, 1])))
        return [(name, f"{value:.4f}") for name, value in found]
    predicted = np.asarray(model.predict(X), dtype=float)
    y = np.asarray(y, dtype=float)
    found = [("score", f"{model.score(X, y):.4f}")]
    if predicted.shape == y.shape:
        found += [
            ("root mean squared error", number(float(np.sqrt(np.mean((predicted - y) ** 2))))),
            ("mean absolute error", number(float(np.mean(np.abs(predicted - y))))),
            ("standard deviation of the target", number(float(np.std(y)))),
        ]
    return found


def importances(model):
    return as_picture(ImportanceDisplay.from_estimator(model).figure_)


def effects_of(model, rows, some):
    """Text and pictures of the strongest effects and pairs."""
    if hasattr(rows.estimator, "terms_"):
        pictures = EffectDisplay.from_estimator(model, some, n_terms=N_EFFECTS + N_PAIRS)
        text = (
            f"<p>The model is a sum of {len(rows.estimator.terms_)} functions of one or two columns. The strongest:</p>"
        )
        return [text, as_picture(pictures.figure_)]
    share = additive_share(model, some)
    strongest = EffectDisplay.from_estimator(model, some, n_terms=N_EFFECTS)
    parts = [
        f"<p>{100 * share:.0f}% of the prediction's variance is a sum of effects of single columns. Below are the "
        "strongest; bands are one standard deviation over the members of the ensemble.</p>",
        as_picture(strongest.figure_),
    ]
    if 1 < len(rows.selected) <= MOST_COLUMNS_OF_PAIRS and share < 0.995:
        strengths = interaction_strengths(model, first_rows(some, ROWS_OF_PAIRS))
        order = np.dstack(np.unravel_index(np.argsort(-np.triu(strengths), axis=None), strengths.shape))[0][:N_PAIRS]
        pairs = [tuple(int(i) for i in pair) for pair in order if strengths[tuple(pair)] > 0]
        if pairs:
            parts += [
                "<p>What the strongest pairs of columns add to that:</p>",
                as_picture(EffectDisplay(effects(model, some, pairs)).plot().figure_),
            ]
    return parts


def examples(model, X, y):
    """Waterfalls of a low, a middle and a high prediction."""
    predicted = model.predict_proba(X)[:, -1] if is_classifier(model) else np.asarray(model.predict(X), dtype=float)
    predicted = predicted if predicted.ndim == 1 else predicted[:, 0]
    order = np.argsort(predicted, kind="stable")
    places = dict.fromkeys(int(order[int(share * (len(order) - 1))]) for share in (0.05, 0.5, 0.95)[:N_EXAMPLES])
    targets = np.asarray(y)
    parts = []
    for place in places:
        found = explain(model, row_of(X, place))
        shown = ExplanationDisplay(found).plot()
        target = escape(", ".join(map(described, np.ravel(targets[place]))))
        parts += [f"<p>Row {place}, target {target}.</p>", as_picture(shown.figure_)]
    return parts
