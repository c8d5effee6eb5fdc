"""
Say what you know: fuel and the size of an engine
=================================================

The same car with a larger engine does not go farther on a gallon. A table of 234 cars does not say so: its largest
engines are in light sports cars. A monotone model holds to what you know, for each prediction and everywhere.
"""

import matplotlib.pyplot as plt
import numpy as np
from plotnine.data import mpg
from sklearn.model_selection import train_test_split

from sklearn_kan import KANRegressor

X, y = mpg[["displ", "year", "drv", "fl", "trans"]], mpg["hwy"]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
models = {
    "free": KANRegressor(n_members=4, random_state=0),
    "monotone in displ": KANRegressor(monotonic_cst={"displ": -1}, n_members=4, random_state=0),
}

sizes = np.linspace(1.6, 7, 200)
_, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    r2 = model.fit(X_train, y_train).score(X_test, y_test)
    ax.plot(X["displ"], y, ".", color="0.8")
    for car in range(0, len(X), 23):
        ax.plot(sizes, model.predict(X.iloc[np.full(len(sizes), car)].assign(displ=sizes)), linewidth=1)
    ax.set(title=f"{name}: R² {r2:.2f} on other cars", xlabel="size of the engine, litres")
axes[0].set_ylabel("miles per gallon, of eleven cars")
