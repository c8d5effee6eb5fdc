"""KANRegressor."""

from numbers import Real
from typing import ClassVar

import numpy as np
import torch
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..data._targets import TargetScaler, read_y
from ..training._losses import REGRESSION_LOSSES, regression_loss
from ._streaming import StreamingKAN


class KANRegressor(RegressorMixin, StreamingKAN):
    """Regression on tables by a Kolmogorov-Arnold network.

    Edges of the network carry learned univariate functions. Numbers, categories and missing values are taken as
    they are: no scaling, imputing or one-hot coding is needed.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(32,)
        Units of each hidden layer, of each member. ``()`` gives an additive model: a sum of one function per column.
    loss : {"squared_error", "absolute_error", "huber", "quantile", "poisson"}, default="squared_error"
        What is minimised, and so what is predicted: mean, median, a robust mean (Huber's loss, quadratic up to
        1.35 robust standard deviations of `y`), the quantile `quantile`, or the mean of counts through a log link.
    quantile : float, default=0.5
        Level for ``loss="quantile"``.
    basis : str, subclass of Basis, or list of them, default="bspline"
        Family of the edge functions: ``"bspline"``, ``"truncated_power"``, ``"rational"``, ``"activation"``,
        ``"relu"``, ``"sine"``, ``"rbf"``, ``"chebyshev"``, ``"jacobi"``, ``"fourier"``, ``"wavelet"``, or a class
        of your own. A list names one for each layer: each hidden one, and the last.
    n_knots : int, default=6
        Knots of an edge function, both ends included; at least 2. More knots resolve finer detail. For families
        without knots, their number of functions.
    fine_knots : int, "auto" or None, default="auto"
        Knots of the first layer in the latter half of an ensemble's members, for ``basis="bspline"`` and quantile or
        uniform knots: they resolve steps and waves that `n_knots` cannot, and held-out rows say how much they count
        (``member_weights_``). ``"auto"`` is 16 above 2,000 rows, for fewer `n_knots` and ensembles that can tell: with
        early stopping, and more members than ``1 / validation_fraction``. Else it is None, `n_knots` in all, as in
        `partial_fit`. Single networks, additive models and knots that are refined have none.
    degree : int, default=3
        Of the splines, 0 to 5, or of the polynomials, from 1.
    knots : {"quantile", "uniform", "adaptive"} or array-like, default="quantile"
        Where the first layer's knots stand in each column. Hidden layers have uniform knots. An array of shape
        (n_knots,) or (n_knots, n_numeric_features) has the knots themselves, in the columns' own units.
        ``"adaptive"`` ones start as quantiles; whenever they are refined, those that make no difference go and
        others come where functions bend most, in hidden layers too.
    refine_knots : list of int, optional
        Numbers of knots to go on with: `fit` spends equal parts of its passes on `n_knots` and on each of these, and
        adds knots in between without changing the network's function. By default once for adaptive knots, to twice
        their number.
    basis_params : dict or list of dict, optional
        Further parameters of the basis, e.g. ``{"learn_knots": True}`` for truncated powers; a list has one, or
        None, for each layer.
    interactions : {"product", "mixed"}, optional
        ``"product"`` gives each unit the product of two learned linear maps of the numeric columns, or of the units
        before, so that ``x * y`` needs no depth. Products start at zero and are learned slowly. ``"mixed"`` gives them
        to half of an ensemble's members; an additive model and a single network have none of these.
    n_members : int, default=16
        Networks that are trained side by side, and whose predictions are averaged (``member_weights_``). With early
        stopping each holds out rows of its own, so that all rows are learned from. A network with constraints is a
        single one.
    norm : {"layer", "batch", "none"}, default="layer"
        Normalisation of hidden activations, which keeps them in the knots' range.
    solver : {"adam", "lbfgs", "hybrid", "kfac", "gauss_newton", "layerwise", "auto"}, default="adam"
        - ``"adam"``: AdamW on mini-batches.
        - ``"lbfgs"``: L-BFGS with a strong Wolfe line search on all rows, in float64; for small tables.
        - ``"hybrid"``: Adam until it no longer improves, then L-BFGS from its best state; it never ends worse
          than that.
        - ``"kfac"``: natural-gradient steps with Kronecker-factored curvature, see `optim.KFAC`; on all rows of small
          tables, at a constant rate, else on large batches. It trains a single network, whatever `n_members`.
        - ``"gauss_newton"``: full Gauss-Newton steps on all rows, in float64, see `optim.GaussNewton`; for smooth
          targets without noise and networks of up to a few thousand parameters. It too trains a single network.
        - ``"layerwise"``: Adam on one layer after the other, for a quarter of the passes each, with a linear read-out
          in place of those behind it; then on all. A single network too.
        - ``"auto"``: Adam. If that leaves less than 3 % of a target's variance unexplained on held-out rows, and there
          are at most 5,000 rows and 3,000 parameters, a single network is fitted by Gauss-Newton, without `alpha`. It
          is kept where its held-out error is lower, or half that of an ensemble. For squared errors, and networks
          without constraints and refined knots; others are left to Adam.
    alpha : float, default=2.0
        Regularisation of the edge functions' coefficients: AdamW's decoupled weight decay per unit of learning
        rate; for the other solvers the objective is the mean loss plus
        ``alpha / n_samples * ||coefficients||**2 / 2``. An additive or monotone model, in
        which nothing scales up again what has been shrunk, takes a hundredth of it.
    smoothness : float, default=0.0
        Regularisation of the edge functions' second differences, as `alpha` is of their coefficients: with more of it
        functions become straight lines, not zero. It pays beside many knots. For splines without
        constraints, and not for K-FAC or Gauss-Newton, which ``"auto"`` runs without it.
    batch_size : int or "auto", default="auto"
        Rows per step of Adam or K-FAC. ``"auto"`` for Adam: all up to 256 rows, then about a twentieth of them, from
        256 to 1,024; for K-FAC all up to 5,000, then 2,048.
    learning_rate : {"cosine", "constant"}, default="cosine"
        ``"cosine"`` warms up over a tenth of all steps and falls to zero at `max_iter`.
    learning_rate_init : float, default=0.01
        Highest learning rate of Adam; beside K-FAC, norms and the like take steps of Adam at a tenth of it.
    max_iter : int, default=100
        Most passes over the rows, per phase. One pass of L-BFGS is ten quasi-Newton steps.
    early_stopping : bool or "auto", default="auto"
        Hold out validation rows (stratified for classes), stop when their loss no longer improves, and keep the
        best state. ``"auto"`` does so from 300 rows.
    validation_fraction : float, default=0.15
        Share of the rows held out.
    n_iter_no_change : int, default=100
        Passes without an improvement of the validation loss (without validation: the training loss) by more
        than `tol` that end a phase; for L-BFGS, whose pass is ten steps, a tenth of it. With a falling learning
        rate the last passes bring the most, so that a small number ends training too early.
    tol : float, default=1e-4
        Smallest improvement that counts, on the scale of the loss.
    refit : {"last_layer"}, optional
        ``"last_layer"`` solves for the last layer's coefficients once `fit` has trained, each member's by itself, and
        keeps what does not raise the validation loss: ridge regression for the squared error, its strength by
        generalised cross-validation; Newton's method for Huber's loss and counts, the strength by validation rows, or
        `alpha` without them. The two other losses have no curvature, and monotone models cannot be solved for.
    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, default="from_dtype"
        Categorical columns, as a mask, places or names. ``"from_dtype"``: a dataframe's columns of dtype category,
        enum or string. Each level gets its own value on every edge, through an embedding of 8 dimensions if there
        are more than 32; unknown levels contribute nothing.
    monotonic_cst : array-like of {-1, 0, 1} of shape (n_features,), or dict, optional
        For 1 predictions never fall in that column, for -1 they never rise, whatever the other columns are, outside
        of the training data too; 0 leaves them free. A dict maps names of columns to these. For numeric columns and
        bases of splines. Exact up to the rounding of single predictions.
    interaction_cst : {"pairwise", "no_interactions"} or sequence of sets, lists or tuples, optional
        Columns that may interact, as sets of places or names: the model is a sum of functions of one set each.
        Columns in none of them form another set. ``"pairwise"`` are all pairs; ``"no_interactions"`` is an additive
        model, without hidden layers. Hidden units are shared out evenly among the sets, at least 8 for each.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"`` and so on; ``"auto"`` is CUDA where there is a device, and the CPU otherwise.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Precision of the network. ``"auto"``: float64 for tables of float64 up to 2,000 rows, else float32.
    warm_start : bool, default=False
        Go on from the fitted network instead of starting afresh; the encoding of columns and target stays, and
        parameters that shape the network must.
    random_state : int, RandomState instance or None, default=None
        Of the starting coefficients, the validation split and the order of rows. The same number, data and
        machine give the same predictions; torch's global generator is left alone.
    verbose : int, default=0
        1 shows a progress bar.
    callbacks : list of skorch callbacks, optional
        Called while `fit` trains, after the estimator's own. One that ends training ends its phase.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if `X` has string column names.
    n_iter_ : int
        Passes over the rows.
    loss_curve_ : list of float
        Mean training loss of each pass, on the scale that it is learned on.
    validation_scores_ : list of float or None
        Minus the validation loss after each pass; None without validation rows.
    module_ : KAN
        The network, a torch module.
    net_ : skorch.NeuralNet
        The last phase's net, with its ``history``.
    encoder_ : TableEncoder
        Maps columns to what the network sees.
    device_ : str
        Where the network is.
    member_weights_ : ndarray of shape (n_members,)
        How much each member counts in predictions; one on average.
    solver_ : str
        The solver that trained the network; with ``solver="auto"``, the one whose network was kept.
    target_scaler_ : TargetScaler
        Puts `y` on the scale that its loss is learned on.

    See Also
    --------
    KANClassifier : The same for classes.
    sklearn_kan.inspection.EdgeFunctionDisplay : Draws the learned functions.

    Notes
    -----
    Several outputs share the hidden layers. On tables up to 2,000 rows equal rows are merged into one with their
    total weight, so that a fit is blind to the order of rows and to whether a row is repeated or weighted.

    References
    ----------
    Liu et al. (2024), *KAN: Kolmogorov-Arnold Networks*, arXiv:2404.19756.

    Bayeh, Sadaoui, Mouhoub (2026), *TruKAN*, arXiv:2602.03879.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(random_state=0).fit(X, y)
    >>> model.predict(X[:2]).shape
    (2,)
    """

    _parameter_constraints: ClassVar = {
        **StreamingKAN._parameter_constraints,
        "loss": [StrOptions(set(REGRESSION_LOSSES))],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(self, hidden_layer_sizes=(32,), *, loss="squared_error", quantile=0.5, basis="bspline",
                 n_knots=6, fine_knots="auto", degree=3, knots="quantile", refine_knots=None, basis_params=None,
                 interactions=None, n_members=16, norm="layer", solver="adam", alpha=2.0,
                 smoothness=0.0, batch_size="auto", learning_rate="cosine", learning_rate_init=0.01,
                 max_iter=100, early_stopping="auto", validation_fraction=0.15, n_iter_no_change=100,
                 tol=1e-4, refit=None, categorical_features="from_dtype", monotonic_cst=None, interaction_cst=None,
                 device="auto", dtype="auto", warm_start=False, random_state=None, verbose=0,
                 callbacks=None):  # fmt: skip
        self.hidden_layer_sizes = hidden_layer_sizes
        self.loss = loss
        self.quantile = quantile
        self.basis = basis
        self.n_knots = n_knots
        self.fine_knots = fine_knots
        self.degree = degree
        self.knots = knots
        self.refine_knots = refine_knots
        self.basis_params = basis_params
        self.interactions = interactions
        self.n_members = n_members
        self.norm = norm
        self.solver = solver
        self.alpha = alpha
        self.smoothness = smoothness
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.refit = refit
        self.categorical_features = categorical_features
        self.monotonic_cst = monotonic_cst
        self.interaction_cst = interaction_cst
        self.device = device
        self.dtype = dtype
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks

    _is_flat: bool  # whether y was one-dimensional

    def predict(self, X, return_std=False):
        """Predicted targets.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
        return_std : bool, default=False
            Whether to return the standard deviation of the members' predictions too, weighted as they count. It shows
            where the network is not settled by the data; the noise of `y` is not in it.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
            In the target's own units: the mean, the median or the quantile, as the loss says.
        std : ndarray of the same shape
            Only with `return_std`.

        Raises
        ------
        ValueError
            If `return_std` is asked of a network without members.
        """
        if not return_std:
            return self._in_units(self._raw_predict(X))
        check_is_fitted(self)
        if self._config["n_members"] is None:
            raise ValueError(
                f"return_std=True needs members, and the fitted network has none: n_members={self.n_members}, "
                f"monotonic_cst={self.monotonic_cst!r}. Fit with n_members of at least 2 and without constraints."
            )
        raw = torch.from_numpy(self._raw_predict(X, members=True))
        members = np.stack([self._in_units(member.numpy()) for member in raw.unbind(1)])
        mean = np.average(members, axis=0, weights=self.member_weights_)
        variance = np.average((members - mean) ** 2, axis=0, weights=self.member_weights_)
        return self._in_units(self._averaged(raw).numpy()), np.sqrt(variance)

    def _in_units(self, raw):
        y = self.target_scaler_.inverse_transform(raw)
        return y[:, 0] if self._is_flat else y

    def _read_target(self, y, n_samples, reset):
        y = read_y(y, n_samples, numeric=True)
        if y.ndim > 2 or y.shape[-1] == 0:
            raise ValueError(f"y has shape {y.shape}. Pass (n_samples,) or (n_samples, n_outputs).")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        is_flat, y = y.ndim == 1, y.reshape(n_samples, -1).astype(np.float64)
        if not reset and (is_flat, y.shape[1]) != (self._is_flat, len(self.target_scaler_.scale_)):
            raise ValueError(
                f"y has {y.shape[1]} outputs, and the first fit had {len(self.target_scaler_.scale_)}. "
                "Pass targets of the same shape, or set warm_start=False."
            )
        self._is_flat = is_flat
        return y

    def _check_rows(self, y, streams):
        if self.loss == "poisson" and (y.min() < 0 or not (streams or y.any())):
            raise ValueError(
                f"loss='poisson' needs targets >= 0 that are not all zero, got a minimum of {y.min():g}. "
                "Choose another loss, or correct y."
            )
        super()._check_rows(y, streams)

    def _start_target(self, y, weight):
        self.target_scaler_ = TargetScaler(self.loss, self.quantile).fit(y, weight)
        return y.shape[1]

    def _target_tensor(self, y):
        return torch.from_numpy(self.target_scaler_.transform(y))

    def _loss(self):
        return regression_loss(self.loss, self.quantile)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
