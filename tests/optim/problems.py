"""Problems for optimizers, and closures that they call."""

import numpy as np
import torch
import torch.nn.functional as F


def rows(n=60, in_features=3, out_features=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = 1.6 * torch.rand(n, in_features, generator=generator, dtype=torch.float64) - 0.8
    y = torch.sin(3 * x[:, :1]) * x[:, 1:2] + torch.linspace(0, 1, out_features, dtype=torch.float64)
    return x, y


def closure_for(optimizer, model, x, y, weight=None):
    """Mean squared error, with its gradients where they are wanted."""

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y) if weight is None else (weight * (model(x) - y).square().mean(1)).mean()
        if loss.requires_grad:
            loss.backward()
        return loss

    return closure


ODD_TABLES = {
    "constant features": lambda X, y: (np.ones_like(X), y),
    "one feature constant": lambda X, y: (X * [1, 0, 1], y),
    "equal targets": lambda X, y: (X, np.full_like(y, 3.0)),
    "repeated features": lambda X, y: (X[:, [0, 0, 0]], y),
    "one row": lambda X, y: (X[:1], y[:1]),
    "huge": lambda X, y: (1e30 * X, 1e30 * y),
}
