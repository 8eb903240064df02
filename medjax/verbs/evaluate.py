"""The verb ``evaluate``: the best checkpoint again, with other settings of decisions if asked."""

from collections.abc import Sequence

from medjax.arguments import Flag, Verb
from medjax.verbs.run import Run


def evaluate(run: Run, words: Sequence[str]) -> None:
  """Evaluates the best checkpoint and writes the report, where either would be another."""
  experiment = run.finished()
  with run.alone():
    run.finish('evaluate', experiment)


VERB = Verb(
  'evaluate',
  'evaluate the best checkpoint of a run again and write the report',
  evaluate,
  (Flag('again', False, 'also where nothing has changed since the last evaluation'),),
  stored=True,
)
