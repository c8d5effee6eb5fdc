"""What is left of a model outside torch: differences, time, size."""

from benchmarks.pages.page import Page, claim, read, table


def export():
    """Predictors without torch and ONNX graphs, table by table."""
    result = read("export")
    rows = result["tables"]
    n_rows = result["rows_at_once"]
    body = [
        "The largest difference from what the model predicts, over the standard deviation of that, and how many labels "
        "differ. Models of single precision round as they go; the predictor without torch does not.",
        table(
            ["table", "columns", "precision", "NumPy", "ONNX", "labels that differ, NumPy", "ONNX", "of"],
            [
                [
                    row["table"], str(row["n_features"]), row["dtype"], f"{row['numpy_difference']:.0e}",
                    f"{row['onnx_difference']:.0e}",
                    *(["", ""] if row["task"] == "regression" else
                      [str(row["numpy_label_changes"]), str(row["onnx_label_changes"])]),
                    str(row["n_predicted"]),
                ]
                for row in rows
            ],
        ),
        f"CPU time of `predict` for one row and for {n_rows:,} rows of a dataframe, in milliseconds. ONNX Runtime gets "
        "arrays.",
        table(
            ["table", "model", "NumPy", "ONNX", f"model, {n_rows:,} rows", "NumPy", "ONNX"],
            [
                [row["table"], *(f"{row[key][kind] / 1000:.2f}" for key in ("one_row_us", "rows_us")
                                 for kind in ("model", "numpy", "onnx"))]
                for row in rows
            ],
        ),
        "Files in kilobytes; and a process that starts Python, imports the predictor, loads the model and predicts one "
        "row: CPU seconds, and the memory of the whole process.",
        table(
            ["table", "`save`", "`to_numpy`", "`to_onnx`", "seconds", "MB"],
            [
                [row["table"], *(f"{row['size_kb'][kind]:,.0f}" for kind in ("kan", "npz", "onnx")),
                 f"{row['cold_start_s']:.2f}", f"{row['memory_mb']:.0f}"]
                for row in rows
            ],
        ),
        f"Members are the default 16, trained for {result['max_iter']} passes. ONNX Runtime "
        f"{result['onnxruntime']}.",
    ]  # fmt: skip
    return Page("Models outside torch", claim("export"), body, {"export": "export"})
