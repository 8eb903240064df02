"""The verb ``audit``: checks of data, before training and on new cases."""

import copy
from collections.abc import Sequence
from typing import Any

from medjax import config as config_lib
from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs.run import Run


def audit(run: Run, words: Sequence[str]) -> None:
  """Checks the data of the settings, or of a run; or new cases beside a run's training cases.

  Raises:
    UserError: new cases without a run, the folder holds another run, or data cannot be read.
  """
  from medjax.audit import run as checks

  workdir = run.workdir
  begun = workdir.config.exists()
  if words and not begun:
    raise UserError(
      f'audit {words[0]}: new cases are compared with those of a run; expected --workdir=RUN'
    )
  config: Any = run.config
  if begun:
    config = config_lib.override(workdir.stored(config), run.values)
  workdir.check(config)
  if run.values.privacy:
    _privacy(run.other(config, workdir), words)
    return
  if not begun and hasattr(getattr(config, 'data', None), 'allow_group_overlap'):
    config = copy.copy(config)
    config.data = copy.copy(config.data)
    config.data.allow_group_overlap = True  # a leak is to be found here, not refused
  one = run.other(config, workdir)
  experiment = one.finished() if workdir.data.exists() else one.experiment()
  source = str(getattr(getattr(config, 'data', None), 'source', ''))
  with run.alone():
    if not run.lead:
      return
    data = experiment.data
    if words:
      checks.audit_new(data, run.name, words, workdir.audit_new, workdir.audit_new_page)
      return
    checks.audit(data, run.name, source, workdir.audit, workdir.audit_page)
    if workdir.report.exists() and workdir.evaluation.exists():
      one.report(experiment)


def _privacy(run: Run, words: Sequence[str]) -> None:
  from medjax.attack import run as attacks
  from medjax.training import budget

  if words:
    raise UserError(f'audit --privacy {words[0]}: attacks training; expected no new cases')
  workdir = run.workdir

  def build(config: Any) -> Any:
    return run.build(budget.prepared(config, workdir))

  with run.alone():
    if run.lead:
      attacks.audit(
        build, run.config, run.devices, run.name, run.values.shadows, workdir.audit_privacy,
        workdir.audit_privacy_page,
      )  # fmt: skip


VERB = Verb(
  'audit',
  'check data for copies, shortcuts, wrong labels, outliers and drift; new files with a run',
  audit,
  (
    Flag('privacy', False, 'attack trainings instead: membership inference, and canaries'),
    Flag('shadows', 16, 'networks trained for --privacy (default 16)', 'N', low=4),
  ),
  words='[FILES]',
)
