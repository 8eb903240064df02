"""What a simple model says of cases that it was not fitted to, group by group."""

from collections.abc import Callable
from typing import Any

import numpy as np

from medjax.audit.cases import Target
from medjax.errors import UserError
from medjax.evaluation.delong import auroc_interval
from medjax.evaluation.estimate import Estimate

FOLDS = 5
_SAME = 1000  # cases over which scores of folds get one mean and spread
# The AUROC of two normal distributions whose means are 0.2 standard deviations apart, which Cohen
# (1988) calls a small effect: Phi(0.2 / sqrt(2)). With as many columns as tables have, some lower
# bound is above 0.5 by chance; a smaller effect misleads no network by much.
SMALL_EFFECT = 0.556


def logistic(penalty: float = 0.1) -> Any:
  """Logistic regression on standardised columns; classes weigh the same."""
  from sklearn.linear_model import LogisticRegression
  from sklearn.pipeline import make_pipeline
  from sklearn.preprocessing import StandardScaler

  learner = LogisticRegression(C=penalty, class_weight='balanced', max_iter=300)
  return make_pipeline(StandardScaler(), learner)


def scores(
  features: np.ndarray,
  label: np.ndarray,
  group: np.ndarray,
  make: Callable[[], Any] = logistic,
  fitted_to: int | None = None,
) -> np.ndarray:
  """Scores by a model that was fitted to other groups, in five folds.

  The scores of each fold's model are brought to mean 0 and standard deviation 1 over the same cases
  for all folds. Otherwise those of different models would be ranked together: the fold where
  something tells most is the one whose model, fitted to the others, trusts it least, and an AUROC
  over all folds would be too low, most so for columns of few levels.

  Args:
    features: [N, D].
    label: int [N], class numbers from 0, each of at least two groups.
    group: [N].
    make: makes an unfitted classifier of scikit-learn.
    fitted_to: cases that it is fitted to, at most; None for all.

  Returns:
    float64 [N, C], decision values of each class that there is.

  Raises:
    UserError: a class has cases of fewer than two groups.
  """
  from sklearn.model_selection import StratifiedGroupKFold

  classes = np.unique(label)
  fewest = min(len(np.unique(group[label == number])) for number in classes)
  if len(classes) < 2 or fewest < 2:
    raise UserError('expected at least two classes, each with cases of two groups')
  folds = StratifiedGroupKFold(min(FOLDS, fewest), shuffle=True, random_state=0)
  found = np.zeros((len(label), len(classes)))
  same = np.random.default_rng(0).permutation(len(label))[:_SAME]
  for seed, (train, test) in enumerate(folds.split(features, label, group)):
    if not len(test):
      continue
    if fitted_to is not None and len(train) > fitted_to:
      train = np.random.default_rng(seed).choice(train, fitted_to, replace=False)
    if len(np.unique(label[train])) < len(classes):
      raise UserError('expected every class among the groups of each fold')
    model = make().fit(features[train], label[train])
    usual = _by_class(model, features[same])
    spread = np.where(np.ptp(usual, axis=0) > 0, usual.std(axis=0), 1.0)
    scaled = (_by_class(model, features[test]) - usual.mean(axis=0)) / spread
    found[test] = scaled.round(6)  # equal cases are equal in all folds, not but for rounding
  return found


def _by_class(model: Any, features: np.ndarray) -> np.ndarray:
  """Decision values [N, C]; of two classes those of the first are negatives of the second's."""
  decision = model.decision_function(features)
  return np.stack([-decision, decision], axis=1) if decision.ndim == 1 else decision


def auroc(target: Target, features: np.ndarray, group: np.ndarray) -> tuple[Estimate, str]:
  """How well features alone tell the label, by logistic regression on other groups.

  Args:
    target: the labels.
    features: [N, D].
    group: [N].

  Returns:
    The AUROC with DeLong's interval (Obuchowski's over groups); of several classes that of the
    class with the highest lower bound against the others, at a level corrected for their number
    (Bonferroni). And the name of that class.

  Raises:
    UserError: see ``scores``.
  """
  known = target.label >= 0
  label, of = target.label[known], group[known]
  return _highest(target, label, scores(features[known], label, of), of)


def auroc_of_test(
  target: Target, features: np.ndarray, group: np.ndarray, split: np.ndarray
) -> tuple[Estimate, str]:
  """As ``auroc``, fitted to the training split and asked about the test split.

  Args:
    target: the labels.
    features: [N, D].
    group: [N].
    split: [N].

  Raises:
    UserError: there are no cases of every class in both.
  """
  known = target.label >= 0
  train, test = (
    np.flatnonzero(known & (split == 'train')),
    np.flatnonzero(known & (split == 'test')),
  )
  classes = np.unique(target.label[known])
  if any(len(np.unique(target.label[part])) < len(classes) for part in (train, test)):
    raise UserError('expected cases of every class in train and test')
  model = logistic().fit(features[train], target.label[train])
  found = _by_class(model, features[test])
  return _highest(target, target.label[test], found, group[test])


def _highest(
  target: Target, label: np.ndarray, found: np.ndarray, of: np.ndarray
) -> tuple[Estimate, str]:
  classes = np.unique(label)
  numbers = [1] if len(classes) == 2 else range(len(classes))
  level = 1 - 0.05 / len(numbers)
  estimates = [
    (auroc_interval(label == classes[i], found[:, i], level, of), target.classes[classes[i]])
    for i in numbers
  ]
  return max(estimates, key=lambda pair: _bound(pair[0]))


def _bound(estimate: Estimate) -> float:
  if estimate.low is not None:
    return estimate.low
  return -1.0 if estimate.value is None else estimate.value - 1


def tells(estimate: Estimate) -> bool:
  """Whether an AUROC is above chance by more than a small effect.

  Where it is 1 there is no interval, and nothing tells more.
  """
  if estimate.low is None:
    return estimate.value is not None and estimate.value >= 0.99
  return estimate.low > SMALL_EFFECT


def spelled(estimate: Estimate) -> str:
  """An AUROC with its interval, as in '0.700 (95% interval 0.660 to 0.740)'."""
  if estimate.value is None:
    return f'undefined ({estimate.reason})'
  if estimate.low is None:
    return f'{estimate.value:.3f}'
  return f'{estimate.value:.3f} (95% interval {estimate.low:.3f} to {estimate.high:.3f})'
