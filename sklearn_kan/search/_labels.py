"""Choices of any kind in a study whose storage keeps numbers, texts, truth values and None only."""

import re

from joblib import hash as digest

from .._equality import plain

LONGEST = 60  # characters of a label


def label(choice):
    """How a study knows a choice: by itself where any storage keeps it, else by a text that says what it is.

    Examples
    --------
    >>> from sklearn_kan.search._labels import label
    >>> label(0.5), label((8, 4)), label([8, 4])
    (0.5, '(8, 4)', '(8, 4)')
    """
    choice = as_tuples(plain(choice))
    if choice is None or isinstance(choice, bool | int | float | str):
        return choice
    if isinstance(choice, type):
        return f"{choice.__module__}.{choice.__qualname__}"
    text = re.sub(" at 0x[0-9a-fA-F]+", "", repr(choice))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 40]}... {digest(text)}"


def as_tuples(value):
    return tuple(map(as_tuples, value)) if isinstance(value, list | tuple) else value


def labelled(trial):
    """The same trial, which now suggests choices of any kind; its study knows them by their labels."""
    suggest = trial.suggest_categorical

    def suggest_by_label(name, choices):
        labels = [label(choice) for choice in choices]
        if len(set(labels)) < len(labels):
            labels = [f"{place}: {text}" for place, text in enumerate(labels)]
        try:
            return choices[labels.index(suggest(name, labels))]
        except ValueError as error:
            raise ValueError(f"{name}: {error} With this storage the choices are called {labels}.") from error

    vars(trial)["suggest_categorical"] = suggest_by_label
    return trial
