"""Trees that are grown on the training cases before the first update of a network beside them."""

import dataclasses
from typing import Any, Literal

import numpy as np

from medjax import models
from medjax.transfer import fixed

_ABOVE_ALL = np.finfo(np.float32).max  # not infinite: means of it are finite
_RATE, _SHARE, _COLUMNS = 0.05, 0.5, 0.1  # of boosting: a step, cases a tree, columns a split


@dataclasses.dataclass(frozen=True)
class Grown:
  """How trees are grown, by scikit-learn, and the variables that they then are.

  A class of which training has no known case is predicted as a share of one half, and a number as
  the mean.

  Attributes:
    kind: 'forest', a random forest: a tree is grown on cases drawn with replacement, and splits by
      squared error, which for shares of two classes is Gini's, among a random choice of as many
      columns as the root of their number. 'extra', extremely randomised trees: of all cases, that
      split such columns where chance says, as is best among them. 'boosting': each tree is grown on
      half of the cases toward what those before it left, and adds a twentieth of that; it chooses
      among a tenth of the columns at a split.
    count: trees of each output.
    leaves: of a tree at most; those of 'forest' and 'extra' that help most are made first, and
      those of 'boosting' are no deeper than so many need to be.

  Example:
    >>> trees = transfer.Grown('forest', count=3, leaves=2)
    >>> x, y = np.eye(4, dtype=np.float32), np.array([[0.0], [0], [1], [1]])
    >>> trees.fit(trees.model(1, 'logit', cases=4), x, y, 'logit', seed=0)['nodes'].shape
    (1, 3, 3, 4)

  Source:
    Breiman, L. (2001), Random forests, Machine Learning 45:5-32; Geurts, P., Ernst, D. and
    Wehenkel, L. (2006), Extremely randomized trees, Machine Learning 63:3-42; Friedman, J. H.
    (2002), Stochastic gradient boosting, Computational Statistics & Data Analysis 38:367-378.
  """

  kind: Literal['forest', 'extra', 'boosting']
  count: int
  leaves: int

  @property
  def setting(self) -> str:
    """As ``Fixed``."""
    return f'config.trees={self.kind}'

  def model(self, outputs: int, link: str, cases: int) -> models.Trees:
    """As ``Fixed``."""
    del cases
    if self.kind == 'boosting':  # whose trees add to logits
      link = 'log_sigmoid' if link == 'log' else 'identity'
    return models.Trees(outputs, self.count, self.leaves, link)

  def fit(
    self, model: Any, x: np.ndarray, y: np.ndarray, link: str, seed: int
  ) -> dict[str, np.ndarray]:
    """As ``Fixed``; see ``models.Trees``."""
    del model
    grown = [self._of_column(x, column, link, seed) for column in y.T]
    nodes = np.stack([nodes for nodes, _ in grown])
    return {'nodes': nodes, 'depth': np.array(max(depth for _, depth in grown), np.int32)}

  def _of_column(
    self, x: np.ndarray, y: np.ndarray, link: str, seed: int
  ) -> tuple[np.ndarray, int]:
    """Nodes float32 [count, 2 * leaves - 1, 4] of the trees of an output, and how deep they are."""
    nodes = np.zeros((self.count, 2 * self.leaves - 1, len(models.NODE)), np.float32)
    known = ~np.isnan(y)
    if not known.all():
      x, y = x[known], y[known]
    boosted = self.kind == 'boosting'
    if not len(y) or (boosted and np.ptp(y) == 0):  # nothing to learn from, or to tell apart
      constant = y.mean() if len(y) else 0.0
      if link != 'identity':
        constant = fixed.constant(y)
        constant = fixed.logit(constant) if boosted else constant
      nodes[:, 0] = 0, _ABOVE_ALL, 0, constant
      return nodes, 0
    if boosted:
      trees = self._boosted(x, y, link, seed)
      mean = y.mean() if link == 'identity' else fixed.logit(y.mean())
      found = [_nodes(tree, self.count * _RATE, mean) for tree in trees]
    else:
      trees = self._forest(x, y, seed)
      found = [_nodes(tree) for tree in trees]
    for number, one in enumerate(found):
      nodes[number, : len(one)] = one
    return nodes, max(tree.max_depth for tree in trees)

  def _forest(self, x: np.ndarray, y: np.ndarray, seed: int) -> list[Any]:
    from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

    forest = RandomForestRegressor if self.kind == 'forest' else ExtraTreesRegressor
    settings = {'max_features': 'sqrt', 'max_leaf_nodes': self.leaves, 'n_jobs': -1}
    return [one.tree_ for one in forest(self.count, random_state=seed, **settings).fit(x, y)]

  def _boosted(self, x: np.ndarray, y: np.ndarray, link: str, seed: int) -> list[Any]:
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    boosting = GradientBoostingRegressor if link == 'identity' else GradientBoostingClassifier
    made = boosting(
      n_estimators=self.count,
      learning_rate=_RATE,
      subsample=_SHARE,
      max_features=_COLUMNS,
      max_depth=int(np.log2(self.leaves)),
      random_state=seed,
    )
    return [one.tree_ for one in made.fit(x, y).estimators_[:, 0]]


def _nodes(tree: Any, scale: float = 1.0, more: float = 0.0) -> np.ndarray:
  """A tree of scikit-learn, float32 [nodes, 4], of which two children lie side by side.

  Args:
    tree: its ``tree_``.
    scale: of its values.
    more: is added to them.
  """
  order = [0]
  place = np.zeros(tree.node_count, np.int64)
  for node in order:  # which grows
    if tree.children_left[node] >= 0:
      children = [tree.children_left[node], tree.children_right[node]]
      place[children] = len(order), len(order) + 1
      order += children
  inner = tree.children_left >= 0
  column = np.where(inner, tree.feature, 0)
  threshold = np.where(inner, _rounded_down(tree.threshold), _ABOVE_ALL)
  child = np.where(inner, place[tree.children_left], place)
  value = tree.value[:, 0, 0] * scale + more
  return np.stack([column, threshold, child, value], axis=1)[order].astype(np.float32)


def _rounded_down(threshold: np.ndarray) -> np.ndarray:
  """The largest float32 not above each: float32 numbers are above both or neither."""
  near = threshold.astype(np.float32)
  return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)
