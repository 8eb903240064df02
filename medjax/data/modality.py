"""What an input is: one object for each kind of data, which everything else asks."""

import abc
import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import PIL.Image

from medjax.data import agreement, ragged, received, source_files
from medjax.data.domain import Domain
from medjax.data.looks import Looks
from medjax.errors import UserError
from medjax.explain import Method, Score
from medjax.outcomes import SimpleModel

# An SVG element, or a picture.
Drawing = str | PIL.Image.Image


@dataclasses.dataclass(frozen=True)
class Case:
  """A new example, read when it is asked for.

  Attributes:
    name: of its file, or of its row or entry.
    load: the arrays that travel to the device, as of ``Split.decode``; raises UserError with the
      name in front where they cannot be read.
    note: what was decided in reading it; '' for nothing.
    restore: brings a map [H, W] of the network's input to the size of the file, which ``load`` has
      read; None where nothing says it.
  """

  name: str
  load: Callable[[], dict[str, np.ndarray]]
  note: str = ''
  restore: Callable[[np.ndarray], np.ndarray] | None = None


class Exchanged(NamedTuple):
  """An input, and one that says nothing, whose places can be exchanged.

  Attributes:
    score: of inputs like ``x`` and class numbers.
    x: the input, float32 [1, ..., channels].
    blank: what absent places show, the same shape.
  """

  score: Score
  x: np.ndarray
  blank: np.ndarray


class MatchedPair(NamedTuple):
  """Two cases that are the same but for one part.

  Attributes:
    first: number of one.
    second: number of the other, which is larger.
    parts: what differs, of each, in words.
    constant: what is the same, in words.
    marks: 1 where a case differs and 0 elsewhere, of each, as an explanation of it.
  """

  first: int
  second: int
  parts: tuple[str, str]
  constant: str
  marks: tuple[np.ndarray, np.ndarray]


def unreadable(name: str, error: UserError) -> Case:
  """A case that says why it cannot be read, so that others beside it can be."""

  def load() -> dict[str, np.ndarray]:
    raise UserError(str(error))

  return Case(name, load)


def opened(names: Sequence[str], read: Callable[[str], list[Case]]) -> list[Case]:
  """The cases of files; a file that cannot be read is one case that says so.

  Args:
    names: the files.
    read: the cases of one file; raises UserError where it cannot be read.
  """
  cases: list[Case] = []
  for name in names:
    try:
      if not received.inside() and source_files.is_encrypted(name):
        name = str(source_files.source(name))
      cases += read(name)
    except UserError as error:
      cases.append(unreadable(name, error))
    received.require_cases(len(cases))
  return cases


def of_json(
  values: Sequence[Any],
  form: type | tuple[type, ...],
  expected: str,
  make: Callable[[str, Any], Case],
) -> list[Case]:
  """A case of each JSON value, 'case 1' and so on; one of another form is a case that says so.

  Args:
    values: as ``json.loads`` gives them.
    form: type of each.
    expected: that form in words.
    make: the case of a name and a value; raises UserError where it cannot be read.
  """
  cases = []
  for number, value in enumerate(values, start=1):
    name = f'case {number}'
    try:
      if isinstance(value, bool) or not isinstance(value, form):
        raise UserError(f'{name}: is {_JSON[type(value)]}; expected {expected}')
      cases.append(make(name, value))
    except UserError as error:
      cases.append(unreadable(name, error))
  return cases


_JSON = {
  str: 'a text', int: 'a number', float: 'a number', bool: 'true or false', list: 'a list',
  dict: 'an object', type(None): 'null',
}  # fmt: skip


