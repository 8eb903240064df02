"""Differential privacy: what a trained network may tell of a patient whom it was trained on.

``plan`` is what a run does about it, ``accounting`` what that costs, ``sampling`` who takes part in
an update, ``clipping`` how far anybody may move it, ``columns`` the statistics of a table. The step
that uses them is ``medjax.training.step``'s.

Covered are the weights of every update, the means and scales of columns, and whatever is computed
of those alone, for the patients of the training split. Not covered are what is computed of
validation and test patients (metrics, calibration, thresholds, conformal sets, predictions), the
number of training patients, names and kinds of columns, counts in data.json and card.md, times, and
attacks on the arithmetic itself: noise is drawn in float32 (Mironov 2012).
"""

from medjax.privacy.plan import Privacy as Privacy
