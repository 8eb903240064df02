"""What a report and a card say of differential privacy."""

from collections.abc import Mapping
from typing import Any

from medjax.outcomes import CardRow


def sentence(spent: Mapping[str, Any]) -> str:
  """The guarantee in a line.

  Args:
    spent: what evaluation.json holds.

  Example:
    >>> sentence({'epsilon': 2.994, 'delta': 2e-4, 'unit': 'patient', 'units': 500})
    'epsilon 2.99 at delta 0.0002, for each patient of 500 that were trained on'
  """
  where = f' at {len(spent["sites"])} sites' if len(spent.get('sites', ())) > 1 else ''
  return (
    f'epsilon {spent["epsilon"]:.2f} at delta {spent["delta"]:.2g}, for each {spent["unit"]} of '
    f'{spent["units"]} that were trained on{where}'
  )


def rows(spent: Mapping[str, Any]) -> list[CardRow]:
  """What was done, item by item."""
  if len(spent.get('sites', ())) == 1:
    (spent,) = spent['sites'].values()
  if 'sites' in spent:
    return [
      ('Guarantee', f'{sentence(spent)}: that of the site which has spent most'),
      ('Budget asked for', f'epsilon {spent["target_epsilon"]:g} of each site'),
      ("Norm that each one's gradient is cut to", f'{spent["clip_norm"]:g}'),
      *((f'Site {name}', _of_site(one)) for name, one in spent['sites'].items()),
      ('Not covered', spent['not_covered']),
    ]
  again = spent['lost_updates']
  statistics = spent['statistics_noise_multipliers']
  found: list[CardRow] = [
    ('Guarantee', sentence(spent)),
    ('Budget asked for', f'epsilon {spent["target_epsilon"]:g}'),
    ("Norm that each one's gradient is cut to", f'{spent["clip_norm"]:g}'),
    ('Noise multiplier', f'{spent["noise_multiplier"]:.4g}'),
    ('Chance to take part in an update', f'{spent["sampling_rate"]:.4g}'),
    (
      'Updates',
      f'{spent["updates"]}{f", and {again} that were done again" if again else ""}',
    ),
    (
      'Statistics of columns',
      f'{len(statistics)}, with noise multiplier {statistics[0]:.3g} each'
      if statistics
      else 'none of training cases',
    ),
    ('Not covered', spent['not_covered']),
  ]
  return found


def _of_site(spent: Mapping[str, Any]) -> str:
  return (
    f'epsilon {spent["epsilon"]:.2f} at delta {spent["delta"]:.2g}: {spent["units"]} '
    f'{spent["unit"]}s, {spent["updates"]} updates with noise multiplier '
    f'{spent["noise_multiplier"]:.4g} and chance {spent["sampling_rate"]:.4g} to take part'
  )
