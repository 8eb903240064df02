"""All figures of molecules that a model made up, beside those it learned of and others."""

from collections.abc import Collection, Sequence

import numpy as np

from medjax.design.described import Described
from medjax.evaluation import Estimate, generation
from medjax.evaluation.proportions import proportion

COUNTS = (1000, 10_000)
"""Attempts among which different molecules are counted."""

TITLES = {
  'validity': 'Validity',
  'unique': 'Uniqueness, all',
  **{f'unique_{count}': f'Uniqueness, first {count}' for count in COUNTS},
  'novelty': 'Novelty (not trained on)',
  'intdiv1': 'Internal diversity 1',
  'intdiv2': 'Internal diversity 2',
  'pains_free': 'Without an alert of PAINS',
  'snn': 'Similarity to the nearest reference molecule',
  'fragments': 'Fragments, cosine to the reference',
  'scaffolds': 'Scaffolds, cosine to the reference',
  'distance_logp': 'logP, distance to the reference',
  'distance_sa': 'SA, distance to the reference',
  'distance_qed': 'QED, distance to the reference',
  'distance_weight': 'Weight, distance to the reference',
}


def of_attempts(smiles: Sequence[str], known: Collection[str]) -> dict[str, Estimate]:
  """What needs no chemistry: validity, uniqueness and novelty.

  Args:
    smiles: canonical, of each attempt; '' where it is no molecule.
    known: canonical SMILES of the molecules that were trained on.
  """
  found = {'validity': generation.validity(smiles), 'unique': generation.uniqueness(smiles)}
  found |= {
    f'unique_{count}': generation.uniqueness(smiles, count)
    for count in COUNTS
    if count <= len(smiles)
  }
  return found | {'novelty': generation.novelty(smiles, known)}


def of_molecules(made: Described, reference: Described | None) -> dict[str, Estimate]:
  """Diversity, alerts, and likeness to a reference; see ``evaluation.generation``.

  Args:
    made: every valid attempt, as often as it was made.
    reference: molecules that were not trained on; None for no likeness.
  """
  order = np.arange(len(made.alert))
  found = {
    'intdiv1': generation.internal_diversity(made.bits),
    'intdiv2': generation.internal_diversity(made.bits, power=2),
    'pains_free': proportion(~made.alert, order, 'molecule'),
  }
  if reference is None:
    return found
  found |= {
    'snn': generation.nearest_similarity(made.bits, reference.bits),
    'fragments': generation.likeness(made.fragments, reference.fragments),
    'scaffolds': generation.likeness(made.scaffolds, reference.scaffolds),
  }
  return found | {
    f'distance_{name}': generation.distance(values, reference.properties[name])
    for name, values in made.properties.items()
  }


def lines(found: dict[str, Estimate]) -> list[str]:
  """Figures as lines for the terminal."""
  return [f'{TITLES[name]}: {_text(estimate)}' for name, estimate in found.items()]


def _text(estimate: Estimate) -> str:
  if estimate.value is None:
    return f'undefined ({estimate.reason})'
  if estimate.low is None:
    return f'{estimate.value:.3f}'
  return f'{estimate.value:.3f} (95% interval {estimate.low:.3f} to {estimate.high:.3f})'
