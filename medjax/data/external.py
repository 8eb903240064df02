"""Cases of another site, read by the loader of a run and as that run reads its own.

Nothing is fitted to them: classes, columns, alphabets and descriptors are those of the run, whose
data.json describes them (``Settings.stored``). A loader that fits something to what it reads takes
it from ``Settings.fitted`` instead; one that does not know of this is refused, unless what it
fitted came out the same.
"""

import copy
import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medjax.data import dataset, split, text
from medjax.data.settings import Settings
from medjax.errors import UserError

# Settings that choose splits, or name what was told of the run's own classes, and what they become.
_ANEW = {
  'split_column': '', 'split_file': '', 'split': 'random', 'test': '', 'folds': 0, 'positive': '',
  'allow_group_overlap': True,
}  # fmt: skip


def settings(given: Any, source: str, stored: Mapping[str, Any], classes: str = '') -> Any:
  """The settings by which another site is read.

  Args:
    given: those of the run's data.
    source: of the site; like ``config.data.source``.
    stored: what the run's data.json holds.
    classes: how classes are called there, 'RUN=HERE' joined by commas; '' for as in the run.

  Returns:
    A copy of ``given``, for the experiment's ``build``.

  Raises:
    UserError: the data have no source, or ``classes`` is not written so.
  """
  if not isinstance(given, Settings):
    raise UserError('validate: the data of this experiment have no source of their own')
  if source == 'simulated':
    raise UserError('validate simulated: expected labelled data of another site')
  changed = copy.copy(given)
  for name, value in _ANEW.items():
    if hasattr(changed, name):
      setattr(changed, name, value)
  if getattr(changed, 'labels', '') == 'auto':
    changed.labels = 'classes' if stored['classes'] else 'numbers'  # type: ignore[attr-defined]
  changed.source = source
  changed.stored = {**stored, 'called': _called(classes)}
  changed.external = True
  return changed


def _called(classes: str) -> dict[str, str]:
  """The run's class by what it is called at the site."""
  found: dict[str, str] = {}
  for part in filter(None, (one.strip() for one in classes.split(','))):
    here, sign, there = (side.strip() for side in part.partition('='))
    if not sign or not here or not there:
      raise UserError(
        f'--classes={classes}: {part!r} is no pair; expected the name in the run, =, and the name '
        'at the site, joined by commas'
      )
    if text.key(there) in found:
      raise UserError(f'--classes={classes}: {there} stands twice; expected each name once')
    found[text.key(there)] = here
  return found


def joined(described: dataset.Dataset, read: dataset.Dataset, given: Settings) -> dataset.Dataset:
  """The data set of a run whose only examples are those of another site, in one split.

  Args:
    described: the run's, without examples.
    read: the site's, by the same loader.
    given: its settings, as ``settings`` makes them.

  Raises:
    UserError: the loader has fitted something else than the run's did, or classes or shapes differ.
  """
  stored: Any = given.stored
  where = given.source
  _require_as_fitted(stored['details'], read.details, where)
  cases = read.splits[split.EXTERNAL]
  label, notes = _labels(cases.label, read.classes, described.classes, stored['called'], where)
  cases = dataclasses.replace(cases, label=label)
  found = dataclasses.replace(
    described,
    name=read.name,
    splits={split.EXTERNAL: cases},
    fingerprint=read.fingerprint,
    simulated=read.simulated,
    notes=(*read.notes, *notes),
    unreadable=read.unreadable,
    copies=read.copies,
  )
  _require_shapes(found, where)
  return found


def _require_as_fitted(run: Mapping[str, Any], here: Mapping[str, Any], where: str) -> None:
  here = json.loads(json.dumps(here))
  for name, value in run.items():
    if here.get(name) != value:
      told = f' ({_short(here.get(name))} there, {_short(value)} in the run)'
      raise UserError(
        f'validate {where}: {name} differs{told}; these data cannot be read as the run read its own'
      )


def _short(value: Any) -> str:
  spelled = json.dumps(value)
  return spelled if len(spelled) <= 40 else f'{spelled[:37]}...'


def _require_shapes(found: dataset.Dataset, where: str) -> None:
  """Sees that examples are as the network expects them, but for axes without a fixed length."""
  cases = found.splits[split.EXTERNAL]
  batch = cases.read([0])
  ragged = {*cases.axes}
  for name, spec in found.example.items():
    if name == 'label' or name in ragged:
      continue
    array = batch.get(name)
    shape = None if array is None else tuple(np.shape(array)[1:])
    if shape != tuple(spec.shape):
      raise UserError(
        f'validate {where}: {name} has shape {shape}; the run expects {tuple(spec.shape)}'
      )


def _labels(
  label: Any,
  here: Sequence[str],
  run: Sequence[str],
  called: Mapping[str, str],
  where: str,
) -> tuple[Any, list[str]]:
  """Labels by the run's classes, and notes on classes that only one of both has."""
  unknown = [name for name in called.values() if name not in run]
  if unknown:
    raise UserError(f'--classes: {unknown[0]} is no class of the run; it has {", ".join(run)}')
  if not run or not isinstance(label, np.ndarray):
    if tuple(here) != tuple(run):
      raise UserError(
        f'validate {where}: its classes are {", ".join(here)}; those of the run {", ".join(run)}'
      )
    return label, []
  number_of = {name: number for number, name in enumerate(run)}
  alike: dict[str, list[str]] = {}
  for name in run:
    alike.setdefault(text.key(name), []).append(name)
  place: list[int | None] = []
  for name in here:
    found = called.get(text.key(name))
    if found is None and name in number_of:
      found = name
    if found is None and len(alike.get(text.key(name), ())) == 1:
      found = alike[text.key(name)][0]
    place.append(None if found is None else number_of[found])
  lost = [name for name, number in zip(here, place, strict=True) if number is None]
  several = label.ndim == 2 and np.issubdtype(label.dtype, np.floating)
  if lost and not several:
    what = 'is no class' if len(lost) == 1 else 'are no classes'
    raise UserError(
      f'validate {where}: {", ".join(lost)} {what} of the run, which has {", ".join(run)}; '
      f'expected these names, or --classes={run[-1]}={lost[-1]} with a pair for each name'
    )
  absent = [name for number, name in enumerate(run) if number not in place]
  notes = [f'no case of {", ".join(absent)} there'] if absent else []
  if several:
    moved = np.full((len(label), len(run)), np.nan, label.dtype)
    for number, of_run in enumerate(place):
      if of_run is not None:
        # Of two names for one class, either means it.
        moved[:, of_run] = np.fmax(moved[:, of_run], label[:, number])
    notes = [f'{", ".join(absent)}: not told there, and so not known'] if absent else []
    if lost:
      notes.append(f'classes that the run does not know, left out: {", ".join(lost)}')
    return moved, notes
  table = np.array([*place, -1], label.dtype)  # -1, for not known, is the last
  return table[label], notes
