"""The picture of the page on a first model: four learned functions of an additive model."""

from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from sklearn_kan import KANRegressor
from sklearn_kan.inspection import EdgeFunctionDisplay

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "first_functions.png"


def main():
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    X["sex"] = X["sex"].map({1.0: "a", 2.0: "b"}).astype("category")
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    additive = KANRegressor((), random_state=0).fit(X_train, y_train)
    display = EdgeFunctionDisplay.from_estimator(additive, ["bmi", "bp", "s5", "sex"])
    display.figure_.savefig(PICTURE, dpi=70, metadata={"Software": None})
    print(f"R²: {additive.score(X_test, y_test):.2f}. Learned functions: {PICTURE}")


if __name__ == "__main__":
    main()
