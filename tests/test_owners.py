"""Nobody but the owners asks what kind an input or a label is: read from the syntax of medjax."""

import ast
import inspect
import pathlib

import pytest

import medjax
from medjax import evaluation, models, outcomes, tasks
from medjax.data import images, modality, molecules, residues, sequences, signals, tabular

ROOT = pathlib.Path(medjax.__file__).parent
# Where tables, decisions and owners are at home.
OWNERS = ('data', 'evaluation', 'outcomes', 'tasks')
FILES = [
  path for path in sorted(ROOT.rglob('*.py')) if path.relative_to(ROOT).parts[0] not in OWNERS
]


def subclasses(base):
  return {found for child in base.__subclasses__() for found in {child, *subclasses(child)}}


def _medjax(classes):
  return {one.__name__ for one in classes if one.__module__.startswith('medjax.')}


MODALITIES = _medjax(subclasses(modality.Modality))
OUTCOMES = _medjax(subclasses(outcomes.Outcome))
TASKS = _medjax(subclasses(tasks.Task))
# Every class of evaluation that has rows, or that a decision is.
TABLES = {
  name
  for name, one in inspect.getmembers(evaluation, inspect.isclass)
  if hasattr(one, 'write_csv') or hasattr(one, 'checkpoint_step')
} | {'Predictions', 'Numbers', 'Labels', 'Positions', 'Decision', 'Interval', 'LabelDecisions',
     'Confidence'}  # fmt: skip
CONCRETE = MODALITIES | OUTCOMES | TASKS | TABLES | {models.Ensemble.__name__}


def names_in(node):
  return {
    one.id if isinstance(one, ast.Name) else one.attr
    for one in ast.walk(node)
    if isinstance(one, ast.Name | ast.Attribute)
  }


def asked(tree):
  """What a file asks about kinds, as lines."""
  lines = []
  for node in ast.walk(tree):
    where = getattr(node, 'lineno', 0)
    if isinstance(node, ast.Call) and names_in(node.func) & {'isinstance', 'issubclass'}:
      if wrong := names_in(node.args[1]) & CONCRETE:
        lines.append(f'{where}: isinstance of {wrong}')
    elif isinstance(node, ast.Compare):
      called = [
        n for n in ast.walk(node) if isinstance(n, ast.Call) and names_in(n.func) == {'type'}
      ]
      if called and (wrong := names_in(node) & CONCRETE):
        lines.append(f'{where}: compares a type with {wrong}')
    elif isinstance(node, ast.Attribute) and node.attr == 'kind':
      if names_in(node.value) & {'data', 'modality', 'table', 'outcome', 'task', 'decision'}:
        lines.append(f'{where}: asks for .kind')
    elif isinstance(node, ast.Constant) and node.value == 'kind' and 'report' not in tree.where:
      lines.append(f'{where}: the word kind')
    elif isinstance(node, ast.Dict | ast.Match):
      keys = node.keys if isinstance(node, ast.Dict) else [c.pattern for c in node.cases]
      if wrong := {n for key in keys if key for n in names_in(key)} & CONCRETE:
        lines.append(f'{where}: switches by {wrong}')
    elif (
      isinstance(node, ast.Attribute) and node.attr == 'signature' and 'inspect' in names_in(node)
    ):
      lines.append(f'{where}: looks at a signature')
  return lines


def parse(path):
  tree = ast.parse(path.read_text())
  tree.where = path.relative_to(ROOT).parts
  return tree


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_asks_for_a_kind(path):
  assert asked(parse(path)) == []


@pytest.mark.parametrize('floor', ['training', 'report', 'deploy', 'verbs', 'explain', 'plots'])
def test_upper_floors_name_no_owner(floor):
  """They get modality and outcome from the experiment, and import neither by its own name."""
  for path in sorted((ROOT / floor).rglob('*.py')):
    for node in ast.walk(ast.parse(path.read_text())):
      if isinstance(node, ast.ImportFrom) and f'{node.module}'.startswith('medjax'):
        imported = {alias.name for alias in node.names}
        wrong = imported & (MODALITIES | OUTCOMES | TASKS)
        assert not wrong, f'{path}:{node.lineno} imports {wrong}'


@pytest.mark.parametrize(
  'code',
  [
    'isinstance(table, evaluation.Numbers)',
    'isinstance(x, Images | Table)',
    'if type(decision) is Interval: pass',
    'experiment.data.kind',
    "data['kind']",
    'SHOWN = {Decision: 1}',
    'inspect.signature(f)',
    'isinstance(model, models.Ensemble)',
  ],
)
def test_the_test_sees_what_it_looks_for(code):
  tree = ast.parse(code)
  tree.where = ('training', 'x.py')
  assert asked(tree)


def test_the_owners_are_known():
  assert {'Images', 'Table', 'Sequences', 'Residues', 'Signals', 'Molecules'} <= MODALITIES
  assert {'Classes', 'Number', 'LabelSet', 'States', 'Survival'} <= OUTCOMES
  assert {images, tabular, sequences, residues, signals, molecules}


@pytest.mark.parametrize('path', sorted(ROOT.rglob('*.py')), ids=lambda path: path.name)
def test_files_are_short(path):
  lines = len(path.read_text().splitlines())
  assert lines <= 400
  if path.name in ('loader.py', 'cli.py'):
    assert lines <= 200


def test_train_step_reads_in_a_minute():
  from medjax.training import step

  assert len(inspect.getsource(step.train_step).splitlines()) < 45
