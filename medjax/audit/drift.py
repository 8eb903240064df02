"""Whether sets of cases differ: splits from one another, or new cases from those of training.

A classifier two-sample test: where a model tells of which set a case is that it was not fitted to,
the sets differ. And each column of metadata is compared by itself.

Source:
  Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests, ICLR.
"""

import math

import numpy as np

from medjax.audit import columns, out_of_fold
from medjax.audit.cases import Cases, Target
from medjax.audit.finding import Checked, Finding, Row
from medjax.errors import UserError
from medjax.evaluation.estimate import normal_quantile

_LARGE = 0.1  # standardised difference from which on sets are called unbalanced (Austin 2009)
_FEWEST = 10  # cases of a set
_COMPONENTS = 50


def check(cases: Cases) -> Checked:
  """Compares each set of cases with training."""
  about = (
    'AUROC of “of which set is it”, by logistic regression on at most 50 principal components of '
    'the features, cross-validated by group; a finding where the lower bound of the 95% interval '
    f'is above {out_of_fold.SMALL_EFFECT}. Columns of metadata by their standardised difference; a '
    f'finding where its 95% interval, over groups, is beyond {_LARGE}.'
  )
  findings: list[Finding] = []
  others = [name for name in dict.fromkeys(cases.split.tolist()) if name != 'train']
  if not others or not (cases.split == 'train').any():
    return Checked('drift', about, problem='there is one set of cases only')
  for other in others:
    findings += of_set(cases, other)
  return Checked('drift', about, findings)


def of_set(cases: Cases, other: str) -> list[Finding]:
  """What tells the cases of a set from those of train, and which columns of metadata differ."""
  both = np.flatnonzero(np.isin(cases.split, ['train', other]))
  label = (cases.split[both] == other).astype(np.int64)
  if min(label.sum(), (1 - label).sum()) < _FEWEST:
    line = f'{other} and train: not compared: a set has fewer than {_FEWEST} cases'
    return [Finding(line, '', information=True)]
  found = []
  if cases.components is not None:
    target = Target('', ('train', other), label)
    try:
      estimate, _ = out_of_fold.auroc(
        target, cases.components[both, :_COMPONENTS], cases.group[both]
      )
    except UserError as error:
      return [Finding(f'{other} and train: not compared: {error}', '', information=True)]
    told = out_of_fold.tells(estimate)
    found.append(
      Finding(
        f'{other} {"differs from" if told else "looks like"} train: a model tells them apart with '
        f'AUROC {out_of_fold.spelled(estimate)}',
        'find out what differs (device, site, time, processing; see the outliers and columns): '
        'results of one set may not hold in the other'
        if told
        else '',
        information=not told,
      )
    )
  rows: list[Row] = []
  for name, cells in cases.metadata.items():
    if columns.encode(cells)[1]:
      continue
    of = [cells[i] for i in both[label == 1]], [cells[i] for i in both[label == 0]]
    counts = [len(np.unique(cases.group[both[label == value]])) for value in (1, 0)]
    found_difference, level = columns.difference(*of)
    if math.isnan(found_difference):
      continue
    deviation = _error(found_difference, *counts)
    rows.append(
      {
        'column': name,
        'level': level,
        'standardised difference': round(max(min(found_difference, 99.0), -99.0), 3),
        'beyond chance': 'yes'
        if abs(found_difference) - normal_quantile(0.95) * deviation > _LARGE
        else 'no',
      }
    )
  rows.sort(key=lambda row: -abs(float(row['standardised difference'])))
  far = [row for row in rows if row['beyond chance'] == 'yes']
  if rows:
    first = (far or rows)[0]
    level = f' ({first["level"]})' if first['level'] else ''
    line = (
      f'{len(far)} of {len(rows)} columns differ between {other} and train, most {first["column"]}'
      f'{level} by {first["standardised difference"]:+.2f} standard deviations'
    )
    advice = 'report results within levels of these columns, or draw splits again' if far else ''
    found.append(Finding(line, advice, rows, information=not far))
  return found


def _error(difference: float, one: int, other: int) -> float:
  """Standard error of a standardised difference (Hedges and Olkin 1985)."""
  return math.sqrt((one + other) / (one * other) + min(difference, 99.0) ** 2 / (2 * (one + other)))
