"""A made-up cohort of patients with lung cancer, followed until death, with known hazards.

Times of death are Weibull, and what patients have multiplies their hazard: log hazard ratios are
linear in age, performance status, albumin and the ratio of neutrophils to lymphocytes, differ by
sex and stage, are U-shaped in body mass index, and immunotherapy helps the more, the more PD-L1 a
tumour shows. Smoking and the hospital play no part. Coefficients are invented and of a plausible
size.

Patients enter over three years, and the study ends five years after it began; some are lost before
at random. Times are whole days, so that some are equal. Albumin is missing more often in early
stages, PD-L1 and the ratio at random.
"""

import math
from collections.abc import Mapping

import numpy as np

COLUMNS = (
  *('age', 'sex', 'stage', 'performance_status', 'bmi', 'albumin', 'neutrophil_lymphocyte_ratio'),
  *('pdl1', 'treatment', 'smoking', 'hospital'),
)
LINEAR = {
  'age': 0.02,
  'performance_status': 0.35,
  'albumin': -0.06,
  'neutrophil_lymphocyte_ratio': 0.08,
}
"""Log hazard ratios per unit: a year, a grade, g/L, 1."""

MALE = 0.25
STAGES = {'I': 0.0, 'II': 0.5, 'III': 0.9, 'IV': 1.5}
BMI_SQUARED = 0.012  # per squared kg/m2 from 26
IMMUNOTHERAPY_PDL1 = -0.011  # per per cent, with immunotherapy
BLANK = 'NA'

_CENTRES = {
  'age': 66.0,
  'performance_status': 1.0,
  'albumin': 39.0,
  'neutrophil_lymphocyte_ratio': 3.5,
}
_SHAPE, _SCALE = 1.25, 5600.0  # of the Weibull distribution, the scale in days
_ENTRY, _END = 1096, 1826  # days over which patients enter, and the end of the study
_LOST = 5500.0  # mean days to being lost


def simulate(seed: int, rows: int) -> list[dict[str, str]]:
  """Rows of patients, cells as text.

  Args:
    seed: of all of them; the first rows are the same for any number of rows.
    rows: how many.

  Returns:
    id, patient, ``COLUMNS`` (empty or 'NA' where missing), time (days, at least 1) and event ('1'
    for death, '0' for alive at the end of observation).

  Example:
    >>> sorted(simulate(0, 1)[0])[:3]
    ['age', 'albumin', 'bmi']
  """
  return [_patient(seed, index)[0] for index in range(rows)]


def risks(seed: int, rows: int) -> np.ndarray:
  """The log hazard ratio that each time was drawn with, [rows], also of what is missing."""
  return np.array([_patient(seed, index)[1] for index in range(rows)])


def true_risk(cells: Mapping[str, str]) -> float:
  """The log hazard ratio of a row to a patient at the centre of all: no model can rank better.

  A missing measurement counts with its mean in patients of that stage, as nothing else that is
  known of them tells it; it is then not exactly what the time was drawn with (see ``risks``).

  Args:
    cells: a row as ``simulate`` gives it.

  Raises:
    KeyError: a column is missing.
    ValueError: a cell is not a number.

  Example:
    >>> row = simulate(0, 1)[0]
    >>> bool(true_risk(row | {'stage': 'IV'}) > true_risk(row | {'stage': 'I'}))
    True
  """
  albumin, ratio, pdl1 = _expected(cells['stage'])
  expected = {'albumin': albumin, 'neutrophil_lymphocyte_ratio': ratio, 'pdl1': pdl1}

  def number(name: str) -> float:
    missing = cells[name] in ('', BLANK)
    return expected[name] if missing and name in expected else float(cells[name])

  return (
    sum(slope * (number(name) - _CENTRES[name]) for name, slope in LINEAR.items())
    + (MALE if cells['sex'] == 'male' else 0.0)
    + STAGES[cells['stage']]
    + BMI_SQUARED * (number('bmi') - 26) ** 2
    + (IMMUNOTHERAPY_PDL1 * number('pdl1') if cells['treatment'] == 'immunotherapy' else 0.0)
  )


def _expected(stage: str) -> tuple[float, float, float]:
  """Mean albumin (g/L), ratio of neutrophils to lymphocytes, and PD-L1 (%) of a stage."""
  return 41.0 - 2.0 * STAGES[stage], 3.0 + 0.8 * STAGES[stage], 100 * 0.6 / (0.6 + 1.1)


def _patient(seed: int, index: int) -> tuple[dict[str, str], float]:
  random = np.random.default_rng([seed, index])
  stage = str(random.choice(list(STAGES), p=[0.25, 0.15, 0.28, 0.32]))
  albumin, ratio, _ = _expected(stage)
  cells = {
    'id': f'c{index:06d}',
    'patient': f'p{index:06d}',
    'age': f'{np.clip(random.normal(66, 9), 35, 92):.0f}',
    'sex': 'male' if random.random() < 0.58 else 'female',
    'stage': stage,
    'performance_status': str(random.choice(3, p=[0.35, 0.45, 0.2])),
    'bmi': f'{np.clip(random.normal(26, 4.5), 15, 45):.1f}',
    'albumin': f'{random.normal(albumin, 4):.0f}',
    'neutrophil_lymphocyte_ratio': f'{random.gamma(4, ratio / 4):.1f}',
    'pdl1': f'{100 * random.beta(0.6, 1.1):.0f}',
    'treatment': 'immunotherapy' if random.random() < 0.45 else 'chemotherapy',
    'smoking': str(random.choice(['never', 'former', 'current'], p=[0.15, 0.5, 0.35])),
    'hospital': str(random.choice(['north', 'south', 'west'])),
  }
  risk = true_risk(cells)
  # Weibull: the cumulative hazard at death is exponential.
  death = _SCALE * (random.exponential() * math.exp(-risk)) ** (1 / _SHAPE)
  observed = min(_END - random.uniform(0, _ENTRY), random.exponential(_LOST))
  cells['time'] = str(max(1, math.ceil(min(death, observed))))
  cells['event'] = '1' if death <= observed else '0'
  if random.random() < (0.2 if stage in ('I', 'II') else 0.08):
    cells['albumin'] = ''
  if random.random() < 0.06:
    cells['neutrophil_lymphocyte_ratio'] = ''
  if random.random() < 0.15:
    cells['pdl1'] = BLANK
  return cells, risk
