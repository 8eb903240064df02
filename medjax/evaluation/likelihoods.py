"""How probable sequences are under a language model: the table with one row a sequence."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.number_rows import NumberRows

_RESAMPLES = 500  # of what is a mean over thousands of sequences


@dataclasses.dataclass(frozen=True, eq=False)
class Likelihoods(NumberRows):
  """What a language model makes of each sequence of one split.

  Attributes:
    id: [N] strings, unique: every example is counted exactly once.
    log_likelihood: float64 [N], finite, in nats.
    tokens: float64 [N], how many tokens the sequence has, with its end; at least 1.
    group: [N] strings: what belongs together, such as the sequences of one family.
    split: name of the split.
    metadata: further columns by name, [N] strings each.

  Raises:
    ValueError: lengths or values break the description above.

  Example:
    >>> names = np.array(['a', 'b'])
    >>> table = Likelihoods(names, np.log([0.25, 0.5]), np.array([2.0, 1.0]), names, 'test')
    >>> float(likelihood_metrics(table)['perplexity'].value)
    2.0
  """

  id: np.ndarray
  log_likelihood: np.ndarray
  tokens: np.ndarray
  group: np.ndarray
  split: str
  metadata: dict[str, list[str]] = dataclasses.field(default_factory=dict)
  numbers: ClassVar[Sequence[str]] = ('log_likelihood', 'tokens')

  def __post_init__(self):
    self.check_rows()
    if not np.isfinite(self.log_likelihood).all():
      raise ValueError('a log-likelihood is not finite')
    if not (self.tokens >= 1).all():
      raise ValueError('a sequence has no token')

  def labelled(self) -> 'Likelihoods':
    """All rows: a sequence is its own label."""
    return self


def likelihood_metrics(table: Likelihoods) -> dict[str, Estimate]:
  """``log_likelihood``: the mean over tokens, in nats; ``perplexity``: exp of minus that, among how
  many equally probable tokens the model hesitates; and ``sequence``: the mean over sequences.

  Intervals are of the bootstrap over groups.
  """

  def of(times: np.ndarray) -> dict[str, np.ndarray]:
    total, tokens = times @ table.log_likelihood, times @ table.tokens
    mean = total / tokens
    return {
      'log_likelihood': mean,
      'perplexity': np.exp(-mean),
      'sequence': total / times.sum(axis=1),
    }

  whole = {name: float(value[0]) for name, value in of(np.ones((1, len(table)))).items()}
  return Bootstrap(table.group, resamples=_RESAMPLES).intervals(whole, of)


@dataclasses.dataclass(frozen=True)
class LikelihoodDecision:
  """Nothing is decided of a sequence; only what is typical of validation is kept.

  Attributes:
    checkpoint_step: the checkpoint that is evaluated.
    percentiles: 101 of the mean log-likelihood a token of validation sequences, rising.
  """

  checkpoint_step: int
  percentiles: tuple[float, ...]

  @classmethod
  def fit(cls, validation: Likelihoods, step: int) -> 'LikelihoodDecision':
    """Of a validation table."""
    mean = validation.log_likelihood / validation.tokens
    return cls(step, tuple(np.percentile(mean, np.arange(101)).tolist()))

  def typical(self, mean: float) -> float:
    """The share of validation sequences whose mean log-likelihood a token is not above ``mean``.

    Example:
      >>> LikelihoodDecision(1, tuple(range(101))).typical(30)
      0.3
    """
    if not math.isfinite(mean):
      raise ValueError('a log-likelihood is not finite')
    return float(np.interp(mean, self.percentiles, np.linspace(0, 1, 101)))

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back."""
    return dataclasses.asdict(self)

  @classmethod
  def from_json(cls, fields: dict[str, Any]) -> 'LikelihoodDecision':
    """What ``to_json`` gave; raises KeyError where a field is missing."""
    return cls(int(fields['checkpoint_step']), tuple(map(float, fields['percentiles'])))
