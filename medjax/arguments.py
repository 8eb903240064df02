"""What the command line takes: verbs, flags, and the help that lists them."""

from typing import Any

from absl import flags

from medjax import config as config_lib
from medjax.config import Config
from medjax.errors import UserError

VERBS = {
  'train': 'train, evaluate the best checkpoint and write the report (the default)',
  'evaluate': 'evaluate the best checkpoint of a run again and write the report',
  'bench': 'measure how fast this experiment trains here, part by part',
  'crossval': 'train and evaluate once for each fold (config.data.folds, 5 by default)',
  'compare': 'compare the two run folders named after it on the same test cases',
  'predict': 'predict the FILES or folders named after it with the best checkpoint of a run',
  'explain': 'show what the predictions of the FILES or folders named after it rest on',
  'motifs': 'find the motifs of a network on sequences; compare with those in the FILES (MEME)',
}


def define(config: Config) -> flags.FlagValues:
  """The flags of every experiment, and its own settings as ``--config.NAME``."""
  values = flags.FlagValues()
  values.set_gnu_getopt(True)
  flags.DEFINE_string('workdir', '', 'Run folder.', flag_values=values)
  flags.DEFINE_string('output', '', 'Where a verb writes.', flag_values=values)
  flags.DEFINE_string('variants', '', 'Changes of the sequences.', flag_values=values)
  flags.DEFINE_string('method', '', 'How explain explains.', flag_values=values)
  flags.DEFINE_boolean('grade', False, 'Grade the method of explain.', flag_values=values)
  flags.DEFINE_integer('repeats', 1, 'Other folds.', lower_bound=1, flag_values=values)
  flags.DEFINE_string('split', 'test', 'Split to compare on.', flag_values=values)
  flags.DEFINE_integer('cases', None, 'Cases to look at.', lower_bound=1, flag_values=values)
  flags.DEFINE_boolean('preview', False, 'Write a picture of the inputs.', flag_values=values)
  flags.DEFINE_string('coordinator', '', 'host:port of process 0.', flag_values=values)
  flags.DEFINE_integer('num_processes', 1, 'Processes of this run.', flag_values=values)
  flags.DEFINE_integer('process_id', 0, 'Number of this process.', flag_values=values)
  config_lib.declare(config, values)
  return values


def parse(values: flags.FlagValues, given: list[str]) -> list[str]:
  """Fills ``values`` from arguments; returns those that are no flags.

  Raises:
    UserError: a flag that does not exist, with the nearest that does, or a value it does not take.
  """
  try:
    return values(['experiment', *given], known_only=False)[1:]
  except flags.UnrecognizedFlagError as error:
    wrong = error.flagname
    close = config_lib.nearest(wrong, list(values))
    close = close.replace('mean ', 'mean --') or '; --help lists all'
    shown = next((g for g in given if g.lstrip('-').split('=')[0] == wrong), f'--{wrong}')
    raise UserError(f'{shown}: no such setting{close}') from None
  except flags.Error as error:
    raise UserError(str(error).splitlines()[0]) from None


def command(rest: list[str]) -> tuple[str, list[str]]:
  """The verb and the files that follow it.

  Raises:
    UserError: there is no such verb, or it takes no files.
  """
  verb, files = (rest[0], rest[1:]) if rest else ('train', [])
  if verb not in VERBS:
    close = config_lib.nearest(verb, list(VERBS))
    raise UserError(f'{verb}: no such verb; expected one of {", ".join(VERBS)}{close}')
  if files and verb not in ('predict', 'explain', 'compare', 'motifs'):
    raise UserError(f'{verb} {files[0]}: only predict, explain, motifs and compare take files')
  return verb, files


def asks_help(given: list[str]) -> bool:
  """Whether arguments ask for help, wherever they do."""
  return any(flag in given for flag in ('--help', '-h', '--helpfull'))


def help_text(name: str, config: Config) -> str:
  """What --help prints."""
  lines = [f'python -m experiments.{name} [VERB] [--FLAG=VALUE ...]', '', 'Verbs:']
  lines += [f'  {verb:<10}{meaning}' for verb, meaning in VERBS.items()]
  lines += [
    '',
    'Flags:',
    f'  --workdir=FOLDER      run folder (default runs/{name}-<hash of the settings>)',
    '  --output=FILE         where predict, bench or --preview writes; a folder for explain',
    '  --variants=FILE       predict: what changes do to sequences (VCF file or table)',
    '  --method=NAME         how explain explains; images: grad_cam (the default), smooth_grad;',
    '                        sequences: mutagenesis (the default); both: occlusion, saliency;',
    '                        these and tables: integrated_gradients, kernel_shap (the default of',
    '                        tables), lime',
    '  --grade               explain: grade the method, or all, on test cases that the run found',
    '  --cases=N             how many at most (default 32; for motifs up to 200)',
    '  --split=NAME          compare: on which split (default test)',
    '  --repeats=N           crossval: with as many other folds (default 1)',
    '  --preview             write a picture of what the network sees and stop',
    "  --coordinator=H:P     host and port of process 0, or 'auto' on a cluster",
    '  --num_processes=N     processes of this run, with --coordinator=H:P',
    '  --process_id=I        number of this process, with --coordinator=H:P',
    '',
    *settings_help(config),
  ]
  return '\n'.join(lines)


def settings_help(config: Any) -> list[str]:
  """Lines for --help: every setting with its default, meaning and allowed values."""
  lines = ['Settings:']
  for leaf in config_lib.leaves(config):
    lines.append(f'  --config.{leaf.name}={config_lib.spell(leaf.value)}')
    lines.append(f'      {leaf.meaning} ({config_lib.allowed(leaf)})')
  return lines
