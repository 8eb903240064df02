"""Simple models beside which a network has to prove its worth.

A kind of input says what a simple model sees of it and which learners suit it; a kind of label says
what such a learner is for it, and fits it. Nothing is tuned, so that the same figure can be made by
hand in scikit-learn from what the report says.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np

from medjax.errors import UserError

Learner = Literal['linear', 'neighbours', 'boosting', 'forest']
LEARNERS: tuple[str, ...] = get_args(Learner)

# Steps of a solver; what has not converged by then is said.
_STEPS = 200
_NEIGHBOURS = 5
_ROUNDS = 50
_LEAF = 20  # cases at least, scikit-learn's own
_TREES = 100


@dataclasses.dataclass(frozen=True)
class SimpleModel:
  """A simple model that a kind of input offers.

  Attributes:
    learner: what is fitted to the features: a linear model, nearest neighbours, boosted trees or a
      random forest.
    features: what it sees, in words.
    prefix: what its name begins with, before that of the learner.
    steps: makes unfitted transformers of scikit-learn that come before the learner, for training
      features of that shape.

  Example:
    >>> SimpleModel('neighbours', 'the samples').prefix
    ''
  """

  learner: Learner
  features: str
  prefix: str = ''
  steps: Callable[[tuple[int, ...]], list[Any]] = lambda shape: []

  @property
  def plain_name(self) -> str:
    """The name whatever the labels are."""
    learners = {
      'linear': 'linear model',
      'neighbours': 'nearest neighbours',
      'boosting': 'gradient boosting',
      'forest': 'random forest',
    }
    return self.named(learners[self.learner])

  def named(self, learner: str) -> str:
    """The name of the model.

    Example:
      >>> SimpleModel('linear', '', 'PCA and ').named('ridge regression'), SimpleModel(
      ...     'boosting', '').named('gradient boosting')
      ('PCA and ridge regression', 'gradient boosting')
    """
    return self.prefix + learner


@dataclasses.dataclass(frozen=True)
class FittedModel:
  """A simple model that was fitted to training cases.

  Attributes:
    name: for readers, such as 'PCA and logistic regression'.
    settings: of the learner, in words.
    predict: features as those that were fitted -> what the outcome's ``table`` takes for a task's
      statistics, leaves [N, ...].
  """

  name: str
  settings: str
  predict: Callable[[np.ndarray], Any]


def classifier(model: SimpleModel, features: np.ndarray) -> tuple[str, str, Any]:
  """Name, settings and unfitted scikit-learn pipeline of a model of classes.

  Args:
    model: what the inputs offer.
    features: of the training cases, [N, D].
  """
  if model.learner == 'linear':
    from sklearn.linear_model import LogisticRegression

    learner = LogisticRegression(max_iter=_STEPS)
    return model.named('logistic regression'), 'C = 1', _pipeline(model, features, learner)
  if model.learner == 'neighbours':
    from sklearn.neighbors import KNeighborsClassifier

    return _neighbours(model, features, KNeighborsClassifier)
  from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

  if model.learner == 'forest':
    return _forest(model, features, RandomForestClassifier)
  return _boosting(model, features, HistGradientBoostingClassifier)


def regressor(model: SimpleModel, features: np.ndarray) -> tuple[str, str, Any]:
  """Name, settings and unfitted scikit-learn pipeline of a model of numbers; see ``classifier``."""
  if model.learner == 'linear':
    from sklearn.linear_model import Ridge

    return model.named('ridge regression'), 'alpha = 1', _pipeline(model, features, Ridge())
  if model.learner == 'neighbours':
    from sklearn.neighbors import KNeighborsRegressor

    return _neighbours(model, features, KNeighborsRegressor)
  from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

  if model.learner == 'forest':
    return _forest(model, features, RandomForestRegressor)
  return _boosting(model, features, HistGradientBoostingRegressor)


def _neighbours(
  model: SimpleModel, features: np.ndarray, learner: Callable[..., Any]
) -> tuple[str, str, Any]:
  count = min(_NEIGHBOURS, len(features))
  settings = f'{count} of them, weighted by 1 / distance'
  made = _pipeline(model, features, learner(count, weights='distance'))
  return model.named('nearest neighbours'), settings, made


def _boosting(
  model: SimpleModel, features: np.ndarray, learner: Callable[..., Any]
) -> tuple[str, str, Any]:
  settings = f'{_ROUNDS} rounds of HistGradientBoosting'
  made = learner(max_iter=_ROUNDS, early_stopping=False, random_state=0, min_samples_leaf=_LEAF)
  if not model.steps(features.shape):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    kept = {'indices': _splittable(features), 'axis': 1}
    made = make_pipeline(FunctionTransformer(np.take, kw_args=kept), made)
  return model.named('gradient boosting'), settings, _pipeline(model, features, made)


def _splittable(features: np.ndarray) -> np.ndarray:
  """Columns that boosted trees can split; without the others they are the same, and fitted sooner.

  On either side of a split there are at least 20 cases. So nothing splits a column in which all but
  19 have the same value, which then is the median: most places of a fingerprint, for instance.
  """
  different = (features != np.median(features, axis=0)).sum(axis=0)
  found = np.flatnonzero(different >= _LEAF)
  return found if len(found) else np.arange(1)


def _forest(
  model: SimpleModel, features: np.ndarray, learner: Callable[..., Any]
) -> tuple[str, str, Any]:
  settings = f'{_TREES} trees, sqrt(columns) at a split'
  made = learner(_TREES, max_features='sqrt', random_state=0, n_jobs=-1)
  return model.named('random forest'), settings, _pipeline(model, features, made)


def transformer(model: SimpleModel, features: np.ndarray) -> Any:
  """What comes before the learner, an unfitted scikit-learn pipeline."""
  return _pipeline(model, features, 'passthrough')


def _pipeline(model: SimpleModel, features: np.ndarray, learner: Any) -> Any:
  from sklearn.pipeline import make_pipeline

  return make_pipeline(*model.steps(features.shape), learner)


def require_classes(label: np.ndarray, names: Sequence[str]) -> None:
  """Sees that every class has a training case.

  Args:
    label: class numbers of the training cases, [N].
    names: of the classes.

  Raises:
    UserError: one has none.
  """
  for number, name in enumerate(names):
    if not (label == number).any():
      raise UserError(f'no training case is {name}')


def require_cases(count: int) -> None:
  """Raises UserError where there are too few labelled training cases to fit anything to."""
  if count < 2:
    raise UserError(f'{count} labelled training cases; expected at least 2')
