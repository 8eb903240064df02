"""The maximum of a logistic regression's likelihood by Newton's method, and whether there is one.

Reference:
  Boyd and Vandenberghe (2004), Convex Optimization, section 9.5 (Newton decrement).
"""

import numpy as np
import scipy

_STEPS = 30
_STILL = 1e-20  # squared standard errors


def maximise(
  matrix: np.ndarray, sign: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None, bool]:
  """Where Newton's method leads from ``start``, the covariance there, which is None if it leads
  nowhere, and whether this proves that there is a maximum likelihood estimate.

  With g the gradient and H the information, g' H^-1 g tends to 0 also where classes can be
  separated. But a direction that separates with margins m_i >= 0 has slope sum q_i m_i, q_i being
  the probability of the class that case i is not of, and curvature sum q_i (1 - q_i) m_i^2, so that
  g' H^-1 g >= sum q_i m_i / max m_i >= min q_i (Cauchy and Schwarz). Where it is less than a
  thousandth of min q_i there is no such direction, and no linear programme needs to say so.

  Args:
    matrix: float64 [N, D], the design.
    sign: [N], 1 for cases of the class that coefficients speak for and -1 for others.
    start: [D].
  """
  beta = start
  for _ in range(_STEPS):
    wrong = scipy.special.expit(-sign * (matrix @ beta))
    right = scipy.special.expit(sign * (matrix @ beta))
    try:
      triangle = np.linalg.qr(matrix * np.sqrt(wrong * right)[:, None], mode='r')
      inverse = scipy.linalg.solve_triangular(triangle, np.eye(len(start)))
    except (np.linalg.LinAlgError, ValueError):
      break  # the steps led to where all probabilities are 0 or 1
    gradient = matrix.T @ (sign * wrong)
    step = inverse @ (inverse.T @ gradient)
    decrement = float(gradient @ step)
    if decrement < _STILL:
      return beta, inverse @ inverse.T, decrement < 1e-3 * wrong.min()
    beta = beta + step
  return start, None, False
