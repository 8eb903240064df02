"""Whether something that should say nothing of the label tells it.

A network takes whatever tells the label: the view of a radiograph, the format of a file, letters at
the border. A linear model of each of these alone is fitted to four fifths of the groups and asked
about the others; see ``out_of_fold``.

Source:
  Zech et al. (2018), Variable generalization performance of a deep learning model to detect
  pneumonia in chest radiographs, PLoS Medicine 15:e1002683. DeGrave, Janizek and Lee (2021), AI for
  radiographic COVID-19 detection selects shortcuts over signal, Nature Machine Intelligence 3:610.
"""

import contextlib
import dataclasses

import numpy as np

from medjax.audit import columns, out_of_fold
from medjax.audit.cases import Cases, Target
from medjax.audit.finding import Checked, Finding, Row
from medjax.errors import UserError
from medjax.evaluation.estimate import Estimate

# From here on a column is taken for another spelling of the label; it is told, but not taken
# together with others, which would say nothing more.
_COPY = 0.98
_MOST_TARGETS = 20


def check(cases: Cases) -> Checked:
  """Asks each column of metadata, all of them, and parts of inputs, about the labels."""
  about = (
    'AUROC of the label by logistic regression, cross-validated by group, and again fitted to '
    'train and asked about test: of each column of metadata alone, of all together, of the frame '
    'of images, and of what their files are. A finding where the lower bound of either 95% '
    f'interval is above {out_of_fold.SMALL_EFFECT}: more than a small effect (0.2 standard '
    'deviations). A coarse view of the whole case may well tell the label and is information.'
  )
  if not cases.targets:
    return Checked('shortcuts', about, problem='labels are no classes')
  findings: list[Finding] = []
  for target in cases.targets[:_MOST_TARGETS]:
    try:
      findings += _of_target(cases, target)
    except UserError as error:
      name = target.name or 'the label'
      findings.append(Finding(f'{name}: not checked: {error}', '', information=True))
  if len(cases.targets) > _MOST_TARGETS:
    line = f'of {len(cases.targets)} labels the first {_MOST_TARGETS} were checked'
    findings.append(Finding(line, '', information=True))
  return Checked('shortcuts', about, findings)


@dataclasses.dataclass(frozen=True)
class _Asked:
  """What was asked about a label, and what it said.

  Attributes:
    what: a column or a part.
    everywhere: the AUROC over all cases, of other groups.
    of: the class.
    test: the AUROC in test of what was fitted to train; None where there is none.
    information: whether it may well tell the label.
  """

  what: str
  everywhere: Estimate
  of: str
  test: Estimate | None
  information: bool

  @property
  def tells(self) -> bool:
    """Whether either is above a small effect."""
    return any(out_of_fold.tells(one) for one in (self.everywhere, self.test) if one is not None)

  @property
  def in_test(self) -> str:
    """The AUROC in test, spelled."""
    return out_of_fold.spelled(self.test) if self.test else 'no test split'


def _asked(
  cases: Cases, target: Target, what: str, inputs: np.ndarray, information: bool = False
) -> _Asked:
  everywhere, of = out_of_fold.auroc(target, inputs, cases.group)
  test = None
  with contextlib.suppress(UserError):  # there is no such split, or a class has none there
    test, _ = out_of_fold.auroc_of_test(target, inputs, cases.group, cases.split)
  return _Asked(what, everywhere, of, test, information)


def _of_target(cases: Cases, target: Target) -> list[Finding]:
  asked: list[_Asked] = []
  passed_over: list[Row] = []
  together = []
  for name, cells in cases.metadata.items():
    inputs, problem = columns.encode(cells)
    if problem:
      passed_over.append(_row(f'column {name}', f'not asked: {problem}'))
      continue
    asked.append(_asked(cases, target, f'column {name}', inputs))
    value = asked[-1].everywhere.value
    if value is not None and value < _COPY:
      together.append(inputs)
  if len(together) > 1:
    what = f'all {len(together)} columns'
    asked.append(_asked(cases, target, what, np.concatenate(together, axis=1)))
  asked += [_asked(cases, target, *part) for part in cases.looks.parts.items()]
  asked += [_asked(cases, target, *view, True) for view in cases.looks.coarse.items()]
  return _told(target, asked, passed_over)


def _row(what: str, everywhere: str, test: str = '', of: str = '') -> Row:
  return {'what': what, 'AUROC, all cases': everywhere, 'AUROC, test': test, 'class': of}


def _told(target: Target, asked: list[_Asked], passed_over: list[Row]) -> list[Finding]:
  name = target.name or 'the label'
  asked = sorted(asked, key=lambda one: -(one.everywhere.value or 0))
  findings = [
    Finding(
      f'from {one.what} alone {name} ({one.of}) is told with AUROC '
      f'{out_of_fold.spelled(one.everywhere)} over all cases, in test {one.in_test}',
      _advice(one.what, one.everywhere),
      information=one.information,
    )
    for one in asked
    if one.tells
  ]
  rows = [
    _row(one.what, out_of_fold.spelled(one.everywhere), one.in_test, one.of) for one in asked
  ] + passed_over
  if not asked:
    line = f'nothing to ask about {name}: there is no column of use that the network does not see'
    return [Finding(line, '', rows, information=True)]
  told = sum(not finding.information for finding in findings)
  line = f'{told} of {len(asked)} asked tell {name} by more than a small effect'
  return [*findings, Finding(line, '', rows, information=True)]


def _advice(what: str, estimate: Estimate) -> str:
  if (estimate.value or 0) >= _COPY and what.startswith('column'):
    return (
      'see whether the column is the label in other words, which is no flaw; if it is known only '
      'after the label, keep it out of the inputs'
    )
  if what.startswith(('column', 'all')):
    return (
      'a network that sees it, or its traces in the input, may use it in place of the disease: '
      'report results within its levels, match or weight the cases, and test on other data'
    )
  if what.startswith('the frame'):
    return (
      'markers, collimation or padding differ between the classes: look at the frames, crop them, '
      'and see whether explanations point there'
    )
  return 'as much needs no fine detail: compare with the baseline in the report'
