"""What users see of a search while it runs: a bar, or a line for each better formula."""

from tqdm.auto import tqdm

from ._expressions import rounded

LONGEST = 60  # characters of a formula on a bar


def reporter(verbose):
    """What is told the best candidate and the budget after each state of a search; None if nothing is to be shown."""
    if not verbose:
        return None
    return Bar() if verbose == 1 else Lines()


class Bar:
    """A progress bar over the budget, with the best formula so far."""

    def __init__(self):
        self.bar = tqdm(total=100, desc="formulas", bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}")

    def __call__(self, best, budget):
        self.bar.n = round(100 * budget.share)
        text = str(rounded(best.formula))
        short = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
        self.bar.set_postfix_str(f"error {best.error:.2g}: {short}")

    def close(self):
        self.bar.close()


class Lines:
    """A line for each formula that is better than those before."""

    def __init__(self):
        self.shown = None

    def __call__(self, best, budget):
        if best.formula != self.shown:
            self.shown = best.formula
            print(f"{budget.n_steps} steps, error {best.error:.3g}: {rounded(best.formula)}")

    def close(self):
        pass
