"""The graph network that is compared, its molecules and weights, as every framework reads them."""

import csv
import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from medjax import models
from medjax.bench import network
from medjax.data import dataset, examples
from medjax.data.modality import Case, Modality
from medjax.data.molecules import graphs
from medjax.data.ragged import Axes
from medjax.errors import UserError

_MOST = 4096  # molecules that are trained on


@dataclasses.dataclass(frozen=True)
class Spec:
  """Training of a D-MPNN to be timed, the same in every framework: Adam 1e-3, a squared error.

  Attributes:
    source: CSV file with a column ``column`` of SMILES.
    column: see there.
    batch_size: molecules an update.
    hidden: units.
    depth: of messages.
    precision: 'float32'.
    folder: where molecules, weights and expected outputs lie.
    network: which one.
  """

  source: str
  column: str
  batch_size: int
  hidden: int = 300
  depth: int = 3
  precision: str = 'float32'
  folder: str = ''
  network: str = 'dmpnn'

  @property
  def title(self) -> str:
    """What is trained."""
    return f'D-MPNN, {self.hidden} units, depth {self.depth}, {pathlib.Path(self.source).name}'

  def write(self) -> None:
    """Writes molecules.json, weights.npz and inputs.npz to the folder.

    As many molecules as make whole batches: every update then has as many.

    Raises:
      UserError: the file cannot be read, or has no such column or fewer molecules than a batch.
    """
    from rdkit import Chem, rdBase

    try:
      with open(self.source, newline='') as file:
        rows = list(csv.DictReader(file))
    except OSError as error:
      raise UserError(f'{self.source}: {error.strerror}; expected a CSV file') from None
    if not rows or self.column not in rows[0]:
      raise UserError(f'{self.source}: no column {self.column}; expected one of SMILES')
    with rdBase.BlockLogs():
      smiles = [row[self.column] for row in rows if Chem.MolFromSmiles(row[self.column])]
    count = min(len(smiles), _MOST) // self.batch_size * self.batch_size
    if not count:
      raise UserError(
        f'{self.source}: {len(smiles)} molecules; expected {self.batch_size}, as many as a batch'
      )
    folder = pathlib.Path(self.folder)
    (folder / 'molecules.json').write_text(json.dumps(smiles[:count]))
    inputs = graphs.inputs(
      graphs.stack([graphs.graph(Chem.MolFromSmiles(s), s) for s in smiles[:2]])[0]
    )
    plain = self.model(share=False)  # what all of them are compared with
    variables = jax.jit(plain.init)(jax.random.key(0), inputs)
    weights: Any = network.flat(variables)
    np.savez(folder / 'weights.npz', **weights)
    label = np.random.default_rng(0).normal(size=count).astype(np.float32)
    expected = jax.jit(plain.apply)(variables, inputs)
    np.savez(folder / 'inputs.npz', label=label, expected=np.asarray(expected))

  def model(self, *, share: bool = True) -> models.DMPNN:
    """The network."""
    return models.DMPNN(self.hidden, self.depth, head=(self.hidden,), share=share)

  def molecules(self) -> list[str]:
    """SMILES that ``write`` left."""
    return json.loads((pathlib.Path(self.folder) / 'molecules.json').read_text())


@dataclasses.dataclass(frozen=True)
class Graphs(Modality):
  """Graphs of molecules that are only trained on."""

  axes: Axes = dataclasses.field(default_factory=lambda: graphs.AXES)
  cases: ClassVar[str] = 'molecules'

  def inputs(self, batch: dict[str, Any]) -> dict[str, jax.Array]:
    """See ``graphs.inputs``."""
    return graphs.inputs(batch)

  def open(self, names: Sequence[str]) -> list[Case]:
    """None: nothing is predicted here."""
    return []


def data(spec: Spec, label: np.ndarray) -> dataset.Dataset:
  """All molecules as training examples."""
  from rdkit import Chem

  smiles = spec.molecules()
  rows, sizes = graphs.stack([graphs.graph(Chem.MolFromSmiles(s), s) for s in smiles])
  names = [str(number) for number in range(len(smiles))]
  split = ['train'] * len(smiles)
  return examples.Examples(
    spec.title, names, names, names, split, [{}] * len(smiles), split=tuple(split)
  ).to_dataset(rows, label, Graphs(), sizes=sizes, axes=graphs.AXES)
