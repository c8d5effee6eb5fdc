"""KANClassifier."""

from typing import ClassVar, Self

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from .._compat import StrOptions, fit_context
from ._of_classes import ClassesKAN
from ._streaming import has_mini_batches


class KANClassifier(ClassifierMixin, ClassesKAN):
    """Classification of tables by a Kolmogorov-Arnold network.

    Every edge of the network is a learned function of one variable. Numbers, categories and missing values are taken as
    they are: no scaling, imputing or one-hot encoding is needed.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(32,)
        Number of units in each hidden layer, in each member. ``()`` gives an additive model: the sum of one function
        per column.
    basis : str, subclass of Basis, or list of them, default="bspline"
        Family of the edge functions: ``"bspline"``, ``"truncated_power"``, ``"rational"``, ``"activation"``,
        ``"relu"``, ``"sine"``, ``"rbf"``, ``"chebyshev"``, ``"jacobi"``, ``"fourier"``, ``"wavelet"``, or your own
        class. A list names one family for each hidden layer and one for the last.
    n_knots : int, default=6
        Number of knots of an edge function, both ends included; at least 2. More knots resolve finer detail. For
        families without knots, the number of functions.
    fine_knots : int, "auto" or None, default="auto"
        Number of knots in the first layer for the second half of an ensemble's members, with ``basis="bspline"``;
        held-out rows decide how much they count (``member_weights_``). ``"auto"`` is 16 above 2,000 rows, if members
        have fewer knots and can be weighed, and 24 with `interaction_cst` on all tables: see the guide.
        Besides, columns with fine structure, such as time stamps, get 64 to 1,024 knots (``fine_knots_``), unless
        they are monotone. None in `partial_fit`, and where knots are refined.
    degree : int, default=3
        Degree of the splines, 0 to 5, or of the polynomials, from 1.
    knots : {"quantile", "uniform", "adaptive"} or array-like, default="quantile"
        Where the first layer's knots are in each column. Hidden layers have uniform knots. An array of shape
        (n_knots,) or (n_knots, n_numeric_features) holds the knots themselves, in the columns' own units. Adaptive
        knots start at quantiles. Whenever they are refined, those that make no difference are removed and others are
        added where functions bend most, in hidden layers too.
    refine_knots : list of int, optional
        Numbers of knots to continue with. `fit` spends equal parts of its passes on `n_knots` and on each of these,
        and inserts knots without changing the network's function. By default adaptive knots are refined once, to
        twice their number.
    basis_params : dict or list of dict, optional
        Further parameters of the basis, e.g. ``{"learn_knots": True}`` for truncated powers. A list holds a dict, or
        None, for each layer.
    interactions : {"product", "mixed"}, optional
        ``"product"`` gives each unit the product of two learned linear maps of the numeric columns, or of the
        previous layer's units; ``x * y`` then needs no depth. Products start at zero and are learned slowly.
        ``"mixed"`` gives them to half of an ensemble's members, and to no part of an additive model or a single
        network.
    n_members : int, default=16
        Number of networks that are trained side by side and whose predictions are averaged (``member_weights_``).
        With early stopping each member holds out its own rows, and between them they learn from every row. Very large
        networks with constraints have fewer.
    norm : {"layer", "batch", "none"}, default="layer"
        Normalisation of hidden activations, which keeps them within the range of the knots.
    solver : {"adam", "lbfgs", "hybrid", "kfac", "gauss_newton", "layerwise", "auto"}, default="auto"
        - ``"adam"``: AdamW on mini-batches.
        - ``"lbfgs"``: L-BFGS with a strong Wolfe line search on all rows, in float64; for small tables.
        - ``"hybrid"``: Adam until it no longer improves, then L-BFGS from its best state; it never ends worse than
          that.
        - ``"kfac"``: natural-gradient steps with Kronecker-factored curvature, see `optim.KFAC`; on all rows of small
          tables, at a constant rate, otherwise on large batches. It trains a single network, whatever `n_members`.
        - ``"gauss_newton"``: full Gauss-Newton steps on all rows, in float64, see `optim.GaussNewton`; for smooth
          targets without noise and networks of up to a few thousand parameters. It also trains a single network.
        - ``"layerwise"``: Adam on one layer after the other, for a quarter of the passes each, with a linear read-out
          in place of the layers behind it; then on all layers. It also trains a single network.
        - ``"auto"``: Adam. If the table has at most 1,000 rows, not too many columns, and 15 to 50 % of the classes'
          entropy is left on held-out rows, small networks are tried: four members of 4 units with products of straight
          lines, fitted by Gauss-Newton with penalties by evidence (`optim.EvidenceGaussNewton`). They are kept if they
          are better by more than chance on rows that both hold out. This is for networks of which nothing is said.
    alpha : float, default=2.0
        Regularisation of the edge functions' coefficients. For Adam it is AdamW's decoupled weight decay, per unit of
        learning rate; for the other solvers the objective is the mean loss plus
        ``alpha / n_samples * ||coefficients||**2 / 2``. Additive and monotone models, in which nothing scales up
        again what has been shrunk, take a hundredth of it.
    smoothness : float, default=0.0
        Regularisation of the edge functions' second differences, as `alpha` regularises their coefficients. The more
        of it, the closer functions come to straight lines rather than to zero. It pays off with many knots. For
        splines without constraints, and not for K-FAC or Gauss-Newton.
    batch_size : int or "auto", default="auto"
        Rows per step of Adam or K-FAC. ``"auto"`` for Adam is all rows up to 256, 128 up to 2,000 rows (32 without
        hidden layers), then about a twentieth, between 256 and 1,024; for K-FAC all rows up to 5,000, then 2,048.
    learning_rate : {"cosine", "constant"}, default="cosine"
        ``"cosine"`` warms up over a tenth of all steps and falls to zero at `max_iter`. Once the loss
        of validation rows has stayed 3 % above its lowest for 5 passes while that of training rows fell, training goes
        back to its best state, lets the rate fall to zero in 3 to 10 passes, and ends.
    learning_rate_init : float, default=0.01
        Highest learning rate of Adam. With K-FAC, parameters outside of its maps, such as those of norms, take steps
        of Adam at a tenth of it.
    max_iter : int or "auto", default="auto"
        Maximum number of passes over the rows, per phase; of L-BFGS one is ten quasi-Newton steps. ``"auto"`` is 50
        for ensembles with hidden layers that Adam trains, and 100 for all else.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out validation rows (stratified for classes), stop when their loss stops improving, and keep
        the best state. ``"auto"`` does so from 300 rows on.
    validation_fraction : float, default=0.15
        Share of the rows that is held out.
    n_iter_no_change : int, default=100
        A phase ends after this many passes without an improvement of the validation loss (without validation rows:
        the training loss) by more than `tol`; for L-BFGS, whose pass is ten steps, after a tenth as many. With a
        falling learning rate the last passes bring the most, so a small number ends training too early.
    tol : float, default=1e-4
        Smallest improvement that counts, on the scale of the loss.
    refit : {"last_layer"}, optional
        ``"last_layer"`` solves for the last layer's coefficients once `fit` has trained, separately for each member,
        and keeps those that do not raise the validation loss. It uses Newton's method on the cross-entropy, with a
        strength chosen by validation rows, or `alpha` without them. Monotone models cannot be solved for.
    class_weight : dict or "balanced", optional
        Weights of the classes, multiplied by `sample_weight`.
    categorical_features : array-like of {bool, int, str}, "from_dtype" or None, default="from_dtype"
        Categorical columns, as a mask, indices or names. ``"from_dtype"`` takes a dataframe's columns of dtype
        category, enum or string. Each level gets its own value on every edge, through an embedding of 8 dimensions if
        there are more than 32. Unknown levels contribute nothing.
    max_categories : int, optional
        Most levels of a categorical column that are told apart, as in `OrdinalEncoder`: the least frequent ones, by
        rows, share one of them. Missing values have a level of their own beside these.
    monotonic_cst : array-like of {-1, 0, 1} of shape (n_features,), or dict, optional
        With 1 the probability of ``classes_[1]`` never falls in that column, with -1 it never rises, whatever the
        other columns are, and outside the training data too; 0 leaves it free. A dict maps names of columns to these
        values. For two classes, numeric columns and spline bases. Exact up to the rounding of single predictions.
    interaction_cst : {"auto", "pairwise", "no_interactions"}, dict, or sequence of sets, lists or tuples, optional
        Columns that may interact, as sets of indices or names. The model is a sum of functions of one set each.
        Columns in none of the sets form another one. ``"pairwise"`` stands for all pairs; ``"no_interactions"`` is an
        additive model, without hidden layers. Hidden units are shared out evenly among the sets, with at least 8 for
        each. ``"auto"`` is a glass box: the sum of a function of each column and of those pairs of columns that
        held-out rows ask for. ``{"pairs": 10}`` has the ten pairs that change predictions most.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"`` and so on; ``"auto"`` is CUDA where there is a device, and the CPU otherwise.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Precision of the network. ``"auto"`` is float64 for float64 tables of up to 2,000 rows, otherwise float32.
        With ``"auto"`` steps of Adam are taken in float32 everywhere.
    warm_start : bool, default=False
        Continue from the fitted network instead of starting afresh. The encoding of columns and target stays as it
        is, and parameters that shape the network must not change.
    random_state : int, RandomState instance or None, default=None
        Determines the starting coefficients, the validation split and the order of rows. The same number, data and
        machine give the same predictions; torch's global generator is left alone.
    verbose : int, default=0
        1 shows a progress bar with losses, the best pass and the time left; 2 prints a line for each pass.
    callbacks : list of skorch callbacks, optional
        Called while `fit` trains, after the estimator's own. A callback that ends training ends its phase.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if `X` has string column names.
    selected_features_ : ndarray of bool, shape (n_features_in_,)
        The columns that the network gets: all, if `X` has 500 or less. See Notes.
    fine_knots_ : ndarray of int, shape (n_features_in_,)
        Knots of columns with fine structure; 0 for others.
    n_iter_ : int
        Passes over the rows.
    loss_curve_ : list of float
        Mean training loss of each pass, on the scale on which it is learned.
    validation_scores_ : list of float or None
        Minus the validation loss after each pass; None without validation rows.
    best_iteration_ : int or None
        The pass, from 1 to ``n_iter_``, that left the network (before `refit`): the one with the lowest validation
        loss, since the last refinement of knots. Passes of all phases count, those of earlier fits with `warm_start`
        too. None without validation rows, or if no pass improved on the network from before.
    best_score_ : float or None
        Minus the validation loss of that pass.
    module_ : KAN
        The network, a torch module.
    net_ : skorch.NeuralNet
        The last phase's net, with its ``history``.
    encoder_ : TableEncoder
        Maps columns to what the network sees.
    device_ : str
        Where the network is.
    feature_importances_ : ndarray of shape (n_features_in_,)
        Share of the prediction's variance that each column has, interactions included, on a sample of training rows.
    member_weights_ : ndarray of shape (n_members,)
        How much each member counts in predictions; one on average.
    terms_ : list of tuple
        Names, or places, of the columns of the terms that the model is a sum of; like the next two, if it is one of
        functions of single columns and pairs.
    term_importances_ : ndarray of shape (n_terms,)
        Standard deviation of each term over the training rows, in units of `y` or log-odds, or with a log link of
        logarithms; the root mean square over several outputs.
    intercept_ : float or ndarray of shape (n_outputs,)
        What is added to the terms; see `sklearn_kan.inspection`.
    solver_ : str
        The solver that trained the network.

    See Also
    --------
    KANRegressor : Regression by the same network.
    sklearn_kan.inspection.EdgeFunctionDisplay : Draws the learned functions.

    Notes
    -----
    The network ends in one logit per class and is trained on the cross-entropy. On tables of up to 2,000 rows,
    equal rows are merged into one with their total weight. A fit then does not depend on the order of rows, nor on
    whether a row is repeated or weighted.

    Above 500 columns, those are selected that `y` depends on by themselves, by tests of their ranks or levels: at most
    500, of which a tenth are expected to be chance. Validation rows are then set aside first, for all members alike.

    References
    ----------
    Liu et al. (2024), *KAN: Kolmogorov-Arnold Networks*, arXiv:2404.19756.

    Bayeh, Sadaoui, Mouhoub (2026), *TruKAN*, arXiv:2602.03879.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_kan import KANClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = KANClassifier(random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    _parameter_constraints: ClassVar = {
        **ClassesKAN._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(self, hidden_layer_sizes=(32,), *, basis="bspline", n_knots=6, fine_knots="auto", degree=3,
                 knots="quantile", refine_knots=None, basis_params=None, interactions=None,
                 n_members=16, norm="layer", solver="auto", alpha=2.0, smoothness=0.0, batch_size="auto",
                 learning_rate="cosine", learning_rate_init=0.01, max_iter="auto", early_stopping="auto",
                 validation_fraction=0.15, n_iter_no_change=100, tol=1e-4, refit=None, class_weight=None,
                 categorical_features="from_dtype", max_categories=None, monotonic_cst=None, interaction_cst=None,
                 device="auto", dtype="auto", warm_start=False, random_state=None, verbose=0,
                 callbacks=None) -> None:  # fmt: skip
        super().__init__(
            hidden_layer_sizes, basis=basis, n_knots=n_knots, fine_knots=fine_knots, degree=degree, knots=knots,
            refine_knots=refine_knots, basis_params=basis_params, interactions=interactions, n_members=n_members,
            norm=norm, solver=solver, alpha=alpha, smoothness=smoothness, batch_size=batch_size,
            learning_rate=learning_rate, learning_rate_init=learning_rate_init, max_iter=max_iter,
            early_stopping=early_stopping, validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change, tol=tol, refit=refit, categorical_features=categorical_features,
            max_categories=max_categories, monotonic_cst=monotonic_cst, interaction_cst=interaction_cst, device=device,
            dtype=dtype, warm_start=warm_start, random_state=random_state, verbose=verbose, callbacks=callbacks,
        )  # fmt: skip
        self.class_weight = class_weight

    @available_if(has_mini_batches)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None) -> Self:
        """One pass over some rows, with Adam at a constant learning rate.

        The first call learns the encoding of columns from its rows, and places the knots; later calls keep them.
        There is no validation and no early stopping.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), optional
            All classes that will come. Needed in the first call, unless its `y` has them all.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self : object
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once, but partial_fit sees only some. "
                "Pass a dict of weights instead, such as compute_class_weight gives."
            )
        return self._pass_over(X, y, sample_weight, classes=classes)

    def predict_proba(self, X) -> np.ndarray:
        """Probabilities of the classes.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), float64
            Columns in the order of ``classes_``.
        """
        return softmax(self._logits(X), axis=1)

    def predict_log_proba(self, X) -> np.ndarray:
        """Logarithms of the classes' probabilities.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes), float64
        """
        return log_softmax(self._logits(X), axis=1)

    def decision_function(self, X) -> np.ndarray:
        """Unnormalised log-probabilities; for two classes their difference, positive for ``classes_[1]``.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes), float64
        """
        raw = self._logits(X)
        return raw[:, 1] - raw[:, 0] if len(self.classes_) == 2 else raw

    def predict(self, X) -> np.ndarray:
        """Most probable classes.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        best = self._raw(X).argmax(1)
        return self.classes_[best]

    @property
    def classes_(self):
        return self._state.design.target.labels

    @property
    def temperature_(self):
        return self._state.network.temperature

    def _logits(self, X):
        return self._raw(X).astype(np.float64) / self.temperature_
