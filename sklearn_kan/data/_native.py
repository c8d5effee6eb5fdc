"""Tables and targets of other packages as what they are made of: arrays, and dataframes that are there."""

import narwhals.stable.v2 as nw
import torch


def native(values):
    """Tensors as arrays, lazy frames computed, record batches as tables, and what narwhals wraps without its wrapper.

    scikit-learn's dispatch would keep tensors as they are. Anything else is returned as it is.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.data._native import native
    >>> native(torch.ones(2, requires_grad=True))
    array([1., 1.], dtype=float32)
    """
    if isinstance(values, torch.Tensor):
        return values.detach().cpu().numpy()
    name, package = type(values).__name__, type(values).__module__.partition(".")[0]
    if package == "narwhals" and hasattr(values, "to_native"):
        return native(values.to_native())
    if name == "RecordBatch" and package == "pyarrow":  # narwhals knows its tables
        return nw.dependencies.get_pyarrow().Table.from_batches([values])
    if name == "LazyFrame" and package == "polars":
        return values.collect()
    return values
