"""Whether the cases of another site are others than those of the development, and in what.

Source:
  Debray et al. (2015), A new framework to enhance the interpretation of external validation studies
  of clinical prediction models, Journal of Clinical Epidemiology 68:279-289: the spread and the
  mean of the linear predictor, and a model of membership.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.audit import cases, drift
from medjax.audit.cases import Cases
from medjax.data.dataset import Dataset, Split
from medjax.data.split import EXTERNAL, SPLITS
from medjax.outcomes import Outcome


def of_both(development: Dataset, there: Split) -> Cases:
  """The cases of a run's development and of another site, with the columns that both have."""
  splits = {**development.splits, EXTERNAL: there}
  known = development.splits['train'].metadata
  common = [name for name in there.metadata if name in known]
  seen = {
    name: dataclasses.replace(
      one, metadata={c: one.metadata[c] for c in common if c in one.metadata}
    )
    for name, one in splits.items()
  }
  found = cases.of_dataset(dataclasses.replace(development, splits=seen))
  # A column that is an input is no shortcut, but it may differ.
  columns = {
    name: [cell for one in seen.values() for cell in one.metadata.get(name, [''] * len(one))]
    for name in common
  }
  return dataclasses.replace(found, metadata=columns)


def copies(both: Cases) -> dict[str, str]:
  """Of cases of the other site that are the same to the network as one of the development, that
  one, by id."""
  own = np.flatnonzero(both.split != EXTERNAL)
  first = {both.digest[int(i)]: both.where(int(i)) for i in own[::-1]}
  return {
    str(both.id[i]): first[both.digest[int(i)]]
    for i in np.flatnonzero(both.split == EXTERNAL)
    if both.digest[int(i)] in first
  }


def differences(both: Cases, copied: Sequence[str], site: str) -> list[dict[str, Any]]:
  """What tells the other site's cases, but for copies, from training; see ``drift.of_set``.

  Args:
    both: of the development and the site.
    copied: ids of cases of the site that are left out.
    site: what its data are called.
  """
  left = set(copied)
  name_of = site if site not in SPLITS else f'the site {site}'
  split = both.split.astype(object)
  for number in np.flatnonzero(both.split == EXTERNAL):
    split[number] = 'copy' if both.id[number] in left else name_of
  named = dataclasses.replace(both, split=split.astype(str))
  return [one.to_json() for one in drift.of_set(named, name_of)]


def columns_of_one(development: Dataset, there: Split) -> str:
  """Which columns of metadata only one of both has; '' for none."""
  own, other = (dict.fromkeys(one.metadata) for one in (development.splits['train'], there))
  only = {
    'in development': [name for name in own if name not in other],
    'there': [name for name in other if name not in own],
  }
  return '; '.join(f'{", ".join(names)} only {where}' for where, names in only.items() if names)


def why(
  title: str, found: dict[str, Any], differs: Sequence[dict[str, Any]], shown: bool = True
) -> str:
  """What a loss may come from, in a sentence; '' where nothing says so.

  Args:
    title: of the first metric.
    found: see ``predicted``.
    differs: see ``differences``.
    shown: whether there is a loss beyond chance; otherwise no cause of it is named.
  """
  told = []
  parts = found['parts']
  if parts:
    lost = parts['there'] - parts['development']
    mix = parts['expected'] - parts['expected_development']
    line = (
      f'The mix of cases would change {title} by {mix:+.3f} if the probabilities were right; it '
      f'changed by {lost:+.3f}'
    )
    if shown and lost < -0.05 and mix > lost / 2:
      line += ', so that most of it is the model: what it goes by does not mean the same there'
    told.append(line)
  told += [one['line'] for one in differs if not one['information']]
  return f'{"; ".join(told)}.' if told else ''


def predicted(outcome: Outcome, development: Any, there: Any) -> dict[str, Any]:
  """Mean and standard deviation of the linear predictor on both sides, how much of a loss of the
  order is that of the mix of cases, and what is said of the cases.

  Args:
    outcome: what labels are.
    development: its table of the test split as it is shown; None where there is none.
    there: the same of the other site.
  """
  found: dict[str, Any] = {'rows': [], 'parts': None}
  for name, table in (('development', development), ('there', there)):
    if table is None:
      continue
    values = outcome.linear_predictor(table)
    found['rows'].append(
      {
        'where': name,
        'cases': len(table),
        'groups': len(np.unique(table.group)),
        'about': outcome.about_cases(table),
        'mean': None if values is None else float(values.mean()),
        'spread': None if values is None or len(values) < 2 else float(values.std(ddof=1)),
      }
    )
  if development is not None:
    seen = outcome.score(development), outcome.score(there)
    expected = outcome.expected(development), outcome.expected(there)
    if None not in (*seen, *expected):
      found['parts'] = {
        'development': seen[0],
        'expected_development': expected[0],
        'expected': expected[1],
        'there': seen[1],
      }
  return found
