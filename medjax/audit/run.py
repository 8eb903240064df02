"""All checks of a data set, or of new cases beside the training cases of a run.

They need nothing but the data: no network, and no run. audit.json is sealed with the fingerprint of
the data, so that a report takes it for those of its own data only.
"""

import os
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medjax import sealed
from medjax.audit import (
  blank,
  burnt_text,
  cases,
  copies,
  drift,
  groups,
  labels,
  outliers,
  page,
  shortcuts,
)
from medjax.audit.cases import Cases
from medjax.audit.finding import Checked
from medjax.data import tables, text_file
from medjax.data.dataset import Dataset
from medjax.data.modality import Drawing
from medjax.errors import UserError


def audit(data: Dataset, name: str, source: str, json: pathlib.Path, html: pathlib.Path) -> None:
  """Checks a data set, prints what is found and writes it.

  Args:
    data: with its examples.
    name: of the experiment.
    source: the setting, a folder where files may lie.
    json: the file with everything.
    html: the page.

  Raises:
    UserError: a file cannot be written.
  """
  began = time.perf_counter()
  folder = pathlib.Path(os.path.expanduser(source)) if source else None
  with one_thread():
    known = folder if folder and folder.is_dir() else None
    found = cases.of_dataset(data, known)
    checked = [
      blank.check(found, data.unreadable),
      burnt_text.check(data.modality, known, found.id.tolist()),
      copies.check(found, data.copies),
      groups.check(found),
      shortcuts.check(found),
      labels.check(found),
      outliers.check(found),
      drift.check(found),
    ]
  _write(data, name, found, checked, _drawer(data), json, html, began)


def audit_new(
  data: Dataset, name: str, words: Sequence[str], json: pathlib.Path, html: pathlib.Path
) -> None:
  """Checks new cases beside the training cases of a data set.

  Args:
    data: of the run, with its examples.
    name: of the experiment.
    words: files and folders of new cases.
    json: the file with everything.
    html: the page.

  Raises:
    UserError: there are no new cases, or none can be read, or a file cannot be written.
  """
  began = time.perf_counter()
  opened = data.modality.open(words)
  arrays: dict[str, dict[str, np.ndarray]] = {}
  unreadable: dict[str, str] = {}
  for case in opened:
    try:
      arrays[case.name] = case.load()
    except UserError as error:
      unreadable[case.name] = str(error).removeprefix(f'{case.name}: ')
  if not arrays:
    why = f'{words[0]}: no {data.modality.cases} there'
    first = next(iter(unreadable.items()), None)
    raise UserError(f'audit {why}' if first is None else f'audit {first[0]}: {first[1]}')
  columns = _metadata(words)
  with one_thread():
    train = cases.of_dataset(data)
    found = cases.with_new(
      train,
      data.modality,
      list(arrays),
      list(arrays.values()),
      [columns.get(os.path.realpath(one.partition('#')[0]), {}) for one in arrays],
    )
    checked = [
      blank.check(found, unreadable),
      copies.check(found, {}),
      outliers.check(found),
      drift.check(found),
    ]
  known = _drawer(data)

  def draw(of: str) -> Drawing | None:
    return data.modality.draw(arrays[of]) if of in arrays else known(of)

  _write(data, name, found, checked, draw, json, html, began)


def one_thread() -> Any:
  """Threads of such small computations wait for each other, and sums should have one order."""
  import sklearn.decomposition  # noqa: F401 threads of what is loaded later have no limit
  import threadpoolctl

  return threadpoolctl.threadpool_limits(1)


def _metadata(words: Sequence[str]) -> dict[str, dict[str, str]]:
  """Columns of labels.csv in new folders, by the path of the file; none where there is no table."""
  rows: dict[str, dict[str, str]] = {}
  for word in words:
    table = pathlib.Path(word) / 'labels.csv'
    if table.is_file():
      header, read = tables.parse(text_file.read_text(table, 'a CSV file'), table)
      column = tables.column(table, header, 'file', optional=True)
      for _, row in read if column else ():
        rows[os.path.realpath(table.parent / row[column])] = row
  return rows


def _drawer(data: Dataset) -> Callable[[str], Drawing | None]:
  """Draws a case by its name."""
  place = {
    name: (split, number)
    for split in data.splits.values()
    for number, name in enumerate(split.id.tolist())
  }

  def draw(name: str) -> Drawing | None:
    if not data.modality.always_drawn or name not in place:
      return None
    split, number = place[name]
    arrays = split.read([number])
    return data.modality.draw({key: values[0] for key, values in arrays.items() if key != 'label'})

  return draw


def _write(
  data: Dataset,
  name: str,
  found: Cases,
  checked: Sequence[Checked],
  draw: Callable[[str], Drawing | None],
  json: pathlib.Path,
  html: pathlib.Path,
  began: float,
) -> None:
  about = {
    'name': name,
    'source': data.name,
    'simulated': data.simulated,
    'cases': int(found.focus.sum()),
    'what': found.what,
    'notes': list(data.notes),
  }
  page.write(html, checked, {**about, 'data': json.name}, draw)
  seconds = round(time.perf_counter() - began, 1)
  checks = [one.to_json() for one in checked]
  sealed.write(json, {**about, 'seconds': seconds, 'checks': checks}, data=data.fingerprint)
  for one in checked:
    if one.problem:
      print(f'not checked: {one.name}: {one.problem}')
    for finding in one.findings:
      if not finding.information:
        print(f'finding: {one.name}: {finding.line}; {finding.advice}')
      elif finding.line:
        print(f'information: {one.name}: {finding.line}')
  count = sum(not finding.information for one in checked for finding in one.findings)
  print(f'{count} findings in {about["cases"]} {found.what}, in {seconds:.0f} s')
  print(f'audit: {html}')
