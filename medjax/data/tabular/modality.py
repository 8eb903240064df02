"""Rows of a table: read from CSV, fed as numbers, explained by column."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from medjax.data.looks import Looks
from medjax.data.modality import Case, Drawing, Modality, of_json, opened
from medjax.data.tabular import agree, private, rows
from medjax.data.tabular.preprocess import Preprocessing
from medjax.data.text import clean
from medjax.errors import UserError
from medjax.explain import Method, tables
from medjax.outcomes import SimpleModel
from medjax.plots import curves

_BARS = 12  # columns that are shown, the strongest
_OF_COLUMNS = ('preprocessing', 'inputs', 'typical')  # of details
_LONGEST = 2**17  # characters of a cell, as of csv


@dataclasses.dataclass(frozen=True)
class Table(Modality):
  """Rows, each of which becomes float32 [D].

  Attributes:
    preprocessing: fitted to training rows.
    typical: inputs float32 [rows, D] in which every column is distributed as in training, and is
      independent of the others; for explanations, which need something to compare with.
  """

  preprocessing: Preprocessing
  typical: np.ndarray

  cases: ClassVar[str] = 'rows'
  usual_method: ClassVar[str] = 'kernel_shap'

  @classmethod
  def from_details(cls, details: Mapping[str, Any]) -> 'Table':
    """What ``details`` gave."""
    fitted = Preprocessing.from_json(details['preprocessing'])
    return cls(fitted, np.array(details['typical'], np.float32))

  def details(self) -> dict[str, Any]:
    """JSON values, which ``from_details`` reads back."""
    typical = [[float(f'{value:.5g}') for value in row] for row in self.typical.tolist()]
    return {
      'preprocessing': self.preprocessing.to_json(),
      'inputs': self.preprocessing.inputs,
      'typical': typical,
    }

  @classmethod
  def told(cls, details: Mapping[str, Any]) -> dict[str, Any]:
    """See ``tabular.agree``."""
    own = agree.told(details)
    plain = (*_OF_COLUMNS, 'private')
    others = {name: value for name, value in own.items() if name not in plain}
    return super().told(others) | {name: own[name] for name in plain if name in own}

  @classmethod
  def agreed(
    cls, parts: Sequence[Mapping[str, Any]], cases: Sequence[int], names: Sequence[str]
  ) -> tuple[dict[str, Any], list[str]]:
    """See ``tabular.agree``."""
    told = [agree.told(part) for part in parts]
    fitted = [Preprocessing.from_json(one['preprocessing']) for one in told]
    # Of private columns nobody knows a quantile; those that are named lie far beyond all numbers.
    hidden = all(part.get('private') for part in parts)
    found, notes = agree.preprocessing(fitted, cases, names, quantiles=not hidden)
    own = cls(found, private.typical(found) if hidden else agree.typical(found)).details()
    others = [{k: v for k, v in one.items() if k not in (*own, 'private')} for one in told]
    more, more_notes = super().agreed(others, cases, names)
    return more | own | ({'private': True} if hidden else {}), notes + more_notes

  def inputs(self, batch: dict[str, Any]) -> jax.Array:
    """float32 [B, D]."""
    return batch['values']

  def open(self, names: Sequence[str]) -> list[Case]:
    """The rows of CSV files."""
    return opened(names, self._of_file)

  def _of_file(self, name: str) -> list[Case]:
    _, read, semicolons = rows.parsed(pathlib.Path(name))
    return [self._case(f'{name} row {line}', row, semicolons) for line, row in read]

  @property
  def json_schema(self) -> Mapping[str, Any]:
    """An object with a value for each column; null is a missing one."""
    kind = {'type': ['number', 'string', 'null']}
    return {
      'type': 'object', 'properties': dict.fromkeys(self.parts, kind), 'required': self.parts,
    }  # fmt: skip

  def open_json(self, values: Sequence[Any]) -> list[Case]:
    """Rows as objects, whose values are read as cells of a table would be."""

    def case(name: str, row: dict[str, Any]) -> Case:
      return self._case(name, {clean(key): _cell(name, key, row[key]) for key in row}, False)

    return of_json(values, dict, 'an object with a value for each column', case)

  def _case(self, where: str, row: dict[str, str], semicolons: bool) -> Case:
    row = dict(self.preprocessing.spelled(row))

    def load() -> dict[str, np.ndarray]:
      read = self.preprocessing.as_trained(row, where, semicolons=semicolons)
      return {'values': self.preprocessing.row(read, where)}

    return Case(where, load, self.preprocessing.note(row))

  @functools.cached_property
  def methods(self) -> Mapping[str, Method]:  # type: ignore[override]
    """See ``explain.tables``."""
    return tables.methods(self.preprocessing.column_of, self.typical)

  @property
  def parts(self) -> Sequence[str]:
    """Names of the columns that the network sees."""
    return [column.name for column in self.preprocessing.columns]

  def draw_explained(
    self, arrays: dict[str, np.ndarray], attribution: np.ndarray, method: str
  ) -> Drawing:
    """The columns that count most, as bars."""
    return curves.bars(*self.strongest(attribution), 'adds to the score')

  def strongest(self, attribution: np.ndarray) -> tuple[list[str], list[float]]:
    """The columns that count most, [columns] -> names and what they add."""
    order = np.argsort(-np.abs(attribution), kind='stable')[:_BARS]
    return [self.parts[i] for i in order], [float(attribution[i]) for i in order]

  @property
  def simple_models(self) -> Sequence[SimpleModel]:
    """A linear model with a penalty, and boosted trees."""
    features = 'the columns as the network sees them'
    return (SimpleModel('linear', features), SimpleModel('boosting', features))

  def simple_features(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The columns, [N, D]."""
    return arrays['values'].astype(np.float64)

  def looks(self, arrays: dict[str, np.ndarray]) -> Looks:
    """Rows as the network sees them; blank are those that look as if every cell were missing."""
    empty = self.preprocessing.row(dict.fromkeys(self.parts, ''), 'an empty row')
    return Looks((arrays['values'] == empty).all(axis=1), self.simple_features(arrays))

  def caption(self, method: str) -> str:
    """See ``Modality``."""
    return (
      f'By {method}: what each column adds to the logit of the class that the case is called, at '
      'most twelve.'
    )

  def named_inputs(self) -> tuple[Sequence[str], np.ndarray]:
    """Names and scales of the inputs."""
    return self.preprocessing.inputs, self.preprocessing.scales


def _cell(name: str, column: str, value: Any) -> str:
  """What would stand in a table for a JSON value."""
  if value is None:
    return ''
  if isinstance(value, bool) or not isinstance(value, str | int | float):
    raise UserError(f'{name}: {column} is no number and no text; expected one, or null')
  text = clean(value) if isinstance(value, str) else repr(value)
  if len(text) > _LONGEST:
    raise UserError(f'{name}: {column} has {len(text)} characters; expected at most {_LONGEST}')
  return text
