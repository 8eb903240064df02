"""What is asked of a screen, and what it found."""

import dataclasses
import pathlib

from medjax.deploy.screening.best import Ranked
from medjax.deploy.screening.hits import Hit
from medjax.evaluation import Estimate


@dataclasses.dataclass(frozen=True)
class Request:
  """What is asked for.

  Attributes:
    library: table, .smi or .sdf file.
    output: folder to write to.
    named: the class to rank by; '' for the positive one of two, or the number.
    lowest: whether the lowest predictions are the best.
    best: molecules that are described; None for a twentieth of the library, from 50 to 1000.
    picks: of these, that are unlike each other and pass every rule.
    actives: file of molecules that are known to be active; None for none.
    smiles_column: of a table; '' to find it.
    workers: processes that read molecules; 0 for none beside this one.
  """

  library: pathlib.Path
  output: pathlib.Path
  named: str = ''
  lowest: bool = False
  best: int | None = None
  picks: int = 50
  actives: pathlib.Path | None = None
  smiles_column: str = ''
  workers: int = 0


@dataclasses.dataclass(frozen=True)
class Screened:
  """What was found.

  Attributes:
    ranked: the library in the order of its predictions.
    hits: the best molecules.
    picks: those of them that were chosen.
    columns: of the rows of the library that hits take over.
    column: the one that is ranked.
    enrichment: how early actives come; None where no active is known.
    actives: molecules of the library that are known to be active.
    asked: molecules that a file named as actives; None without one.
    trained_on: molecules of the library that the run was trained on; None where that is not known.
    trained_actives: those of them that are known actives.
    why_unknown: why it is not.
  """

  ranked: Ranked
  hits: list[Hit]
  picks: list[Hit]
  columns: list[str]
  column: str
  enrichment: dict[str, Estimate] | None
  actives: int
  asked: int | None
  trained_on: int | None
  trained_actives: int | None
  why_unknown: str
