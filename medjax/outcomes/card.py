"""Cells of the model card that outcomes write."""

from typing import Any

from medjax.outcomes.base import CardRow


def plain(text: Any) -> str:
  """Text that cannot leave its cell of a Markdown table or start an element."""
  escaped = str(text).replace('\\', '\\\\').replace('|', '\\|').replace('<', '&lt;')
  return ' '.join(escaped.split())


def imbalance(data: dict[str, Any]) -> CardRow:
  """The row on how common each class is in training, of data.json and the training's ``weights``
  and ``balance``."""
  counts = data['splits'].get('train', {}).get('classes', {})
  total = sum(counts.values())
  shares = ', '.join(f'{plain(c)} {count / total:.1%}' for c, count in counts.items() if total)
  weights = data.get('weights')
  loss = 'the loss weighs every case alike'
  if weights:
    each = ', '.join(f'{plain(c)} {w:.3g}' for c, w in zip(data['classes'], weights, strict=True))
    loss = f'the loss weighs a case by its class: {each}'
  balance = data.get('balance')
  drawn = 'every case is seen once an epoch'
  if balance:
    drawn = (
      f'a class of n cases is seen in proportion to n to the power {1 - balance:.3g} (balanced '
      'sampling)'
    )
  return 'Class imbalance (13)', f'in training: {shares}; {loss}; {drawn}'


def estimate(metric: dict[str, Any]) -> str:
  """A metric with its interval, as evaluation.json has it."""
  if metric['value'] is None:
    return f'undefined: {plain(metric.get("reason", ""))}'
  if metric['low'] is None:
    return f'{metric["value"]:.3f}'
  return f'{metric["value"]:.3f} ({metric["low"]:.3f} to {metric["high"]:.3f})'
