"""What the audit of a run's data found, for the report."""

from medjax import sealed
from medjax.errors import UserError
from medjax.workdir import Workdir

_REMEDY = 'run audit again'


def read(workdir: Workdir) -> list[dict[str, str]]:
  """The findings in audit.json: 'check' and 'line' of each.

  Args:
    workdir: the run folder, in which it lies.

  Raises:
    UserError: it is damaged, or of other data than those of the run.
  """
  about, seal = sealed.read(workdir.audit, _REMEDY)
  if seal.get('data') != workdir.read(workdir.data).get('fingerprint'):
    raise UserError(f'{workdir.audit}: is of other data than those of this run; {_REMEDY}')
  return [
    {'check': check['name'], 'line': finding['line']}
    for check in about['checks']
    for finding in check['findings']
    if not finding['information']
  ]
