"""What is said of the best molecules of a library: drug-likeness, novelty, and a diverse choice."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax import files
from medjax.data.molecules import druglike, similarity, structures, toolkit
from medjax.data.molecules.druglike import DrugLike
from medjax.deploy.screening.best import Candidate
from medjax.evaluation import csv_cells
from medjax.experiment import Experiment
from medjax.outcomes import Row
from medjax.training import evaluate
from medjax.training.score import score_function
from medjax.workdir import Workdir

_MAX_ATOMS = 10_000  # those of a library were counted before
_NUMBERS = ('weight', 'logp', 'tpsa', 'qed', 'synthetic')


@dataclasses.dataclass(frozen=True)
class Hit:
  """One of the best molecules.

  Attributes:
    rank: from 1.
    found: where it is in the library, and what is predicted of it.
    mol: an ``rdkit.Chem.Mol``.
    like: what rules of thumb say of it.
    nearest: the highest Tanimoto similarity to a training molecule, by the run's fingerprint; None
      where these are not known.
    inside: whether it is in the run's applicability domain; None where that is not known.
    weights: what each atom adds to the prediction, [atoms]; None where nobody explained it.
  """

  rank: int
  found: Candidate
  mol: Any
  like: DrugLike
  nearest: float | None
  inside: bool | None = None
  weights: np.ndarray | None = None

  def cells(self, columns: Sequence[str]) -> Row:
    """Cells of hits.csv.

    Args:
      columns: of the library's rows that are taken over.
    """
    like, copies = self.like, list(self.found.copies)
    if self.found.more:
      copies.append(f'and {self.found.more} more')
    numbers = {name: getattr(like, name) for name in _NUMBERS}
    return {
      'rank': str(self.rank),
      **{name: self.found.row[name] for name in columns},
      'copies': '; '.join(copies),
      'passes': _answer(like.passes),
      'lipinski': _answer(like.lipinski),
      'veber': _answer(like.veber),
      'pains': '; '.join(like.pains),
      'brenk': '; '.join(like.brenk),
      **{name: '' if value is None else f'{value:.4g}' for name, value in numbers.items()},
      'donors': str(like.donors),
      'acceptors': str(like.acceptors),
      'rotatable': str(like.rotatable),
      'nearest_training': '' if self.nearest is None else f'{self.nearest:.3f}',
      'domain': '' if self.inside is None else 'inside' if self.inside else 'outside',
    }


def describe(best: Sequence[Candidate], modality: Any) -> list[Hit]:
  """The hits, in their order.

  Args:
    best: molecules of a library.
    modality: of the run, an owner of molecules.
  """
  hits = []
  for rank, one in enumerate(best, start=1):
    mol = structures.of_smiles(one.row['smiles'], _MAX_ATOMS)
    near, inside = None, None
    if modality.domain:
      counts = modality.features.fingerprint(mol)
      near = float(modality.domain.nearest(counts[None])[0])
      inside = near >= modality.domain.limit
    hits.append(Hit(rank, one, mol, druglike.of(mol), near, inside))
  return hits


def explain(hits: Sequence[Hit], experiment: Experiment, workdir: Workdir, place: int) -> list[Hit]:
  """The hits with what each of their atoms adds to the number that is ranked.

  Args:
    hits: some of the best molecules.
    experiment: data description, model and task of the run.
    workdir: its folder.
    place: the class whose number is ranked, or 0.
  """
  if not hits:
    return []
  variables, _ = evaluate.chosen_variables(experiment, workdir)
  _, method = experiment.data.modality.method('')
  score = score_function(experiment, variables)
  weights, _ = method(score, [hit.mol for hit in hits], np.full(len(hits), place))
  return [dataclasses.replace(hit, weights=w) for hit, w in zip(hits, weights, strict=True)]


def pick(hits: Sequence[Hit], count: int) -> list[Hit]:
  """Hits that pass every rule and are as unlike each other as can be, the best one first.

  Source:
    Ashton et al. (2002), Identification of diverse database subsets using property-based and
    fragment-based molecular descriptions, Quant. Struct.-Act. Relat. 21:598-604 (MaxMin).
  """
  passing = [hit for hit in hits if hit.like.passes]
  if len(passing) <= count:
    return passing
  toolkit.chem()
  from rdkit.Chem import rdFingerprintGenerator
  from rdkit.SimDivFilters import rdSimDivPickers

  generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=similarity.BITS)
  bits = [generator.GetFingerprint(hit.mol) for hit in passing]
  chosen = rdSimDivPickers.MaxMinPicker().LazyBitVectorPick(
    bits, len(bits), count, firstPicks=[0], seed=0
  )
  return [passing[i] for i in sorted(chosen)]


def write_csv(hits: Sequence[Hit], columns: Sequence[str], path: pathlib.Path) -> None:
  """Writes a row for each hit; see ``Hit.cells``. Without any, no header is known and none stands.

  Raises:
    UserError: it cannot be written.
  """
  rows = [hit.cells(columns) for hit in hits]
  with (
    files.replacing(path) as new,
    open(new, 'w', newline='', encoding='utf-8', errors='backslashreplace') as file,
  ):
    csv_cells.Writer(file, list(rows[0]) if rows else ['rank', *columns]).rows(rows)


def write_sdf(hits: Sequence[Hit], columns: Sequence[str], path: pathlib.Path) -> None:
  """Writes structures in two dimensions, with the cells of ``Hit.cells`` as fields.

  Raises:
    UserError: it cannot be written.
  """
  chem = toolkit.chem()
  from rdkit.Chem import rdDepictor

  with files.replacing(path) as new, chem.SDWriter(str(new)) as writer:
    for hit in hits:
      mol = chem.Mol(hit.mol)
      rdDepictor.Compute2DCoords(mol)
      cells = hit.cells(columns)
      mol.SetProp('_Name', _field(cells.get('name') or cells['row']))
      for name, cell in cells.items():
        if cell:
          mol.SetProp(name, _field(cell))
      writer.write(mol)


def _field(text: str) -> str:
  """A text of one line that no reader takes for the end of a record."""
  line = ''.join(letter if letter.isprintable() else ' ' for letter in text)
  return f' {line}' if line.startswith(('$$$$', '>')) else line


def _answer(yes: bool) -> str:
  return 'yes' if yes else 'no'
