"""The verb ``motifs``: what a network on sequences looks for."""

from collections.abc import Sequence

from medjax.arguments import Flag, Verb
from medjax.verbs.run import Run


def motifs(run: Run, words: Sequence[str]) -> None:
  """Finds motifs, compares them with those in the files (MEME), and writes the report again."""
  from medjax.report import motifs as readout

  experiment = run.finished()
  with run.alone():
    readout.write(experiment, run.workdir, words, run.values.cases)
    run.report(experiment)


VERB = Verb(
  'motifs',
  'find the motifs of a network on sequences; compare with those in files (MEME)',
  motifs,
  (Flag('cases', None, 'how many predictions are looked at (default up to 200)', 'N', low=1),),
  words='FILES',
  stored=True,
)
