"""Displays: they hold together on all kinds of tables, and no text is clipped or runs into another."""

from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import (
    EffectDisplay,
    ExplanationDisplay,
    ImportanceDisplay,
    LearningCurveDisplay,
    NetworkDisplay,
    explain,
    report,
)

mpl.use("Agg")
N = 200
RNG = np.random.default_rng(0)
STATES = [f"State of {chr(97 + i % 26) * 9}{i}" for i in range(51)]
TABLE = pd.DataFrame(
    {
        "a_column_with_quite_a_long_name_for_a_picture": RNG.normal(size=N),
        "income": RNG.lognormal(10, 1, size=N),
        "state": pd.Categorical(RNG.choice(STATES, N), categories=STATES),
        "size": pd.Categorical(RNG.choice(["S", "M", "L"], N), categories=["S", "M", "L"], ordered=True),
        "gap": np.where(RNG.random(N) < 0.2, np.nan, RNG.normal(size=N)),
        "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 400, N), unit="D"),
        "flag": RNG.random(N) < 0.4,
    }
)
Y = TABLE.iloc[:, 0].to_numpy() * 1000 + TABLE["size"].cat.codes.to_numpy() * 500.0
SMALL = {"hidden_layer_sizes": (4,), "n_members": 2, "max_iter": 1, "random_state": 0}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def model():
    return KANRegressor(**SMALL).fit(TABLE, Y)


@pytest.fixture(scope="module")
def classifier():
    return KANClassifier(**SMALL).fit(TABLE, np.array(["low", "middling", "high"])[np.digitize(Y, [0, 800])])


def assert_tidy(figure):
    """Every text lies within the figure, and labels of one axis do not overlap."""
    figure.canvas.draw()
    renderer, frame = figure.canvas.get_renderer(), figure.bbox.padded(2)
    for axis in figure.axes:
        if not axis.get_visible() or not axis.axison:
            continue
        for text in [axis.title, axis.xaxis.label, axis.yaxis.label, *axis.texts]:
            if text.get_text():
                box = text.get_window_extent(renderer)
                assert frame.x0 <= box.x0, text.get_text()
                assert box.x1 <= frame.x1, text.get_text()
                assert frame.y0 <= box.y0, text.get_text()
                assert box.y1 <= frame.y1, text.get_text()
        for its in (axis.xaxis, axis.yaxis):
            low, high = sorted(its.get_view_interval())
            ticks = [t for t in its.get_major_ticks() if low <= t.get_loc() <= high and t.label1.get_text()]
            boxes = [tick.label1.get_window_extent(renderer).shrunk(0.9, 0.7) for tick in ticks]
            boxes = [box for box in boxes if box.width > 1]  # drawn at all
            for one, other in pairwise(boxes):
                assert not one.overlaps(other), [tick.label1.get_text() for tick in ticks]


def test_effects_of_all_kinds_of_columns(model, classifier):
    pairs = [("gap", "income"), ("state", "size"), ("day", "gap"), ("flag", "size")]
    display = EffectDisplay.from_estimator(model, TABLE, [*TABLE.columns, *pairs])
    assert len(display.axes_) == 11
    assert_tidy(display.figure_)
    labels = [text.get_text() for text in display.axes_[2].get_yticklabels()]
    assert len(labels) == 16
    assert " others (" in labels[-1]
    assert [text.get_text()[0] for text in display.axes_[3].get_yticklabels()] == ["S", "M", "L"]
    display = EffectDisplay.from_estimator(
        classifier, TABLE, n_terms=3, kind="projection", response_method="predict_proba"
    )
    assert len(display.axes_) == 3
    assert_tidy(display.figure_)
    assert "additive projection" in display.axes_[0].get_xlabel() + display.axes_[0].get_ylabel()


def test_effects_are_asked_for_by_name_place_or_mask_and_drawn_into_given_axes(model):
    from matplotlib.figure import Figure

    axes = Figure().subplots(1, 2)
    display = EffectDisplay.from_estimator(model, TABLE, ["gap", 1], axes=axes)
    assert display.figure_ is axes[0].figure
    mask = TABLE.columns == "size"
    assert EffectDisplay.from_estimator(model, TABLE, mask).effects[0].columns == (3,)
    assert EffectDisplay.from_estimator(model, TABLE, "gap").effects[0].columns == (4,)
    with pytest.raises(ValueError, match="axes has 2 axes, and there are 3 pictures"):
        EffectDisplay.from_estimator(model, TABLE, [0, 1, 2], axes=axes)
    with pytest.raises(ValueError, match="output=1 is not one of the 1 outputs"):
        EffectDisplay.from_estimator(model, TABLE, ["gap"], output=1)


