"""The graph network that is compared, its molecules and weights, as every framework reads them."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from medjax import models
from medjax.bench import network
from medjax.data import dataset, examples
from medjax.data.molecules import Molecules, graphs, records, toolkit
from medjax.data.molecules.features import Features
from medjax.data.molecules.standard import Standard
from medjax.errors import UserError

_MOST = 4096  # molecules that are trained on


@dataclasses.dataclass(frozen=True)
class Spec:
  """Training of a D-MPNN to be timed, the same in every framework: Adam 1e-3, a squared error.

  Attributes:
    source: a table or .smi file of molecules, see ``records.read``.
    column: of a table with the SMILES; '' to find it.
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
      UserError: see ``records.read``, or there are fewer molecules than a batch.
    """
    chem = toolkit.chem()
    found = records.read(pathlib.Path(self.source), self.column).records
    smiles = [one.structure for one in found if chem.MolFromSmiles(one.structure)]
    count = min(len(smiles), _MOST) // self.batch_size * self.batch_size
    if not count:
      raise UserError(
        f'{self.source}: {len(smiles)} molecules; expected {self.batch_size}, as many as a batch'
      )
    folder = pathlib.Path(self.folder)
    (folder / 'molecules.json').write_text(json.dumps(smiles[:count]))
    inputs = graphs.inputs(_graphs(smiles[:2])[0])
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


def data(spec: Spec, label: np.ndarray) -> dataset.Dataset:
  """All molecules as training examples."""
  smiles = spec.molecules()
  rows, sizes = _graphs(smiles)
  names = [str(number) for number in range(len(smiles))]
  split = ['train'] * len(smiles)
  modality = Molecules(Standard(), Features(graph=True))
  return examples.Examples(
    spec.title, names, names, names, split, [{}] * len(smiles), split=tuple(split)
  ).to_dataset(rows, label, modality, sizes=sizes, axes=modality.axes)


def _graphs(smiles: Sequence[str]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
  chem = toolkit.chem()
  return graphs.stack([graphs.graph(chem.MolFromSmiles(one), one) for one in smiles])
