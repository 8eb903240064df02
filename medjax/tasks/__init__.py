"""Tasks: what outputs mean. Loss an example, predictions, and metrics of the predictions table."""

from medjax.tasks.augmented import AugmentedLikelihood
from medjax.tasks.base import Task
from medjax.tasks.classification import Binary, Multiclass, class_weights, classification
from medjax.tasks.contrast import Contrast
from medjax.tasks.masked_atoms import AtomNaming
from medjax.tasks.masks import PerPixel
from medjax.tasks.multilabel import Multilabel
from medjax.tasks.next_token import NextToken
from medjax.tasks.positions import PerPosition
from medjax.tasks.regression import Regression
from medjax.tasks.survival import Cox, DiscreteTime

__all__ = [
  'AtomNaming',
  'AugmentedLikelihood',
  'Binary',
  'Contrast',
  'Cox',
  'DiscreteTime',
  'Multiclass',
  'Multilabel',
  'NextToken',
  'PerPixel',
  'PerPosition',
  'Regression',
  'Task',
  'class_weights',
  'classification',
]
