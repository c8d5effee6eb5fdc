"""What an installed wheel has to do, in an environment without a compiler and without tests: python tests/smoke.py.

The last line says which package it was.
"""

import os
import tempfile

import numpy as np
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import cross_val_score

import sklearn_kan
from sklearn_kan.export import to_numpy


def main():
    X, y = load_iris(return_X_y=True)
    accuracy = cross_val_score(sklearn_kan.KANClassifier(random_state=0), X, y, cv=3).mean()
    assert accuracy > 0.9, accuracy
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = sklearn_kan.KANRegressor(random_state=0).fit(X, y)
    assert model.score(X, y) > 0.4
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.kan")
        sklearn_kan.save(model, path)
        assert np.array_equal(sklearn_kan.load(path).predict(X), model.predict(X))
    np.testing.assert_allclose(to_numpy(model).predict(X), model.predict(X), rtol=1e-6)
    process = sklearn_kan.GPSpectralRegressor(n_components=1).fit(np.arange(40.0)[:, None], np.sin(np.arange(40.0)))
    assert np.isfinite(process.predict([[41.0]])).all()
    sklearn_kan.show_versions()
    print(f"{sklearn_kan.__file__}: as it should be")


if __name__ == "__main__":
    main()
