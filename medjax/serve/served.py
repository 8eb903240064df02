"""The model that a server has: how requests are read, predicted and explained, without HTTP."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from medjax.data import received
from medjax.data.modality import Case
from medjax.deploy import files
from medjax.deploy.explainer import Explainer
from medjax.deploy.predictor import SPREAD, Predictor
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.outcomes import Row
from medjax.plots import html
from medjax.serve.refused import RefusedError

Arrays = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Part:
  """A case of a request that is read.

  Attributes:
    name: of the case, for the answer.
    arrays: see ``Case.load``; what is wrong with the case where it cannot be read.
    restore: see ``Case``.
    note: see ``Case``.
  """

  name: str
  arrays: Arrays | str
  restore: Callable[[np.ndarray], np.ndarray] | None = None
  note: str = ''


class Served:
  """What a server computes with.

  The numbers are those of ``predict``: readers, predictor and outcome are the same objects.

  Attributes:
    experiment: described, without examples.
    reader: opens cases.
    explainer: what explains a case; None where nothing does.
    name: of the experiment, and the step of its checkpoint or the number of its runs.
    columns: of an answer's cases, as of the CSV of ``predict``; the last one is 'error'.
    numbers: those of them that hold numbers.

  Args:
    experiment: see the attribute.
    reader: see the attribute.
    predictor: what predicts.
    explainer: see the attribute.
    name: of the experiment.
    runs: that predict together; 0 for one that has no others.
  """

  def __init__(
    self,
    experiment: Experiment,
    reader: files.Reader,
    predictor: Predictor,
    explainer: Explainer | None,
    name: str,
    runs: int = 0,
  ):
    self.experiment, self.reader, self.explainer = experiment, reader, explainer
    self.name = f'{name} of {runs} runs' if runs else f'{name} step {predictor.step}'
    self._predictor = predictor
    writer = self._writer()
    self.columns = files.columns_of(predictor, writer, reader)
    self.numbers = frozenset([*writer.numbers, SPREAD])
    self.at_once = predictor.at_once
    self._runs = runs

  def _writer(self) -> Any:
    return self.experiment.task.outcome.writer(
      self._predictor.decision, self.experiment.data.classes
    )

  def open_files(self, sent: Mapping[str, bytes], bounds: received.Bounds) -> list[Part]:
    """Reads the cases of files that a request brought, and nothing from the disk.

    Raises:
      RefusedError: there are none, or more than ``bounds`` says.
    """
    return self._read(sent, lambda: self.reader.open(list(sent)), bounds)

  def open_json(self, values: Sequence[Any], bounds: received.Bounds) -> list[Part]:
    """Reads the cases of a request that are written in JSON.

    Raises:
      RefusedError: there are none, or more than ``bounds`` says.
      UserError: these data come as files alone.
    """
    if len(values) > bounds.cases:
      raise _too_many(bounds, self.reader.cases)
    return self._read({}, lambda: self.reader.open_json(values), bounds)

  def _read(
    self, sent: Mapping[str, bytes], open_: Callable[[], Sequence[Case]], bounds: received.Bounds
  ) -> list[Part]:
    parts = []
    with received.only(sent, bounds):
      try:
        cases = open_()
        received.require_cases(len(cases))
      except received.TooManyCasesError:
        raise _too_many(bounds, self.reader.cases) from None
      if not cases:
        raise RefusedError(400, f'no {self.reader.cases} in the request; expected at least one')
      for case in cases:
        bounds.check()
        parts.append(Part(case.name, files.load(case), case.restore, case.note))
    return parts

  def predict(self, parts: Sequence[Part]) -> list[Row]:
    """The rows of cases that could be read, at most ``at_once``, as ``predict`` writes them."""
    # Cases of different requests may have one name.
    names = [str(number) for number in range(len(parts))]
    writer = self._writer()
    writer.begin(
      None, {name: part.restore for name, part in zip(names, parts, strict=True) if part.restore}
    )
    arrays: list[Any] = [part.arrays for part in parts]
    rows = files.rows_of(names, arrays, self._predictor, writer, self.reader)
    return [row | {'file': part.name} for row, part in zip(rows, parts, strict=True)]

  def empty(self, part: Part) -> Row:
    """The row of a case that could not be read."""
    return self._writer().empty(part.name, str(part.arrays))

  def cells(self, row: Row, part: Part) -> dict[str, Any]:
    """JSON values of a row: numbers as such, null for what is not there; and the case's note."""
    cells = {name: _cell(row.get(name, ''), name in self.numbers) for name in self.columns}
    return cells | {'note': part.note or None}

  def explain(self, part: Part) -> dict[str, Any]:
    """JSON values of what the prediction of one case rests on, with a picture as a data URI."""
    assert self.explainer is not None
    try:
      (told,) = self.explainer.explain_arrays([part.name], [part.arrays])
    except UserError as error:  # such as of a molecule that is too large for it
      return unexplained(part, str(error))
    adds = {name: cell for name, cell in told.row.items() if name not in ('file', 'call')}
    cells = dict(told.row) | {name: _cell(cell, True) for name, cell in adds.items()}
    drawing = self.explainer.draw(told)
    picture = None
    if drawing is not None:
      picture = html.svg_uri(drawing) if isinstance(drawing, str) else html.png_uri(drawing)
    return {**cells, 'picture': picture, 'error': told.error or None, 'note': part.note or None}

  def warm(self) -> None:
    """Compiles what requests need, so that none of them waits for it.

    Where cases differ in size, the first one of a new size still compiles.
    """
    arrays = self._made()
    if arrays is None:
      return
    if not self.reader.axes and not self.experiment.data.modality.axes:
      self._predictor.narrow(arrays)
    for count in {1, self.at_once}:
      self.predict([Part('', one) for one in arrays[:count]])
    # What explains molecules reads them back from their arrays, and these are none.
    if self.explainer is not None and self.experiment.data.modality.aligned:
      self.explain(Part('', arrays[0]))

  def _made(self) -> list[Any] | None:
    """Arrays of ``at_once`` cases of the form that this model takes, with numbers of no meaning."""
    random = np.random.default_rng(0)
    example = {k: v for k, v in self.experiment.data.example.items() if k != 'label'}
    if not all(isinstance(one, jax.ShapeDtypeStruct) for one in example.values()):
      return None

    def array(spec: jax.ShapeDtypeStruct) -> np.ndarray:
      if spec.dtype == np.uint8:
        return random.integers(0, 256, spec.shape, np.uint8)
      if np.issubdtype(spec.dtype, np.floating):
        return random.normal(size=spec.shape).astype(spec.dtype)
      return np.zeros(spec.shape, spec.dtype)

    made = [{name: array(one) for name, one in example.items()} for _ in range(self.at_once)]
    if not self._runs:
      return made
    return [{str(run): one for run in range(self._runs)} for one in made]


def unexplained(part: Part, error: str) -> dict[str, Any]:
  """JSON values of a case that nothing explains."""
  return {'file': part.name, 'picture': None, 'error': error, 'note': part.note or None}


def _too_many(bounds: received.Bounds, what: str) -> RefusedError:
  return RefusedError(413, f'too many {what} in one request; expected at most {bounds.cases}')


def _cell(text: str, number: bool) -> Any:
  """JSON value of a cell; numbers that JSON has no word for are null."""
  if not number:
    return text or None
  try:
    value = float(text)
  except ValueError:
    return text or None
  return value if np.isfinite(value) else None
