"""Glass boxes as SQL."""

import math

from ._additive import Choice, Product, additive

MOST_CASES = 16
# What is read twice is computed once and kept. Read once, databases put its text wherever its name stands, again and
# again, and SQLite took half a minute for four classes.
COMPUTED_ONCE = '"kan_sums" WHERE EXISTS (SELECT 1 FROM "kan_sums")'


def to_sql(model, table="data") -> str:
    """A glass box as a query, with one expression for each of its terms.

    The query selects all columns of a table, what each term adds (``term_0`` and so on, in the order of ``terms_``),
    and the ``prediction``, with ``probability_0`` and so on of the classes of a classifier. It is plain SQL, with the
    functions SQRT, ABS and EXP. NULL are missing values; dates are numbers of days since 1970-01-01.

    Parameters
    ----------
    model : KANClassifier or KANRegressor
        Fitted, with ``terms_``, and by itself rather than in a pipeline. Pairs with a column of labels are exact; pairs
        of two numbers need to be tabulated, by `sklearn_kan.inspection.round_terms`.
    table : str, default="data"
        The name of the table, put in double quotes.

    Returns
    -------
    str

    Raises
    ------
    TypeError
        If the model is another estimator, or labels are neither texts nor numbers.
    ValueError
        If the model is not fitted, is no glass box, or has a pair of two numbers that is a network, dates with cycles,
        or several quantiles.

    Notes
    -----
    SQLite, PostgreSQL and DuckDB read large queries faster with ``query.replace('" AS (', '" AS MATERIALIZED (')``.

    See Also
    --------
    to_json : The same as data.
    to_c, to_python : Source code of every network.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.export import to_sql
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(interaction_cst="no_interactions", max_iter=5, random_state=0).fit(X, y)
    >>> print(to_sql(model, "patients")[:16])
    WITH "kan_scaled
    """
    found = additive(model)
    n_outputs = len(found.intercept)
    scaled: dict[str, str] = {}
    for term in found.terms:
        scaled |= {str(own.column): axis(own) for own in numeric_parts(term) if own.rate}
    names = [[f"term_{place}" + (f"_{k}" if n_outputs > 1 else "") for k in range(n_outputs)]
             for place in range(len(found.terms))]  # fmt: skip
    terms = [
        f"    {function(term, k, n_outputs)} AS {names[place][k]} -- {found.names[place]}".replace("\n", " ")
        for place, term in enumerate(found.terms) for k in range(n_outputs)
    ]  # fmt: skip
    sums = [
        f"    {' + '.join([repr(float(found.intercept[k])), *(own[k] for own in names)])} AS sum_{k}"
        for k in range(n_outputs)
    ]  # fmt: skip
    return "\n".join(
        [
            'WITH "kan_scaled" AS (',
            "  SELECT *" + "".join(f",\n    {value} AS {quoted(f'z of {name}')}" for name, value in scaled.items()),
            f"  FROM {quoted(table)}",
            '), "kan_terms" AS (',
            "  SELECT *" + "".join(f",\n{term}" for term in with_commas(terms)),
            '  FROM "kan_scaled"',
            '), "kan_sums" AS (',
            "  SELECT *,\n" + ",\n".join(sums),
            '  FROM "kan_terms"',
            *outputs(found, n_outputs),
        ]
    )


def with_commas(terms):
    """Comments go to lines of their own, since a comma would be part of them."""
    return [f"    -- {comment}\n{own}" for own, _, comment in (term.rpartition(" -- ") for term in terms)]


def outputs(found, n_outputs):
    """The end of the query, from sums to predictions."""
    if found.link in ("identity", "log"):
        values = [f"sum_{k}" for k in range(n_outputs)]
        if found.link == "log":
            most = repr(found.most)
            values = [f"EXP(CASE WHEN {value} > {most} THEN {most} ELSE {value} END)" for value in values]
        names = ["prediction"] if found.is_flat else [f"prediction_{k}" for k in range(n_outputs)]
        pairs = ", ".join(f"{value} AS {name}" for value, name in zip(values, names, strict=True))
        return [")", f"SELECT *, {pairs} FROM {COMPUTED_ONCE}"]
    if found.link == "logit":
        chances = ["EXP(-ABS(sum_0)) / (1 + EXP(-ABS(sum_0)))", "1 / (1 + EXP(-ABS(sum_0)))"]
        smaller, larger = chances
        probabilities = [
            f"CASE WHEN sum_0 > 0 THEN {smaller} ELSE {larger} END",
            f"CASE WHEN sum_0 > 0 THEN {larger} ELSE {smaller} END",
        ]
    else:
        logits = [f"sum_{k}" for k in range(n_outputs)]
        probabilities = [f"1 / ({' + '.join(f'EXP({other} - {own})' for other in logits)})" for own in logits]
    names = [f"probability_{k}" for k in range(len(probabilities))]
    scores = names if found.link == "logit" else logits
    best = [
        f"WHEN {' AND '.join(f'{own} >= {other}' for other in scores if other != own)} THEN {literal(label)}"
        for own, label in zip(scores, found.outputs, strict=True)
    ]
    pairs = ", ".join(f"{value} AS {name}" for value, name in zip(probabilities, names, strict=True))
    return [
        '), "kan_probabilities" AS (', f"  SELECT *, {pairs} FROM {COMPUTED_ONCE}", ")",
        f'SELECT *, CASE {" ".join(best)} END AS prediction FROM "kan_probabilities"',
    ]  # fmt: skip


