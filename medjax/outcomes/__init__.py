"""Outcomes: what a label is. One object for each kind owns its table, metrics, decision, report and
what ``predict`` writes; see ``Outcome`` to add one."""

from medjax.outcomes.base import CardRow, Evaluated, Metric, Outcome, Row, Writer
from medjax.outcomes.classes import Classes
from medjax.outcomes.label_set import LabelSet
from medjax.outcomes.likelihood import Likelihood
from medjax.outcomes.masked_atoms import MaskedAtoms
from medjax.outcomes.masks import Masks
from medjax.outcomes.number import Number
from medjax.outcomes.pairs import Pairs
from medjax.outcomes.rows import Rows
from medjax.outcomes.simple import FittedModel, SimpleModel
from medjax.outcomes.states import States
from medjax.outcomes.survival import Survival

__all__ = [
  'CardRow',
  'Classes',
  'Evaluated',
  'FittedModel',
  'LabelSet',
  'Likelihood',
  'MaskedAtoms',
  'Masks',
  'Metric',
  'Number',
  'Outcome',
  'Pairs',
  'Row',
  'Rows',
  'SimpleModel',
  'States',
  'Survival',
  'Writer',
]
