"""Groups (patients) in several splits, and how classes are distributed over splits."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from medjax.audit.cases import Cases, Target
from medjax.audit.finding import Checked, Finding, names
from medjax.evaluation.estimate import normal_quantile

_FEWEST = 10  # groups of a class in a split, below which no interval is worth much
_MARGIN = 0.05  # between shares


def check(cases: Cases) -> Checked:
  """Counts groups that are in two splits, and classes by groups and split."""
  about = (
    'Groups are patients, or what else keeps cases together. A share of a class is that of groups '
    'with a case of it, compared with training by a normal interval over groups; a difference is '
    'told where the interval is beyond 5 percentage points.'
  )
  findings = _shared(cases)
  for target in cases.targets:
    findings += _balance(cases, target)
  return Checked('groups and balance', about, findings)


def _shared(cases: Cases) -> list[Finding]:
  of: dict[str, set[str]] = {}
  for group, split in zip(cases.group.tolist(), cases.split.tolist(), strict=True):
    of.setdefault(group, set()).add(split)
  shared = {group: splits for group, splits in of.items() if len(splits) > 1}
  if not shared:
    return []
  rows = []
  for number, group in enumerate(cases.group.tolist()):
    if group in shared:
      rows.append({'group': group, 'case': cases.id[number], 'split': cases.split[number]})
  rows.sort(key=lambda row: str(row['group']))
  return [
    Finding(
      f'{names(len(shared), "group (patient) is", "groups (patients) are")} in more than one '
      f'split, the first {rows[0]["group"]} with {rows[0]["case"]}',
      'give all cases of a patient one split, or leave the split column out so that splits are '
      'drawn by patient: results on these splits are too good',
      [{name: str(value) for name, value in row.items()} for row in rows],
    )
  ]


def _balance(cases: Cases, target: Target) -> list[Finding]:
  splits = list(dict.fromkeys(cases.split.tolist()))
  rows, counts = [], {}
  for split in splits:
    of_split = (cases.split == split) & (target.label >= 0)
    groups = len(np.unique(cases.group[of_split]))
    for number, name in enumerate(target.classes):
      member = of_split & (target.label == number)
      held = len(np.unique(cases.group[member]))
      counts[split, name] = held, groups
      rows.append({
        'split': split, 'class': name, 'cases': int(member.sum()), 'groups': held,
        'share of groups': round(held / groups, 3) if groups else 0.0,
      })  # fmt: skip
  of = f' of {target.name}' if target.name else ''
  found = [Finding(f'classes{of} by split and group', '', rows, information=True)]
  few = [key for key, (held, _) in counts.items() if held < _FEWEST]
  if few:
    (split, name), more = few[0], len(few) - 1
    found.append(
      Finding(
        f'{counts[few[0]][0]} groups with a case of {name} in {split}'
        f'{f", and {more} more with fewer than {_FEWEST}" if more else ""}: few',
        'intervals will be wide or missing: gather more cases, or use crossval, which tests on all',
        [row for row in rows if (row['split'], row['class']) in few],
      )
    )
  found += _shifted(splits, target.classes, counts, of)
  return found


def _shifted(
  splits: Sequence[str],
  classes: Sequence[str],
  counts: Mapping[tuple[str, str], tuple[int, int]],
  of: str,
) -> list[Finding]:
  found: list[tuple[float, str, str]] = []
  for split in splits:
    for name in classes:
      if split == 'train' or ('train', name) not in counts:
        continue
      difference, error = _difference(counts[split, name], counts['train', name])
      if abs(difference) - normal_quantile(0.95) * error > _MARGIN:
        found.append((difference, split, name))
  if not found:
    return []
  found.sort(key=lambda one: -abs(one[0]))
  most, where, of_class = found[0]
  return [
    Finding(
      f'classes{of} are not as frequent in {where} as in train: {of_class} by {100 * most:+.0f} '
      'percentage points of groups',
      'draw splits by the label (leave the split column out), unless another frequency is meant; '
      'predictive values and calibration do not carry over',
      [{'split': split, 'class': name, 'difference': round(d, 3)} for d, split, name in found],
    )
  ]


def _difference(one: tuple[int, int], other: tuple[int, int]) -> tuple[float, float]:
  """Of two shares, with its standard error."""
  if not one[1] or not other[1]:
    return 0.0, math.inf
  shares = one[0] / one[1], other[0] / other[1]
  error = math.sqrt(sum(p * (1 - p) / n for p, (_, n) in zip(shares, (one, other), strict=True)))
  return shares[0] - shares[1], error
