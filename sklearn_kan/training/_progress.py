"""What users see of a phase while it runs: a bar, or a line for each pass."""

from time import perf_counter

from skorch.callbacks import Callback
from tqdm.auto import tqdm

LOSSES = {"train_loss": "loss", "valid_loss": "validation loss"}


def shown(verbose, name, watch):
    """The callbacks that show a phase; `watch` is its `BestState`."""
    if not verbose:
        return []
    return [Bar(name, watch) if verbose == 1 else Lines(name, watch)]


def losses_of(epoch):
    """The losses of a pass, in the order in which they are shown."""
    return {key: epoch[key] for key in LOSSES if key in epoch}


class Bar(Callback):
    """A progress bar over passes: time left, latest losses, and the best pass so far."""

    def __init__(self, name, watch):
        self.name, self.watch = name, watch

    def on_train_begin(self, net, **kwargs):
        self.bar = tqdm(total=net.max_epochs, desc=self.name, unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        self.bar.total = min(net.max_epochs, net.schedule.n_passes_in_all)  # fewer once the rate falls to zero
        losses = {key: f"{loss:.4g}" for key, loss in losses_of(net.history[-1]).items()}
        best = {} if self.watch.kept is None else {"best_epoch": self.watch.kept + 1}
        self.bar.set_postfix(losses | best, refresh=False)
        self.bar.update()

    def on_train_end(self, net, **kwargs):
        self.bar.total = self.bar.n  # an early end is an end
        self.bar.refresh()
        self.bar.close()


class Lines(Callback):
    """A line for each pass, as scikit-learn's networks print them, and one for the end."""

    def __init__(self, name, watch):
        self.name, self.watch = name, watch

    def on_train_begin(self, net, **kwargs):
        self.start = perf_counter()

    def on_epoch_end(self, net, **kwargs):
        losses = [f"{LOSSES[key]} = {loss:.8f}" for key, loss in losses_of(net.history[-1]).items()]
        print(f"{self.name}: iteration {len(net.history)}", *losses, sep=", ")

    def on_train_end(self, net, **kwargs):
        best = "" if self.watch.kept is None else f" Best iteration: {self.watch.kept + 1}."
        n_passes, seconds = len(net.history), perf_counter() - self.start
        print(f"{self.name}: {n_passes} iterations of at most {net.max_epochs} in {seconds:.1f} s.{best}")
