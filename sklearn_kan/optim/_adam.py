"""Steps of Adam (Kingma & Ba, 2015), to be taken beside others."""

import torch

EPS = 1e-8


def adam_steps(states, gradients, lr, betas):
    """Changes of parameters by their gradients; moving averages are kept in a dict for each parameter."""
    (beta, beta_sq), steps = betas, {}
    for p, gradient in gradients.items():
        state = states[p]
        if "step" not in state:
            state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        state["step"] += 1
        mean = state["exp_avg"].lerp_(gradient, 1 - beta) / (1 - beta ** state["step"])
        square = state["exp_avg_sq"].lerp_(gradient.square(), 1 - beta_sq) / (1 - beta_sq ** state["step"])
        steps[p] = -lr * mean / (square.sqrt() + EPS)
    return steps
