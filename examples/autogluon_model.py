"""Networks as a custom model of AutoGluon, for TabularPredictor and TabArena.

    from autogluon.tabular import TabularPredictor
    from autogluon_model import KANModel
    TabularPredictor(label="class").fit(train_data, hyperparameters={KANModel: {}, "GBM": {}})

AutoGluon says what the problem is and how many threads there are, and hands tables on as dataframes. A time limit does
not end a fit; give `max_iter` where time is short.
"""

from autogluon.core.models import AbstractModel

from sklearn_kan import KANClassifier, KANRegressor

LOSSES = {"root_mean_squared_error": "squared_error", "mean_absolute_error": "absolute_error",
          "median_absolute_error": "absolute_error"}  # fmt: skip


class KANModel(AbstractModel):
    """A `KANClassifier` or `KANRegressor`, as the problem asks for."""

    ag_key = "KAN"
    ag_name = "KAN"
    ag_priority = 50
    seed_name = "random_state"

    def _fit(self, X, y, X_val=None, y_val=None, num_cpus=1, sample_weight=None, **_):
        import torch

        parameters = self._get_model_params()
        is_regression = self.problem_type in ("regression", "quantile")
        if self.problem_type == "quantile":
            parameters |= {"loss": "quantile", "quantile": list(self.quantile_levels)}
        elif is_regression:
            parameters.setdefault("loss", LOSSES.get(getattr(self.eval_metric, "name", None), "squared_error"))
        X = self.preprocess(X, is_train=True)
        given = {}
        if X_val is not None and y_val is not None:
            given = {"X_val": self.preprocess(X_val), "y_val": y_val}
        threads = torch.get_num_threads()
        torch.set_num_threads(max(1, int(num_cpus)))
        try:
            model = (KANRegressor if is_regression else KANClassifier)(**parameters)
            self.model = model.fit(X, y, sample_weight=sample_weight, **given)
        finally:
            torch.set_num_threads(threads)

    def _set_default_params(self):
        for name, value in {"random_state": 0}.items():
            self._set_default_param_value(name, value)

    def _get_default_auxiliary_params(self):
        own = {"valid_raw_types": ["int", "float", "category", "bool", "datetime"]}
        return super()._get_default_auxiliary_params() | own

    @classmethod
    def supported_problem_types(cls):
        """What networks can be asked for."""
        return ["binary", "multiclass", "regression", "quantile"]

    @classmethod
    def _estimate_memory_usage_static(cls, *, X, **_):
        return int(1.5e9 + 8 * X.shape[0] * X.shape[1] * 8)  # torch, and the encoded table with its hidden values

    def _more_tags(self):
        return {"can_refit_full": True}
