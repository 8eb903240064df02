"""The best molecules of a tuning: a table, an SD file and a page that draws them."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import markupsafe
import numpy as np

from medjax import files
from medjax.data.molecules import toolkit
from medjax.design.nearest import nearest
from medjax.evaluation.rows import write_rows
from medjax.plots import html, molecule

_DRAWN = 60  # on the page; the table has all


@dataclasses.dataclass(frozen=True)
class Candidates:
  """N molecules, the best first.

  Attributes:
    smiles: of each.
    score: what they were tuned toward, [N].
    values: what it is made of, by name, [N] each.
    scaffold: of each.
    nearest: the nearest training molecule to each.
    similarity: to that, [N].
    new: whether it is none of the molecules trained on.
  """

  smiles: Sequence[str]
  score: np.ndarray
  values: dict[str, np.ndarray]
  scaffold: Sequence[str]
  nearest: Sequence[str]
  similarity: np.ndarray
  new: Sequence[bool]

  @classmethod
  def of(
    cls,
    smiles: Sequence[str],
    score: np.ndarray,
    values: dict[str, np.ndarray],
    scaffold: Sequence[str],
    trained: Sequence[str],
    known: set[str],
  ) -> 'Candidates':
    """Those of molecules, with the nearest of ``trained``; ``known`` are not new."""
    names, alike = nearest(smiles, trained)
    return cls(smiles, score, values, scaffold, names, alike, [one not in known for one in smiles])

  def rows(self) -> list[dict[str, str]]:
    """Cells as text, by column."""
    rows = []
    for i, smiles in enumerate(self.smiles):
      values = {name: f'{of[i]:.4f}' for name, of in self.values.items()}
      rows.append(
        {
          'id': f'candidate-{i + 1}',
          'smiles': smiles,
          'score': f'{self.score[i]:.4f}',
          **values,
          'new': 'yes' if self.new[i] else 'no',
          'scaffold': self.scaffold[i],
          'nearest': self.nearest[i],
          'similarity': f'{self.similarity[i]:.3f}',
        }
      )
    return rows

  def write(self, folder: pathlib.Path, about: Sequence[str], figures: dict[str, Any]) -> None:
    """Writes candidates.csv, candidates.sdf and candidates.html.

    Args:
      folder: where to.
      about: lines for the page.
      figures: by name their title, and estimates of them before and after, as JSON values.

    Raises:
      UserError: a file cannot be written.
    """
    rows = self.rows()
    write_rows(folder / 'candidates.csv', list(rows[0]), [list(row.values()) for row in rows])
    with files.replacing(folder / 'candidates.sdf') as new:
      new.write_text(_sdf(rows), encoding='utf-8')
    drawn = [
      {
        'row': row,
        'made': markupsafe.Markup(_svg(row['smiles'])),
        'near': markupsafe.Markup(_svg(row['nearest'])),
      }
      for row in rows[:_DRAWN]
    ]
    template = pathlib.Path(__file__).parent / 'candidates.html'
    page = html.render(
      template, about=about, figures=figures, drawn=drawn, total=len(rows), values=list(self.values)
    )
    with files.replacing(folder / 'candidates.html') as new:
      new.write_text(page, encoding='utf-8')


def _svg(smiles: str) -> str:
  return molecule.svg(toolkit.chem().MolFromSmiles(smiles), title=smiles)


def _sdf(rows: Sequence[dict[str, str]]) -> str:
  """V2000 records with coordinates in the plane, and every column as a field."""
  chem = toolkit.chem()
  from rdkit.Chem import rdDepictor

  parts = []
  for row in rows:
    mol = chem.MolFromSmiles(row['smiles'])
    rdDepictor.Compute2DCoords(mol)
    mol.SetProp('_Name', row['id'])
    fields = ''.join(f'>  <{name}>\n{cell}\n\n' for name, cell in row.items())
    parts.append(f'{chem.MolToMolBlock(mol)}{fields}$$$$\n')
  return ''.join(parts)
