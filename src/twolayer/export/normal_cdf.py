"""The normal distribution function for programs that have `exp` and little else.

    Φ(h) = ½·erfc(a) for h <= 0 and 1 − ½·erfc(a) for h > 0,  with a = |h|/√2
    erfc(a) = t·exp(−a² + p(2t − 1)),                         with t = 2 / (2 + a), between 0 and 1

The form is that of Press et al., *Numerical Recipes*, section 6.2: the function p is smooth on the whole interval. Its
coefficients are computed here, by interpolation at the Chebyshev points.
"""

from __future__ import annotations

import numpy as np

N_TERMS = 25  # enough for float64: erfc is then wrong by a few 1e-15


def cdf_coefficients() -> np.ndarray:
    """Return the coefficients of p, of 1, u, u², ... with u = 2t − 1; shape (N_TERMS,)."""
    from numpy.polynomial import chebyshev
    from scipy.special import erfcx  # exp(a²)·erfc(a)

    u = np.cos(np.pi * (np.arange(N_TERMS) + 0.5) / N_TERMS)
    t = (u + 1) / 2
    a = 2 / t - 2
    return chebyshev.cheb2poly(chebyshev.chebfit(u, np.log(erfcx(a) / t), N_TERMS - 1))
