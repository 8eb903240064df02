"""Verbs: what an experiment's command line can do. Each is an object that owns its flags."""

from medjax.verbs import (
  audit,
  bench,
  compare,
  crossval,
  evaluate,
  explain,
  export,
  federate,
  motifs,
  plan,
  predict,
  sample,
  serve,
  train,
  tune,
  validate,
)

# The first one is meant where none is named.
VERBS = (
  train.VERB,
  evaluate.VERB,
  validate.VERB,
  bench.VERB,
  crossval.VERB,
  tune.VERB,
  federate.VERB,
  compare.VERB,
  predict.VERB,
  explain.VERB,
  export.VERB,
  serve.VERB,
  motifs.VERB,
  sample.VERB,
  audit.VERB,
  plan.VERB,
)
