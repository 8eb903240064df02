"""Whether a molecule looks like a drug: rules of thumb, alerts, and how hard it is to make.

Sources:
  Lipinski et al. (2001), Adv. Drug Deliv. Rev. 46:3-26 (rule of five).
  Veber et al. (2002), J. Med. Chem. 45:2615-2623.
  Bickerton et al. (2012), Quantifying the chemical beauty of drugs, Nat. Chem. 4:90-98 (QED).
  Baell and Holloway (2010), J. Med. Chem. 53:2719-2740 (PAINS).
  Brenk et al. (2008), ChemMedChem 3:435-444.
  Ertl and Schuffenhauer (2009), J. Cheminform. 1:8 (synthetic accessibility).
"""

import dataclasses
import functools
import importlib.util
import pathlib
from collections.abc import Callable
from typing import Any

from medjax.data.molecules import toolkit

_BROKEN_RULES = 1  # that Lipinski's rule allows


@dataclasses.dataclass(frozen=True)
class DrugLike:
  """What rules of thumb say of a molecule.

  Attributes:
    weight: daltons.
    logp: octanol and water, by Crippen.
    donors: of hydrogen bonds, by Lipinski: hydrogens at nitrogen and oxygen.
    acceptors: nitrogens and oxygens.
    rotatable: bonds.
    tpsa: topological polar surface, square angstroms.
    qed: quantitative estimate of drug-likeness, 0 to 1.
    synthetic: synthetic accessibility, 1 (easy) to 10; None where RDKit came without its scorer.
    broken_rules: of Lipinski's four.
    pains: names of what often interferes with assays.
    brenk: names of groups that are unstable or toxic, or hard to make a drug of.
  """

  weight: float
  logp: float
  donors: int
  acceptors: int
  rotatable: int
  tpsa: float
  qed: float
  synthetic: float | None
  broken_rules: int
  pains: tuple[str, ...]
  brenk: tuple[str, ...]

  @property
  def lipinski(self) -> bool:
    """At most one of the four rules is broken."""
    return self.broken_rules <= _BROKEN_RULES

  @property
  def veber(self) -> bool:
    """At most 10 rotatable bonds, and at most 140 square angstroms of polar surface."""
    return self.rotatable <= 10 and self.tpsa <= 140

  @property
  def passes(self) -> bool:
    """Both rules are kept and there is no alert."""
    return self.lipinski and self.veber and not self.pains and not self.brenk


def of(mol: Any) -> DrugLike:
  """What rules of thumb say of an ``rdkit.Chem.Mol``.

  Example:
    >>> of(Chem.MolFromSmiles('CC(=O)Oc1ccccc1C(=O)O')).lipinski  # doctest: +SKIP
    True
  """
  toolkit.chem()
  from rdkit.Chem import rdMolDescriptors

  daltons, partition = weight(mol), logp(mol)
  donors, acceptors = (
    rdMolDescriptors.CalcNumLipinskiHBD(mol),
    rdMolDescriptors.CalcNumLipinskiHBA(mol),
  )
  return DrugLike(
    daltons,
    partition,
    donors,
    acceptors,
    rdMolDescriptors.CalcNumRotatableBonds(mol),
    rdMolDescriptors.CalcTPSA(mol),
    qed(mol),
    synthetic_accessibility(mol),
    (daltons > 500) + (partition > 5) + (donors > 5) + (acceptors > 10),
    _alerts('PAINS', mol),
    _alerts('BRENK', mol),
  )


def weight(mol: Any) -> float:
  """The molecular weight in daltons."""
  from rdkit.Chem import rdMolDescriptors

  return rdMolDescriptors._CalcMolWt(mol)


def logp(mol: Any) -> float:
  """Crippen's estimate of the partition between octanol and water."""
  from rdkit.Chem import rdMolDescriptors

  return rdMolDescriptors.CalcCrippenDescriptors(mol)[0]


def qed(mol: Any) -> float:
  """The quantitative estimate of drug-likeness, from 0 to 1."""
  from rdkit.Chem import QED

  return QED.qed(mol)


def synthetic_accessibility(mol: Any) -> float | None:
  """From 1 (easy to make) to 10; None where RDKit came without its scorer."""
  scorer = _scorer()
  return scorer(mol) if scorer else None


def has_pains(mol: Any) -> bool:
  """Whether it has a substructure that often interferes with assays."""
  return _catalog('PAINS').HasMatch(mol)


def _alerts(catalog: str, mol: Any) -> tuple[str, ...]:
  matches = _catalog(catalog).GetMatches(mol)
  return tuple(dict.fromkeys(match.GetDescription() for match in matches))


@functools.cache
def _catalog(name: str) -> Any:
  from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

  parameters = FilterCatalogParams()
  parameters.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
  return FilterCatalog(parameters)


@functools.cache
def _scorer() -> Callable[[Any], float] | None:
  """Ertl and Schuffenhauer's scorer, which RDKit has among contributions; None where it has not."""
  from rdkit import RDConfig

  path = pathlib.Path(RDConfig.RDContribDir) / 'SA_Score' / 'sascorer.py'
  found = importlib.util.spec_from_file_location('rdkit_contrib_sascorer', path)
  if not path.exists() or found is None or found.loader is None:
    return None
  module = importlib.util.module_from_spec(found)
  found.loader.exec_module(module)
  return module.calculateScore