def test_a_waterfall_ends_at_the_prediction(model, classifier):
    row = TABLE.iloc[[7]]
    display = ExplanationDisplay.from_estimator(model, row, n_features=4)
    ends = [bar.get_x() + bar.get_width() for bar in display.ax_.patches]
    np.testing.assert_allclose(ends[-1], model.predict(row)[0])
    assert len(display.ax_.patches) == 5
    assert display.ax_.get_yticklabels()[-1].get_text() == "3 others"
    assert_tidy(display.figure_)
    display = ExplanationDisplay(explain(classifier, TABLE[:3], response_method="predict_proba"), 2).plot()
    assert display.ax_.get_xlabel() == f"probability of {classifier.predict(TABLE[2:3])[0]}"
    with pytest.raises(ValueError, match="X has 200 rows, and a waterfall shows one"):
        ExplanationDisplay.from_estimator(model, TABLE)


def test_importances_are_sorted_and_sum_up(model):
    display = ImportanceDisplay.from_estimator(model, n_features=3)
    widths = [bar.get_width() for bar in display.ax_.patches]
    assert widths[:3] == sorted(widths[:3], reverse=True)
    np.testing.assert_allclose(sum(widths), 1.0)
    assert display.ax_.get_yticklabels()[-1].get_text() == "4 others"
    assert_tidy(display.figure_)


def test_networks_have_their_strongest_edges(model):
    display = NetworkDisplay.from_estimator(model, n_edges=12)
    assert 1 <= sum(map(len, display.layers)) <= 12
    assert "of 32 edges" in display.title
    reached = {edge.end for edge in display.layers[0]}
    assert reached == {edge.start for edge in display.layers[1]}
    deep = KANRegressor(**SMALL | {"hidden_layer_sizes": (3, 2), "n_members": 1}).fit(TABLE.iloc[:, :2], Y)
    display = NetworkDisplay.from_estimator(deep)
    assert [len(edges) for edges in display.layers] == [6, 6, 2]
    assert display.title == "14 edges"
    with pytest.raises(ValueError, match="member=5 is not one of the 2 members"):
        NetworkDisplay.from_estimator(model, member=5)


def test_learning_curves_show_the_pass_that_was_kept():
    model = KANRegressor((4,), n_members=2, max_iter=3, early_stopping=True, random_state=0).fit(TABLE, Y)
    display = LearningCurveDisplay.from_estimator(make_pipeline(StandardScaler(), model))
    assert len(display.training) == len(display.validation) == 3
    assert display.best == model.best_iteration_
    assert display.ax_.get_legend() is not None


def test_reports_are_static_and_whole(tmp_path):
    table, path = TABLE[["income", "size"]], tmp_path / "report.html"
    y = np.where(Y > 0, "<yes>", "no")
    model = KANClassifier(**SMALL).fit(table, y)
    html = report(model, table, y, path)
    assert path.read_text(encoding="utf-8") == html
    assert len(html) < 3_000_000
    assert "<script" not in html
    assert "<yes>" not in html
    assert not [part for part in html.split('src="')[1:] if not part.startswith("data:image/png;base64,")]
    assert html.count("<img") >= 6
    for heading in ("Effects", "Three predictions explained", "Calibration"):
        assert f">{heading}</h2>" in html
    with pytest.raises(ValueError, match="X has 200 rows and y has 3"):
        report(model, table, y[:3])


def test_reports_of_sums_have_their_errors_and_terms():
    table = TABLE[["income", "size"]]
    model = KANRegressor(interaction_cst="no_interactions", n_members=2, max_iter=1, random_state=0).fit(table, Y)
    html = report(model, table, Y)
    left = model.predict(table) - Y
    for value in (np.sqrt(np.mean(left**2)), np.mean(np.abs(left)), np.std(Y)):
        assert f"{value:,.4g}" in html
    assert "The model is a sum of 2 functions" in html