def numeric_parts(value):
    """All functions of numbers in a function."""
    if isinstance(value, Choice):
        parts = [value.missing, value.unknown, *(own for _, own in value.cases)]
        return [found for part in parts for found in numeric_parts(part)]
    if isinstance(value, Product):
        return [value.first, value.second]
    return [value] if hasattr(value, "curve") else []


def axis(numeric):
    """What curves are functions of."""
    t = f"({quoted(numeric.column)} - {numeric.center!r}) * {numeric.rate!r}"
    return f"{t} / SQRT(1.0 + {t} * {t} / 9.0)"


def function(value, k, n_outputs):
    """An expression for one output of a function."""
    if isinstance(value, Choice):
        column = quoted(value.column)
        cases = [f"WHEN {column} = {literal(label)} THEN {function(own, k, n_outputs)}" for label, own in value.cases]
        missing, unknown = (function(own, k, n_outputs) for own in (value.missing, value.unknown))
        return f"CASE WHEN {column} IS NULL THEN {missing} {' '.join(cases)} ELSE {unknown} END"
    if isinstance(value, Product):
        return product(value.first, value.second, k, n_outputs)
    return curve(value, k) if hasattr(value, "curve") else repr(float(value[k]))


def curve(numeric, k):
    """An expression for one output of a curve."""
    z, own = axis_of(numeric), numeric.curve
    pieces = [polynomial(z, center, powers[:, k]) for center, powers in zip(own.centers, own.coefficients, strict=True)]
    return with_cases(numeric, [repr(float(values[k])) for _, values in numeric.special],
                      repr(float(numeric.missing[k])), tree(z, own.ends, pieces))  # fmt: skip


def product(first, second, k, n_outputs):
    """An expression for one output of a product: polynomials of two numbers on rectangles."""
    z, own = axis_of(second), second.curve

    def weighted(weights):
        """The first function, its values weighted."""

        def along(values):
            return values.reshape(*values.shape[:-1], len(weights), n_outputs)[..., k] @ weights

        powers = [along(powers)[:, None] for powers in first.curve.coefficients]
        return first._replace(
            curve=first.curve._replace(coefficients=powers), missing=along(first.missing)[None],
            special=[(place, along(values)[None]) for place, values in first.special],
        )  # fmt: skip

    pieces = []
    for center, powers in zip(own.centers, own.coefficients, strict=True):
        by_power = [f"({curve(weighted(weights), 0)})" for weights in powers]
        pieces.append(nested(z, center, by_power))
    special = [curve(weighted(values), 0) for _, values in second.special]
    return with_cases(second, special, curve(weighted(second.missing), 0), tree(z, own.ends, pieces))


def with_cases(numeric, special, missing, otherwise):
    """An expression with cases of its own for NULL and for single places."""
    column = quoted(numeric.column)
    places = [f"WHEN {column} = {place!r} THEN {own}" for (place, _), own in zip(numeric.special, special, strict=True)]
    return f"CASE {' '.join([f'WHEN {column} IS NULL THEN {missing}', *places])} ELSE {otherwise} END"


def tree(z, ends, pieces):
    """The piece that z lies in. Databases look at few of many, by two levels, since some take few nested cases."""
    n, size = len(pieces), max(MOST_CASES, math.ceil(math.sqrt(len(pieces))))
    if n == 1:
        return pieces[0]
    if n > MOST_CASES:
        starts = range(0, n, size)
        pieces = [tree(z, ends[start : start + size - 1], pieces[start : start + size]) for start in starts]
        ends = [ends[start - 1] for start in starts[1:]]
    cases = " ".join(f"WHEN {z} < {end!r} THEN {piece}" for end, piece in zip(ends, pieces, strict=False))
    return f"CASE {cases} ELSE {pieces[-1]} END"


def polynomial(z, center, powers):
    """A polynomial by Horner's scheme."""
    return nested(z, center, [repr(float(power)) for power in powers])


def nested(z, center, powers):
    text = powers[-1]
    for power in powers[-2::-1]:
        text = f"{power} + ({z} - {center!r}) * ({text})"
    return text


def axis_of(numeric):
    """The name of what a curve is a function of; of a constant column there is none, and no need for it."""
    return quoted(f"z of {numeric.column}") if numeric.rate else "0.0"


def quoted(name):
    doubled = str(name).replace('"', '""')
    return f'"{doubled}"'


def literal(label):
    if isinstance(label, bool):
        return "TRUE" if label else "FALSE"
    doubled = str(label).replace("'", "''")
    return repr(label) if isinstance(label, int | float) else f"'{doubled}'"
