"""Cases that cannot be read or say nothing."""

from collections.abc import Mapping

import numpy as np

from medjax.audit.cases import Cases
from medjax.audit.finding import Checked, Finding, names


def check(cases: Cases, unreadable: Mapping[str, str]) -> Checked:
  """Lists them.

  Args:
    cases: that can be read.
    unreadable: why each other case cannot be, by name.
  """
  about = (
    'Images of one brightness (standard deviation below 1 of 255 grey levels), sequences without a '
    'known letter, flat signals, and rows that look as if every cell were missing.'
  )
  findings = []
  if unreadable:
    rows = [{'case': name, 'why': why} for name, why in unreadable.items()]
    findings.append(
      Finding(
        f'{len(rows)} {cases.what} cannot be read, the first {rows[0]["case"]}',
        'restore the files or take them out of the study; a reason of failing that goes with the '
        'label (one scanner, one hospital) biases what is left',
        rows,
      )
    )
  blank = np.flatnonzero(cases.looks.blank & cases.focus)
  if len(blank):
    findings.append(
      Finding(
        f'{names(len(blank), "case says", "cases say")} nothing (blank), the first '
        f'{cases.where(blank[0])}',
        'look at them and leave them out: whatever is predicted of them comes from elsewhere',
        [{'case': str(cases.id[i]), 'split': str(cases.split[i])} for i in blank],
        shown='case',
      )
    )
  return Checked('unreadable and blank cases', about, findings)
