"""Cases unlike all others: far from their nearest neighbours.

Source:
  Ramaswamy, Rastogi and Shim (2000), Efficient algorithms for mining outliers from large data sets,
  SIGMOD (the distance to near neighbours as a score).
"""

import numpy as np

from medjax.audit.cases import Cases
from medjax.audit.finding import Checked, Finding, Row, names

NEIGHBOURS = 10  # so that up to as many strangers of one kind are found
_FAR = (
  5.0  # robust standard deviations of the logarithm; of a normal one 3 in 10 million are beyond
)
_MOST = 50
_INFORMATION = 10
_REFERENCE = 20_000  # cases among which neighbours are sought


def check(cases: Cases) -> Checked:
  """Lists the cases that are farthest from their neighbours."""
  about = (
    f'Distance to the {NEIGHBOURS}th nearest case, in at most 100 principal components of the '
    'features, as a multiple of the median. A finding where its logarithm is more than '
    f'{_FAR:.0f} robust standard deviations (1.48 times the median absolute deviation) above.'
  )
  components = cases.components
  if components is None or len(cases) <= 2 * NEIGHBOURS:
    why = 'there are no features of a case' if components is None else 'there are too few cases'
    return Checked('outliers', about, problem=why)
  ratio, far = scores(components, ~cases.focus if not cases.focus.all() else cases.focus)
  order = [int(i) for i in np.argsort(-ratio, kind='stable') if cases.focus[i]]
  found = [i for i in order if far[i]][:_MOST]
  shown = found or order[:_INFORMATION]
  rows: list[Row] = [
    {'case': str(cases.id[i]), 'split': str(cases.split[i]), 'distance': round(float(ratio[i]), 3)}
    for i in shown
  ]
  if not found:
    line = f'no outlier; the farthest is {cases.where(shown[0])}'
    return Checked('outliers', about, [Finding(line, '', rows, True, 'case')])
  return Checked(
    'outliers',
    about,
    [
      Finding(
        f'{names(len(found), "case is", "cases are")} unlike all others, the first '
        f'{cases.where(found[0])}, {ratio[found[0]]:.1f} times as far from its neighbours as usual',
        'look at them: other views, other modalities and broken files do not belong to the study; '
        'rare findings do',
        rows,
        shown='case',
      )
    ],
  )


def scores(components: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """How far cases are from their neighbours, as a multiple of what is usual.

  Args:
    components: [N, D].
    reference: bool [N], the cases among which neighbours are sought and that say what is usual.

  Returns:
    The multiple [N], and bool [N], whether it is out of the ordinary.
  """
  from sklearn.neighbors import NearestNeighbors

  numbers = np.flatnonzero(reference)
  if len(numbers) > _REFERENCE:
    numbers = np.sort(np.random.default_rng(0).choice(numbers, _REFERENCE, replace=False))
  near = NearestNeighbors(n_neighbors=min(NEIGHBOURS + 1, len(numbers))).fit(components[numbers])
  distance, neighbour = near.kneighbors(components)
  itself = (neighbour == np.searchsorted(numbers, np.arange(len(components)))[:, None]) & np.isin(
    np.arange(len(components)), numbers
  )[:, None]
  # A reference case is its own nearest neighbour, which does not count.
  place = np.where(itself.any(axis=1), distance.shape[1] - 1, distance.shape[1] - 2)
  far = distance[np.arange(len(distance)), place]
  ratio = far / max(float(np.median(far[numbers])), 1e-12)
  logs = np.log(np.maximum(ratio, 1e-12))
  spread = 1.4826 * np.median(np.abs(logs[numbers] - np.median(logs[numbers])))
  return ratio, logs - np.median(logs[numbers]) > _FAR * max(float(spread), 1e-6)
