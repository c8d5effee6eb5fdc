"""
A law from a table: brains and bodies
=====================================

``KANSymbolicRegressor`` writes down the law behind a table. Here it is asked how the brain grows with the body, over 56
species from shrews to elephants.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from plotnine.data import msleep

from sklearn_kan.symbolic import KANSymbolicRegressor

table = msleep.dropna(subset=["bodywt", "brainwt"])
X, log_brain = np.log10(table[["bodywt"]]).rename(columns={"bodywt": "log_body"}), np.log10(table["brainwt"])

law = KANSymbolicRegressor(max_steps=40, max_seconds=None, random_state=0).fit(X, log_brain)
print(law.formula_)
print(law.constants_)

# %%
# A straight line in logarithms is a power of the weight. The exponent is near the three quarters of the textbooks.
offset, exponent = law.constants_["value"]
body = np.linspace(X["log_body"].min(), X["log_body"].max(), 100)
_, ax = plt.subplots(layout="constrained")
ax.loglog(table["bodywt"], table["brainwt"], "k.")
curve = law.predict(pd.DataFrame({"log_body": body}))
ax.loglog(10**body, 10**curve, label=f"{1_000 * 10**offset:.1f} g · (body / kg)$^{{{exponent:.2f}}}$")
for name in ("Human", "African elephant", "Cow"):
    row = table[table["name"] == name].iloc[0]
    ax.annotate(name, (row["bodywt"], row["brainwt"]), xytext=(-4, 6), ha="right", textcoords="offset points")
ax.set(xlabel="body, kg", ylabel="brain, kg")
ax.legend()
