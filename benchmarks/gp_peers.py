"""What `benchmarks.gp` compares: our Gaussian process and its peers, as functions that fit and predict.

Each returns the mean and standard deviation of predictions first.
"""

import gpytorch
import numpy as np
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, ExpSineSquared, WhiteKernel

from sklearn_kan import GPSpectralRegressor

STEPS = 100  # of Adam for GPyTorch
STARTS = 5  # of GPyTorch from the data, of which the likeliest counts


def ours(t, y, new, season, seed):
    model = GPSpectralRegressor(random_state=seed).fit(t[:, None], y)
    return model.predict(new[:, None], return_std=True)


def scikit(kernel):
    def fit(t, y, new, season, seed):
        scale = np.ptp(t)
        model = GaussianProcessRegressor(kernel(season, scale) + WhiteKernel(0.1, (1e-6, 10)), normalize_y=True)
        model.fit(t[:, None], y)
        return model.predict(new[:, None], return_std=True)

    return fit


def rbf(season, scale):
    return ConstantKernel() * RBF(0.1 * scale, (1e-4 * scale, 1e2 * scale))


def periodic(season, scale):
    period = 1.0 if season == 12 else 11.0 if season == 11 else scale / 10
    wave = ExpSineSquared(1.0, period, (1e-2, 1e2), (0.5 * period, 2 * period))
    return rbf(season, scale) + ConstantKernel() * RBF(scale, (0.1 * scale, 1e2 * scale)) * wave


class Exact(gpytorch.models.ExactGP):
    def __init__(self, x, y, likelihood, kernel):
        super().__init__(x, y, likelihood)
        self.mean_module = gpytorch.means.ConstantMean()
        self.covar_module = kernel

    def forward(self, x):
        return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))


def mixture(x, y, from_data):
    kernel = gpytorch.kernels.SpectralMixtureKernel(num_mixtures=8)
    if from_data:
        kernel.initialize_from_data(x, y)
    return kernel


def gpytorch_fit(X, y, new, kernel_of, seed):
    """Mean, standard deviation and the mean log likelihood that training reached."""
    torch.manual_seed(seed)
    x, target = torch.from_numpy(X), torch.from_numpy((y - y.mean()) / y.std())
    likelihood = gpytorch.likelihoods.GaussianLikelihood().double()
    model = Exact(x, target, likelihood, kernel_of(x, target)).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    objective = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = -objective(model(x), target)
        loss.backward()
        optimizer.step()
    model.eval(), likelihood.eval()
    with torch.no_grad():
        p = likelihood(model(torch.from_numpy(new)))
    return p.mean.numpy() * y.std() + y.mean(), p.stddev.numpy() * y.std(), -loss.item()


def gpytorch_series(t, y, new, from_data, seed):
    start, scale = t.min(), np.ptp(t) / 10  # GPyTorch's starts suit inputs of this size
    x, x_new = (((points - start) / scale)[:, None] for points in (t, new))
    return gpytorch_fit(x, y, x_new, lambda x, y: mixture(x, y, from_data), seed)


def gpytorch_default(t, y, new, season, seed):
    return gpytorch_series(t, y, new, False, seed)


def gpytorch_from_data(t, y, new, season, seed):
    return gpytorch_series(t, y, new, True, seed)


def gpytorch_best(t, y, new, season, seed):
    return max((gpytorch_series(t, y, new, True, start) for start in range(STARTS)), key=lambda fit: fit[2])


def seasonal_naive(t, y, new, season, seed):
    error = (y[season:] - y[:-season]).std()
    return np.resize(y[-season:], len(new)), np.full(len(new), error)


FORECASTS = {
    "GPSpectralRegressor": ours, "scikit-learn RBF": scikit(rbf), "scikit-learn periodic": scikit(periodic),
    "GPyTorch default": gpytorch_default, "GPyTorch from data": gpytorch_from_data,
    f"GPyTorch best of {STARTS}": gpytorch_best, "seasonal naive": seasonal_naive,
}  # fmt: skip


def ard(kernel_class):
    def fit(X, y, new, seed):
        kernel = gpytorch.kernels.ScaleKernel(kernel_class(ard_num_dims=X.shape[1]))
        return gpytorch_fit(X, y, new, lambda x, y: kernel, seed)[:2]

    return fit


TABLE_PREDICTIONS = {
    "GPSpectralRegressor": lambda X, y, new, seed: GPSpectralRegressor().fit(X, y).predict(new, return_std=True),
    "GPyTorch ARD RBF": ard(gpytorch.kernels.RBFKernel), "GPyTorch ARD Matern": ard(gpytorch.kernels.MaternKernel),
}  # fmt: skip
