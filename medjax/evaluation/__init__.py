"""Metrics with intervals, computed from a table of predictions and nothing else.

Everything here is a pure NumPy function of `Predictions` (one row an example), so a table written
by another tool can be evaluated, and nothing here needs JAX or a device.
"""

from medjax.evaluation.baseline_hazard import BaselineHazard, baseline_hazard
from medjax.evaluation.calibration import Calibration, calibration_metrics, reliability
from medjax.evaluation.coefficients import Coefficients
from medjax.evaluation.concordance import Concordance, concordance_harrell, concordance_uno
from medjax.evaluation.conformal import Conformal, conformal_metrics
from medjax.evaluation.cox import CoxFit, fit_cox
from medjax.evaluation.decision import Decision
from medjax.evaluation.delong import (
  auroc,
  auroc_difference,
  auroc_interval,
  delong_covariance,
  mean_auroc,
)
from medjax.evaluation.estimate import Difference, Estimate
from medjax.evaluation.kaplan_meier import KaplanMeier, censoring_curve, kaplan_meier
from medjax.evaluation.labels import LabelDecisions, Labels, label_metrics, read_labels
from medjax.evaluation.likelihoods import LikelihoodDecision, Likelihoods, likelihood_metrics
from medjax.evaluation.log_rank import LogRank, log_rank
from medjax.evaluation.masked_atoms import NamedAtoms, naming_metrics
from medjax.evaluation.masks import MaskDecision, Masks, mask_metrics, read_masks
from medjax.evaluation.matched_pairs import PairFigures, Scale, pair_figures, share_of_pairs
from medjax.evaluation.metrics import binary_metrics, multiclass_metrics
from medjax.evaluation.net_benefit import decision_curve
from medjax.evaluation.numbers import Interval, Numbers, number_metrics, read_numbers
from medjax.evaluation.paired import compare
from medjax.evaluation.paired_labels import compare_labels
from medjax.evaluation.paired_masks import compare_masks
from medjax.evaluation.paired_numbers import compare_numbers
from medjax.evaluation.paired_positions import compare_positions
from medjax.evaluation.pairs import PairDecision, Pairs, pair_metrics
from medjax.evaluation.partial_likelihood import PartialLikelihood
from medjax.evaluation.positions import (
  Confidence,
  Positions,
  position_metrics,
  read_positions,
)
from medjax.evaluation.proportions import wilson_interval
from medjax.evaluation.regression import q3, regression_metrics
from medjax.evaluation.risk_groups import RiskGroup, RiskGroups, risk_groups
from medjax.evaluation.separation import Separation
from medjax.evaluation.subgroups import subgroups
from medjax.evaluation.survival import SurvivalTable, read_survival
from medjax.evaluation.survival_calibration import (
  HorizonBin,
  horizon_calibration,
  observed_to_expected,
)
from medjax.evaluation.survival_decision import SurvivalDecision
from medjax.evaluation.survival_metrics import survival_metrics
from medjax.evaluation.survival_paired import compare_survival
from medjax.evaluation.survival_scores import brier_scores, dynamic_auroc, integrated_brier_score
from medjax.evaluation.table import Predictions, read_csv
from medjax.evaluation.threshold import at_sensitivity, at_specificity, youden

__all__ = [
  'BaselineHazard',
  'Calibration',
  'Coefficients',
  'Concordance',
  'Confidence',
  'Conformal',
  'CoxFit',
  'Decision',
  'Difference',
  'Estimate',
  'HorizonBin',
  'Interval',
  'KaplanMeier',
  'LabelDecisions',
  'Labels',
  'LikelihoodDecision',
  'Likelihoods',
  'LogRank',
  'MaskDecision',
  'Masks',
  'NamedAtoms',
  'Numbers',
  'PairDecision',
  'PairFigures',
  'Pairs',
  'PartialLikelihood',
  'Positions',
  'Predictions',
  'RiskGroup',
  'RiskGroups',
  'Scale',
  'Separation',
  'SurvivalDecision',
  'SurvivalTable',
  'at_sensitivity',
  'at_specificity',
  'auroc',
  'auroc_difference',
  'auroc_interval',
  'baseline_hazard',
  'binary_metrics',
  'brier_scores',
  'calibration_metrics',
  'censoring_curve',
  'compare',
  'compare_labels',
  'compare_masks',
  'compare_numbers',
  'compare_positions',
  'compare_survival',
  'concordance_harrell',
  'concordance_uno',
  'conformal_metrics',
  'decision_curve',
  'delong_covariance',
  'dynamic_auroc',
  'fit_cox',
  'horizon_calibration',
  'integrated_brier_score',
  'kaplan_meier',
  'label_metrics',
  'likelihood_metrics',
  'log_rank',
  'mask_metrics',
  'mean_auroc',
  'multiclass_metrics',
  'naming_metrics',
  'number_metrics',
  'observed_to_expected',
  'pair_figures',
  'pair_metrics',
  'position_metrics',
  'q3',
  'read_csv',
  'read_labels',
  'read_masks',
  'read_numbers',
  'read_positions',
  'read_survival',
  'regression_metrics',
  'reliability',
  'risk_groups',
  'share_of_pairs',
  'subgroups',
  'survival_metrics',
  'wilson_interval',
  'youden',
]
