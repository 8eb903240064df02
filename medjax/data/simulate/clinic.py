"""A made-up clinic: patients with a heart disease whose causes are known.

The log odds of disease are the sum of what age, blood pressure, cholesterol, smoking, chest pain
and an interaction add; two columns are noise. Some measurements are missing, and cholesterol more
often in the young, as tests are not ordered at random. Coefficients are invented and of a plausible
size.
"""

import numpy as np

COLUMNS = (
  *('age', 'sex', 'blood_pressure', 'cholesterol', 'smoking', 'chest_pain', 'max_heart_rate'),
  *('shoe_size', 'clinic'),
)
_PAIN = {'none': -0.8, 'atypical': 0.2, 'typical': 1.3}
_SMOKING = {'never': 0.0, 'former': 0.3, 'current': 0.9}


def simulate(seed: int, rows: int) -> list[dict[str, str]]:
  """Rows of patients, cells as text.

  Args:
    seed: of all of them; the first rows are the same for any number of rows.
    rows: how many.

  Returns:
    ``COLUMNS`` and ``label``, 'disease' or 'healthy'.

  Example:
    >>> sorted(simulate(0, 1)[0])[:3]
    ['age', 'blood_pressure', 'chest_pain']
  """
  return [_patient(seed, index)[0] for index in range(rows)]


def risks(seed: int, rows: int) -> np.ndarray:
  """The probability of disease that each label was drawn with, [rows]: no model can know more."""
  return np.array([_patient(seed, index)[1] for index in range(rows)])


def _patient(seed: int, index: int) -> tuple[dict[str, str], float]:
  random = np.random.default_rng([seed, index])
  age = float(np.clip(random.normal(58, 11), 25, 90))
  male = random.random() < 0.6
  pressure = random.normal(118 + 0.35 * (age - 40), 14)
  cholesterol = random.normal(200 + 0.6 * (age - 40), 38)
  smoking = random.choice(list(_SMOKING), p=[0.5, 0.3, 0.2])
  pain = random.choice(list(_PAIN), p=[0.45, 0.35, 0.2])
  rate = random.normal(205 - 0.7 * age, 13)
  logit = (
    -1.0
    + 0.055 * (age - 58)
    + 0.7 * male
    + 0.02 * (pressure - 125)
    + 0.009 * (cholesterol - 210)
    - 0.025 * (rate - 165)
    + _SMOKING[smoking]
    + _PAIN[pain]
    + (0.8 if smoking == 'current' and age > 60 else 0.0)
  )
  risk = 1 / (1 + np.exp(-logit))
  tested = random.random() > (0.18 if age < 55 else 0.06)
  cells = {
    'age': f'{age:.0f}',
    'sex': 'male' if male else 'female',
    'blood_pressure': f'{pressure:.0f}',
    'cholesterol': f'{cholesterol:.0f}' if tested else '',
    'smoking': str(smoking) if random.random() > 0.05 else 'NA',
    'chest_pain': str(pain),
    'max_heart_rate': f'{rate:.0f}',
    'shoe_size': f'{random.normal(42 if male else 38, 1.6):.1f}',
    'clinic': str(random.choice(['north', 'south', 'west'])),
    'label': 'disease' if random.random() < risk else 'healthy',
  }
  return cells, float(risk)
