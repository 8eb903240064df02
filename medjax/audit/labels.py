"""Labels that are likely wrong: confident learning on predictions for cases not fitted to.

A case counts as one of class j where its probability of j is at least the mean of that probability
over the cases labelled j; labelled i, it is in cell (i, j) of the confident joint. The cases off
its diagonal are the likely errors. All are ranked by the normalised margin, the probability of the
given label less that of the likeliest other one.

Source:
  Northcutt, Jiang and Chuang (2021), Confident learning: Estimating uncertainty in dataset labels,
  JAIR 70:1373-1411, sections 3.1 (confident joint) and 3.2 (method 5; ranking by margin).
"""

import numpy as np

from medjax.audit import out_of_fold
from medjax.audit.cases import Cases, Target
from medjax.audit.finding import Checked, Finding, names
from medjax.errors import UserError
from medjax.evaluation.delong import auroc

_FITTED_TO = 5000  # the time of a support vector machine grows with the square
_FEWEST = 50
_MOST_TARGETS = 20
# Mean AUROC of the classes below which what the model calls wrong is mostly chance.
_KNOWS = 0.8
_SHARE = 0.05  # of the cases that are listed at least


def check(cases: Cases) -> Checked:
  """Predicts every label from cases of other groups and lists those that disagree."""
  about = (
    'Confident learning (Northcutt et al. 2021) on out-of-fold probabilities of a support vector '
    'machine on at most 100 principal components of the features, in five folds by group; not '
    f'where its AUROC is below {_KNOWS}. The model is simple: a hard case looks like a wrong label '
    'to it. The list is for a reader, not for leaving cases out.'
  )
  components = cases.components
  if not cases.targets or components is None:
    why = 'labels are no classes' if components is not None else 'there are no features of a case'
    return Checked('labels', about, problem=why)
  if len(cases) < _FEWEST:
    return Checked('labels', about, problem=f'fewer than {_FEWEST} cases')
  findings = []
  for target in cases.targets[:_MOST_TARGETS]:
    try:
      findings.append(_of_target(cases, target, components))
    except UserError as error:
      name = target.name or 'the label'
      findings.append(Finding(f'{name}: not checked: {error}', '', information=True))
  return Checked('labels', about, findings)


def _of_target(cases: Cases, target: Target, components: np.ndarray) -> Finding:
  known = np.flatnonzero(target.label >= 0)
  classes, label = np.unique(target.label[known], return_inverse=True)
  probability = predicted(components[known], label, cases.group[known])
  _, wrong = confident_joint(probability, label)
  margin = normalised_margin(probability, label)
  order = np.argsort(margin, kind='stable')
  listed = order[: max(int(wrong.sum()), round(_SHARE * len(order)))]
  rows = []
  for number in listed:
    likely = int(np.argmax(probability[number]))
    rows.append(
      {
        'case': str(cases.id[known[number]]),
        'split': str(cases.split[known[number]]),
        'label': target.classes[classes[label[number]]],
        'predicted': target.classes[classes[likely]],
        'probability of the label': round(float(probability[number, label[number]]), 4),
        'margin': round(float(margin[number]), 4),
        'off the diagonal': 'yes' if wrong[number] else 'no',
      }
    )
  of = f' of {target.name}' if target.name else ''
  area = float(np.mean([auroc(label == i, probability[:, i]) for i in range(len(classes))]))
  if not area >= _KNOWS:
    line = (
      f'nothing is said of labels{of}: a simple model tells them with AUROC {area:.2f} only, and '
      f'below {_KNOWS} a wrong label looks like a hard case'
    )
    return Finding(line, '', information=True)
  if not wrong.any():
    return Finding(f'no label{of} is confidently another class', '', rows, information=True)
  share = wrong.mean()
  return Finding(
    f'{names(int(wrong.sum()), "label", "labels")}{of} ({100 * share:.1f}%) may be wrong, first '
    f'{rows[0]["case"]} ({rows[0]["split"]}): {rows[0]["label"]}, which looks like '
    f'{rows[0]["predicted"]}',
    'have somebody who does not know the label read the first ones again; correct labels, do not '
    'leave out what is merely hard',
    rows,
    shown='case',
  )


def predicted(components: np.ndarray, label: np.ndarray, group: np.ndarray) -> np.ndarray:
  """Probabilities of a support vector machine that was fitted to other groups, [N, C].

  Decision values become probabilities by logistic regression over all cases (Platt), which with a
  few numbers for all cases remembers none of them.

  Args:
    components: [N, D].
    label: int [N] from 0, without gaps.
    group: [N].

  Raises:
    UserError: a class has cases of fewer than two groups.
  """
  from sklearn.linear_model import LogisticRegression
  from sklearn.svm import SVC

  decision = out_of_fold.scores(components, label, group, SVC, _FITTED_TO)
  return LogisticRegression(max_iter=300).fit(decision, label).predict_proba(decision)


def confident_joint(probability: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Counts of given and likely true labels, and the cases where these differ.

  Args:
    probability: [N, C] of cases that were not fitted to.
    label: int [N], each class at least once.

  Returns:
    int [C, C], given by likely class, of the cases that are confident of one; and bool [N], those
    off the diagonal.

  Example:
    >>> confident_joint(np.array([[.9, .1], [.2, .8], [.1, .9], [.3, .7]]), np.array([0, 0, 1, 1]))
    (array([[1, 1],
           [0, 1]]), array([False,  True, False, False]))
  """
  count = probability.shape[1]
  own = probability[np.arange(len(label)), label]
  threshold = np.bincount(label, own, count) / np.bincount(label, minlength=count)
  above = np.where(probability >= threshold - 1e-12, probability, -1.0)
  likely, confident = above.argmax(axis=1), above.max(axis=1) >= 0
  joint = np.zeros((count, count), np.int64)
  np.add.at(joint, (label[confident], likely[confident]), 1)
  return joint, confident & (likely != label)


def normalised_margin(probability: np.ndarray, label: np.ndarray) -> np.ndarray:
  """Probability of the given label less that of the likeliest other one, [N] in -1..1.

  Args:
    probability: [N, C].
    label: int [N].

  Example:
    >>> normalised_margin(np.array([[0.75, 0.25], [0.75, 0.25]]), np.array([0, 1])).tolist()
    [0.5, -0.5]
  """
  rows = np.arange(len(label))
  others = probability.copy()
  others[rows, label] = -np.inf
  return probability[rows, label] - others.max(axis=1)
