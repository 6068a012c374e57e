"""Likelihoods of two-by-two tables, given their margins: what is left of a comparison when nobody knows the rate that both sides share.

Of n tasks on one side and m on the other, s in all are bad. If both sides are alike, how many of the s are on the first side is
hypergeometric, whatever the rate; if the first side's odds are w times the other's, it is Fisher's noncentral hypergeometric. The
likelihood ratio of w against 1 has the expectation 1 when sides are alike: it is an e-value, and so is its product over independent tables.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]

EXACT = 96
"""Tables with so many possible outcomes more than one are summed up exactly; those beyond are large enough for the approximation."""
_CHUNK = 2_000_000
"""Outcomes worked on at once."""
_SMALL = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, 256)))))
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def log_ratios(a: Ints, n: Ints, s: Ints, m: Ints, log_odds: Floats, log_offset: Floats) -> Floats:
    """Log likelihood ratios of tables, one row a table, one column an odds ratio.

    `a` of `n` tasks on the first side are bad, of `m` on the other `s - a`; 0 <= a <= n, 0 <= s - a <= m. The null is that a table's odds
    ratio is exp(`log_offset`), and `log_odds` are by how much it may be larger, all above 0.
    """
    found = np.zeros((len(a), len(log_odds)))
    low = np.maximum(0, s - m)
    width = np.minimum(n, s) - low
    open_ = width > 0  # with a single possible outcome a table says nothing
    wide = width > EXACT
    for rows in _chunks(np.flatnonzero(open_ & ~wide), width):
        tables = (n[rows], m[rows], s[rows])
        found[rows] = (a - low)[rows, None] * log_odds - _exact(*tables, low[rows], int(width[rows].max()), log_odds, log_offset[rows])
    rows = np.flatnonzero(wide)
    if len(rows):
        found[rows] = a[rows, None] * log_odds - _approximate(n[rows], m[rows], s[rows], log_odds, log_offset[rows])
    return found


def log_factorial(x: Ints) -> Floats:
    """Ln x!, by table and Stirling's series."""
    large = np.maximum(x, 255).astype(np.float64)
    series = large * np.log(large) - large + 0.5 * np.log(2 * np.pi * large) + 1 / (12 * large) - 1 / (360 * large**3)
    return np.where(x < 256, _SMALL[np.minimum(x, 255)], series)


def _chunks(rows: Ints, width: Ints) -> list[Ints]:
    """Tables of like size together, few enough to be worked on at once."""
    rows = rows[np.argsort(width[rows], kind="stable")]
    cuts = np.flatnonzero(np.diff(np.cumsum(width[rows] + 1) // _CHUNK)) + 1
    sizes = np.searchsorted(width[rows], (4, 16, 48))
    return [part for part in np.split(rows, np.unique(np.concatenate((cuts, sizes)))) if len(part)]


def _exact(n: Ints, m: Ints, s: Ints, low: Ints, most: int, log_odds: Floats, log_offset: Floats) -> Floats:
    """Ln E[w^(x - low)] under the null."""
    steps = np.arange(most + 1)
    x = low[:, None] + steps
    possible = x <= np.minimum(n, s)[:, None]
    x = np.where(possible, x, low[:, None])
    n, m, s = n[:, None], m[:, None], s[:, None]
    weights = x * log_offset[:, None] - log_factorial(x) - log_factorial(n - x) - log_factorial(s - x) - log_factorial(m - s + x)
    weights = np.where(possible, weights, -np.inf)
    mass = np.exp(weights - weights.max(axis=1, keepdims=True))
    mass /= mass.sum(axis=1, keepdims=True)
    found: Floats = np.log(mass @ np.exp(np.outer(steps, log_odds)))
    return found


def _approximate(n: Ints, m: Ints, s: Ints, log_odds: Floats, log_offset: Floats) -> Floats:
    """The same of large tables: its derivative is the mean of x, for which there is Cornfield's closed form."""
    halves = log_odds / 2
    at = log_offset[:, None, None] + halves[None, :, None] * (1 + _NODES)
    found: Floats = (_mean(n[:, None, None], m[:, None, None], s[:, None, None], np.exp(at)) @ _WEIGHTS) * halves
    return found


def _mean(n: Ints, m: Ints, s: Ints, odds: Floats) -> Floats:
    """Where (x (m - s + x)) / ((n - x) (s - x)) is the odds ratio."""
    # (1 - w) x^2 + (m - s + w (n + s)) x - w n s = 0, solved in the form that does not cancel when w is near 1.
    b = m - s + odds * (n + s)
    root = np.sqrt(np.maximum(b * b + 4 * (1 - odds) * odds * n * s, 0))
    found: Floats = 2 * odds * n * s / (b + root)
    return found
