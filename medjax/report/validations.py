"""What ``validate`` found with the data of other sites, for the report and the card."""

import dataclasses

from medjax import files
from medjax.errors import UserError
from medjax.evaluation import Estimate
from medjax.outcomes import Outcome
from medjax.workdir import Workdir


@dataclasses.dataclass(frozen=True)
class Validation:
  """One site.

  Attributes:
    site: what its data are called.
    sentence: whether the model carries over.
    more: what else is said.
    cases: how many, in words.
    link: to the page, from the run folder.
    carries: whether it does; None where nobody can say.
    figures: the first metrics there, in words.
    problem: why it cannot be read; '' where it can.
  """

  site: str
  sentence: str = ''
  more: tuple[str, ...] = ()
  cases: str = ''
  link: str = ''
  carries: bool | None = None
  figures: str = ''
  problem: str = ''


def read(workdir: Workdir, outcome: Outcome) -> list[Validation]:
  """What was found at each site; of an earlier evaluation only that it is.

  Args:
    workdir: the run folder.
    outcome: what labels are.
  """
  found = []
  for path in workdir.validations():
    site = path.parent.name
    try:
      value = workdir.read(path)
      if value['decision'] != files.digest(workdir.decision):
        raise UserError(f'{path}: is of an earlier evaluation of this run; run validate again')
      said = value['verdict']
      page = path.with_suffix('.html')
      found.append(
        Validation(
          value['site'],
          said['sentence'],
          tuple(filter(None, (said['also'], value['recalibration']))),
          f'{value["cases"]} cases of {value["groups"]} groups',
          page.relative_to(workdir.folder).as_posix() if page.exists() else '',
          said['carries'],
          _figures(outcome, value),
        )
      )
    except (OSError, UserError, KeyError, TypeError) as error:
      found.append(Validation(site, problem=str(error)))
  return found


def _figures(outcome: Outcome, value: dict) -> str:
  names = [*outcome.headline, *outcome.ideal]
  parts = []
  for name in names:
    there = value['metrics'].get(name)
    if there is None or there['value'] is None:
      continue
    estimate = Estimate(**there)
    interval = ''
    if estimate.low is not None:
      interval = f' ({estimate.low:.3f} to {estimate.high:.3f})'
    parts.append(f'{name} {estimate.value:.3f}{interval}')
  return ', '.join(parts)