class Modality(abc.ABC):
  """The owner of one kind of input: how new cases are read, fed, drawn and explained.

  A subclass, usually a frozen dataclass of what was fitted to the training data, says what is
  abstract here; the rest has defaults. ``medjax.data.images.Images``, ``tabular.Table``,
  ``sequences.Sequences``, ``signals.Signals``, ``residues.Residues``, ``molecules.Molecules`` and
  ``smiles.Smiles`` are those of medjax.

  Attributes:
    cases: what new cases are called, in the plural.
    axes: which arrays of a case have axes that are not as long in each; see ``ragged``.
    usual_method: the method that explains where none is named.
    layout: how wide a picture of a case is in the report; '' is wide where it is explained.
    always_drawn: whether a case can be shown without an explanation.
    domain: where a model may be asked; None where that is not known.
    aligned: whether a place is the same in every case, and those beside each other are near, as in
      images and sequences.
    simple_cases: training cases that a simple model is fitted to, at most; see ``simple_models``.
  """

  cases: ClassVar[str] = 'files'
  axes: ragged.Axes = types.MappingProxyType({})
  usual_method: ClassVar[str] = ''
  layout: ClassVar[Literal['', 'wide', 'long']] = 'wide'
  always_drawn: ClassVar[bool] = False
  simple_cases: ClassVar[int] = 10_000
  domain: Domain | None = None
  aligned: ClassVar[bool] = True

  @abc.abstractmethod
  def inputs(self, batch: dict[str, Any]) -> Any:
    """Network inputs, leaves [B, ...], of a device batch; inside a compiled call."""

  @abc.abstractmethod
  def open(self, names: Sequence[str]) -> list[Case]:
    """New cases in these files and folders; one that cannot be read is a case that says so."""

  @classmethod
  def told(cls, details: Mapping[str, Any]) -> dict[str, Any]:
    """What a site tells others of its ``details`` to agree; see ``agreement.told``."""
    return agreement.told(details)

  @classmethod
  def agreed(
    cls, parts: Sequence[Mapping[str, Any]], cases: Sequence[int], names: Sequence[str]
  ) -> tuple[dict[str, Any], list[str]]:
    """What several sites that train together agree on; see ``agreement.agreed``.

    A kind of data that fits something to its cases says how that becomes one.
    """
    return agreement.agreed(parts, cases, names)

  @property
  def json_schema(self) -> Mapping[str, Any] | None:
    """JSON Schema of a case that ``open_json`` reads; None where cases come as files alone."""
    return None

  def open_json(self, values: Sequence[Any]) -> list[Case]:
    """New cases that are written in JSON, one a value; one that cannot be read says so.

    Raises:
      UserError: these data come as files alone.
    """
    raise UserError(f'cases: these are {self.cases}; expected a file, not JSON')

  def explained_inputs(self, batch: dict[str, Any]) -> Any:
    """What ``methods`` see of a batch: what networks see, float32 [B, ...], by default."""
    return np.asarray(self.inputs(batch))

  @property
  def methods(self) -> Mapping[str, Method]:
    """Methods of explanation by name; none by default."""
    return {}

  def method(self, name: str) -> tuple[str, Method]:
    """The method of that name, or the usual one for '', with its name.

    Raises:
      UserError: there is no such method.
    """
    if not self.methods:
      raise UserError(f'explain: there is no method that explains {self.cases}')
    name = name or self.usual_method
    if name not in self.methods:
      raise UserError(f'--method={name}: expected one of {", ".join(self.methods)}')
    return name, self.methods[name]

  @property
  def parts(self) -> Sequence[str]:
    """Names of the parts of an explanation, where each has one, such as columns; else none."""
    return ()

  def strength(self, attribution: np.ndarray, method: str) -> np.ndarray:
    """What counts of an attribution [N, ...]: itself, or its size where signs say little."""
    return attribution

  def blank(self, inputs: np.ndarray, what: str) -> np.ndarray:
    """Inputs that say nothing, broadcast to ``inputs``, for what is taken away from them.

    Raises:
      UserError: there are none; ``what`` names who asks.
    """
    raise UserError(f'{what}: there is no input of {self.cases} that says nothing')

  def exchanged(self, score: Score, seen: Any, what: str) -> list[Exchanged]:
    """Each input beside one that says nothing, so that places can be taken from either.

    Args:
      score: of what networks see.
      seen: as ``explained_inputs`` gives it.
      what: names who asks, for errors.

    Raises:
      UserError: see ``blank``.
    """
    blank = np.broadcast_to(self.blank(seen, what), seen.shape)
    return [Exchanged(score, seen[i : i + 1], blank[i : i + 1]) for i in range(len(seen))]

  def draw(self, arrays: dict[str, np.ndarray]) -> Drawing | None:
    """A case as it is, of its arrays; None where nothing is to be seen."""
    return None

  def draw_explained(
    self, arrays: dict[str, np.ndarray], attribution: np.ndarray, method: str
  ) -> Drawing | None:
    """A case under its explanation, as one of ``methods`` gave it; None for none."""
    return None

  def draw_file(
    self, arrays: dict[str, np.ndarray], attribution: np.ndarray, method: str
  ) -> Drawing | None:
    """What ``explain`` writes of a case: by default ``draw_explained``."""
    return self.draw_explained(arrays, attribution, method)

  @property
  def simple_models(self) -> Sequence[SimpleModel]:
    """Simple models that every network is compared with, the first one first; none by default."""
    return ()

  def simple_features(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """What ``simple_models`` see of N cases: [N, D], or of each position [N, L, D].

    Args:
      arrays: of the cases, [N, ...], as of ``Split.read``.

    Raises:
      UserError: nothing says it, as where there are no simple models.
    """
    raise UserError(f'simple_features does not say what a simple model sees of {self.cases}')

  def looks(self, arrays: dict[str, np.ndarray]) -> Looks:
    """What checks of data see of N cases: by default what simple models see.

    Args:
      arrays: of the cases, [N, ...], as of ``Split.read``.
    """
    count = len(next(iter(arrays.values())))
    features = self.simple_features(arrays) if self.simple_models else None
    if features is not None and features.ndim != 2:
      features = None
    return Looks(np.zeros(count, bool), features)

  def matched_pairs(self, read: Callable[[], dict[str, np.ndarray]]) -> Sequence[MatchedPair]:
    """Pairs of N cases that differ in one part alone; none by default.

    Args:
      read: gives the arrays of the cases, [N, ...], as of ``Split.read``.
    """
    return ()

  def file_facts(self, path: str) -> dict[str, str]:
    """What a file is, but for what it shows, such as its format; nothing by default.

    Raises:
      UserError: it cannot be read.
    """
    return {}

  def letters_in(self, path: str) -> int | None:
    """Letters in a line of text that a file seems to show; None where files show nothing."""
    return None

  def caption(self, method: str) -> str:
    """What a reader sees in the pictures of a method."""
    return f'By {method}: what speaks for the class that the case is called, and against it.'

  def preparation(self, shapes: str) -> str:
    """What the model card says of the inputs, whose shapes are given."""
    return f'inputs of {shapes}'

  def named_inputs(self) -> tuple[Sequence[str], np.ndarray] | None:
    """Names of the inputs [D] and the scale of each, in its unit, where they have names."""
    return None

  def pixels(self, inputs: np.ndarray, what: str) -> np.ndarray:
    """Inputs as pictures, uint8 [B, H, W, C].

    Raises:
      UserError: they are none; ``what`` names who asks.
    """
    raise UserError(f'{what}: shows images, and these data are {self.cases}')

  def encoder(self, what: str) -> Any:
    """How a sequence becomes tokens, a ``sequences.encoder.Encoder``.

    Raises:
      UserError: these are no sequences; ``what`` names who asks.
    """
    raise UserError(f'{what} sequences, and these data are {self.cases}')

  def chemistry(self, what: str) -> Any:
    """How structures are read, a ``molecules.Molecules``.

    Raises:
      UserError: these are no molecules; ``what`` names who asks.
    """
    raise UserError(f'{what} molecules, and these data are {self.cases}')

  def vocabulary(self, what: str) -> Any:
    """The tokens that molecules are written with, a ``smiles.Vocabulary``.

    Raises:
      UserError: these are not written so; ``what`` names who asks.
    """
    raise UserError(f'{what} molecules as they are written, and these data are {self.cases}')
