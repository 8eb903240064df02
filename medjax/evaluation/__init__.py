"""Metrics with intervals, computed from a table of predictions and nothing else.

Everything here is a pure NumPy function of `Predictions` (one row an example), so a table written
by another tool can be evaluated, and nothing here needs JAX or a device.
"""

from medjax.evaluation.delong import auroc, auroc_interval, delong_covariance
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.metrics import binary_metrics, multiclass_metrics, wilson_interval
from medjax.evaluation.table import Predictions, read_csv
from medjax.evaluation.threshold import youden

__all__ = [
  'Estimate',
  'Predictions',
  'auroc',
  'auroc_interval',
  'binary_metrics',
  'delong_covariance',
  'multiclass_metrics',
  'read_csv',
  'wilson_interval',
  'youden',
]
