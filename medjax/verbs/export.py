"""The verb ``export``: a finished run as one file that predicts without the run folder."""

from collections.abc import Sequence

from medjax.arguments import Flag, Verb
from medjax.verbs.run import Run


def export(run: Run, words: Sequence[str]) -> None:
  """Writes the evaluated checkpoint with all that a prediction needs.

  Raises:
    UserError: the run is not there or was not evaluated, or its network cannot be exported.
  """
  from medjax.deploy import export as deploy

  experiment = run.described()
  output = run.output(deploy.default_name(run.workdir))
  deploy.write(experiment, run.name, run.config, run.workdir, output)


VERB = Verb(
  'export',
  'write a finished run as one file, for predict --model and medjax.load',
  export,
  (Flag('output', '', 'where it writes (default model.medjax in the run folder)', 'FILE'),),
  stored=True,
)
