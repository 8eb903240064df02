"""Damaged files of a run and of the cache: the right result or one line, never another result.

What a verb computes is a function of what it reads. So that 2,000 damaged forms take a minute,
programs are compiled once and figures are not drawn: what goes into them is compared instead.
"""

import contextlib
import dataclasses
import io
import os
import re
import shutil
import subprocess
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

import medjax
from experiments import tabular_mlp
from medjax import runtime
from medjax.data import images
from medjax.data.simulate import radiograph
from medjax.deploy import files as deploy
from medjax.errors import UserError
from medjax.outcomes import Classes
from medjax.report import comparison, page
from medjax.report.baseline import Baseline
from medjax.training import evaluate, parallel, state
from medjax.verbs.run import Run
from medjax.workdir import Workdir

DEFAULTS = tabular_mlp.Config(features=(4,))
SMALL = (
  '--config.num_epochs=3',
  '--config.batch_size=50',
  '--config.data.simulated_rows=150',
  '--config.explanation=none',
  '--config.keep_checkpoints=1',  # and the best one
)
OF_RUNS, OF_CACHES = 1800, 200
PROGRAMS = {
  'jax_compilation_cache_dir': '',
  'jax_persistent_cache_min_compile_time_secs': 0.0,
  'jax_persistent_cache_min_entry_size_bytes': 0,
}
KINDS = ('flip', 'cut', 'delete', 'zero', 'append', 'swap', 'flip', 'empty')
# Nothing rests on these.
UNREAD = ('report.html', 'card.md', 'coefficients.csv', 'tensorboard')
# Where they are not, they have not been made.
OPTIONAL = ('coefficients.json', 'grades-lime.json')


def damage(kind, path, other, rng):
  """Damages a file; ``other`` is the same file of another run, or any."""
  content = path.read_bytes()
  first, last = sorted(rng.integers(0, len(content) + 1, 2).tolist())
  path.unlink()
  if kind == 'delete':
    return
  if kind == 'flip' and content:
    place = int(rng.integers(8 * len(content)))
    damaged = bytearray(content)
    damaged[place // 8] ^= 1 << place % 8
    content = bytes(damaged)
  elif kind == 'cut':
    content = content[:first]
  elif kind == 'zero':
    content = content[:first] + bytes(last - first) + content[last:]
  elif kind == 'append':
    content += rng.bytes(20)
  elif kind == 'swap':
    content = other.read_bytes()
  elif kind == 'empty':
    content = b''
  path.write_bytes(content)


def call(*given):
  with pytest.raises(SystemExit) as done:
    medjax.main(DEFAULTS, tabular_mlp.build, given)
  return done.value.code or 0


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
  """Two runs of other seeds on the same data, and a table of new cases."""
  folder = tmp_path_factory.mktemp('runs')
  for seed, name in enumerate(('run', 'other')):
    assert call(*SMALL, f'--config.seed={seed}', f'--workdir={folder / name}') == 0
    workdir = Workdir(folder / name)
    estimate = {'value': 0.5, 'low': 0.4, 'high': 0.6, 'reason': ''}
    grades = {'deletion': {'trained': estimate}}
    about = {'method': 'lime', 'cases': 3 + seed, 'split': 'test', 'checkpoint_step': 2}
    workdir.write(workdir.grades('lime'), about | {'grades': grades})
  names = _columns(Workdir(folder / 'run'))
  (folder / 'new.csv').write_text(','.join(names) + '\n' + ','.join('1' for _ in names) + '\n')
  return folder


def _columns(workdir):
  """Names of the columns that the run was trained on."""
  return [one['name'] for one in workdir.read(workdir.data)['details']['preprocessing']['columns']]


def _once_an_example(abstract):
  """The shapes of a state follow from those of an example."""
  made = {}

  def shapes(experiment):
    key = str(experiment.data.example)
    return made[key] if key in made else made.setdefault(key, abstract(experiment))

  return shapes


def _once(compile_one):
  """Compiles for the first experiment what all of them share."""
  made = []

  def compiled(*given):
    if not made:
      made.append(compile_one(*given))
    return made[0]

  return compiled


class Shown(Classes):
  """Classes whose section and comparison are what goes into them."""

  def section(self, shown):
    return vars(shown)

  def compare(self, tables, decisions):
    self.compared = (tables, decisions)
    return {}


def spelled(value):
  """Anything that results are made of, as one text."""
  if isinstance(value, np.ndarray):
    return f'{value.dtype}{value.shape}{value.tobytes().hex()}'
  if isinstance(value, dict):
    return str({name: spelled(one) for name, one in value.items()})
  if isinstance(value, list | tuple):
    return str([spelled(one) for one in value])
  if dataclasses.is_dataclass(value) or isinstance(value, page._Section):
    return spelled(vars(value))
  return str(value)


class Verbs:
  """What verbs make of a run folder, with programs that are compiled once."""

  def __init__(self, folder, monkeypatch):
    self.new, self.other = str(folder / 'new.csv'), Workdir(folder / 'other')
    self.output = folder / 'predict.csv'
    self.modality = self._run(folder / 'other').described().data.modality
    self.whole = None  # what was read of checkpoints that nobody damaged
    monkeypatch.setattr(state, 'abstract', _once_an_example(state.abstract))
    self._chosen = evaluate.chosen_variables
    monkeypatch.setattr(evaluate, 'chosen_variables', self._chosen_variables)
    monkeypatch.setattr(parallel, 'compile_predict', _once(parallel.compile_predict))
    monkeypatch.setattr(page.html, 'render', self._render)
    monkeypatch.setattr(page.curves, 'learning_curve', lambda *given: spelled(given))

  def _render(self, template, **context):
    self.context = context
    return ''

  def _run(self, folder):
    workdir = Workdir(folder)
    return Run('tabular_mlp', workdir.stored(DEFAULTS), tabular_mlp.build, workdir, None)

  def _chosen_variables(self, experiment, workdir):
    if self.whole and self.whole[0] == workdir.identity():
      return self.whole[1]
    return self._chosen(experiment, workdir)

  def evaluate(self, folder):
    """What evaluation begins with: the best checkpoint and the last."""
    run = self._run(folder)
    experiment = run.described()
    return spelled(evaluate.best_and_last(experiment, run.workdir))

  def predict(self, folder):
    run = self._run(folder)
    experiment, devices = run.described(), runtime.devices(1)
    deploy.predict_files(experiment, run.config, run.workdir, devices, [self.new], self.output)
    return self.output.read_text()

  def compare(self, folder):
    workdir, outcome = Workdir(folder), Shown()
    workdir.stored(DEFAULTS)
    comparison.show(outcome, workdir, self.other)
    return spelled(outcome.compared)

  def report(self, folder):
    """What the page shows, by section."""
    page.write(folder, Shown(), self.modality, pictures={})
    return self.context


def problems(value):
  """All that a page says of files that cannot be read."""
  if isinstance(value, Baseline):
    yield value.problem
  elif isinstance(value, page._Section):
    yield value.problem
    yield getattr(value.value, 'problem', '')
  elif isinstance(value, dict):
    for name, one in value.items():
      if name in ('problems', 'evaluation_problem', 'decision_problem'):
        yield str(one)
      else:
        yield from problems(one)


def judge_page(make, folder, whole, path, kind):
  """What is wrong with the page of a damaged run, or nothing."""
  try:
    context = make(folder)
  except Exception as error:
    return f'ends with {type(error).__name__}: {str(error)[:200]}'
  said = ' '.join(problems(context))
  same = spelled(context) == spelled(whole)
  if same or path.name in said or (kind == 'delete' and path.name in OPTIONAL):
    return ''
  changed = [name for name in whole if spelled(context[name]) != spelled(whole[name])]
  return f'changes {changed} of the page and does not name the file'


def judge(make, folder, whole):
  """What is wrong with a result of a damaged run, or nothing."""
  try:
    found = make(folder)
  except UserError as error:
    line = str(error)
    return '' if line and len(line.splitlines()) == 1 else f'says {line!r}'
  except Exception as error:
    return f'ends with {type(error).__name__}: {str(error)[:200]}'
  return '' if found == whole else 'gives another result'


@pytest.mark.slow
def test_damaged_forms_of_a_runs_files(runs, tmp_path, monkeypatch):
  verbs = Verbs(runs, monkeypatch)
  run, other = runs / 'run', runs / 'other'
  with contextlib.redirect_stdout(io.StringIO()):
    predicted, compared, shown = verbs.predict(run), verbs.compare(run), verbs.report(run)
    evaluated = verbs.evaluate(run)
    chosen = evaluate.chosen_variables(verbs._run(run).described(), Workdir(run))
  files = sorted(p.relative_to(run) for p in run.rglob('*') if p.is_file())
  files = [path for path in files if path.parts[0] not in UNREAD]
  strangers = sorted(p for p in other.rglob('*') if p.is_file())
  folder, wrong, unread = tmp_path / 'run', [], shutil.ignore_patterns(*UNREAD)
  for number in range(OF_RUNS):
    rng = np.random.default_rng(number)
    path = files[number % len(files)]
    kind = KINDS[number // len(files) % len(KINDS)]
    stranger = other / path
    if not stranger.exists():
      stranger = strangers[rng.integers(len(strangers))]
    # Links are quick to make; damage takes one away before it writes.
    shutil.copytree(run, folder, ignore=unread, copy_function=os.link)
    damage(kind, folder / path, stranger, rng)
    of_checkpoints = path.parts[0] == 'checkpoints'
    verbs.whole = None if of_checkpoints else (Workdir(run).identity(), chosen)
    with contextlib.redirect_stdout(io.StringIO()):
      found = {'predict': judge(verbs.predict, folder, predicted)}
      if of_checkpoints:
        found['evaluate'] = judge(verbs.evaluate, folder, evaluated)
      else:
        found['compare'] = judge(verbs.compare, folder, compared)
        found['report'] = judge_page(verbs.report, folder, shown, path, kind)
    wrong += [f'{number} {kind} {path}: {verb} {what}' for verb, what in found.items() if what]
    shutil.rmtree(folder)
  assert not wrong, '\n'.join([f'{len(wrong)} of {OF_RUNS}', *wrong[:40]])


def _loaded(folder):
  """Every array and name of a folder of images, as training sees them."""
  config = images.Config(source=str(folder), image_size=16)
  data = images.load(config, simulator=radiograph.simulate, classes=('normal', 'ill'))
  splits = {name: (part.read(range(len(part))), part.id) for name, part in data.splits.items()}
  return spelled([splits, data.fingerprint, data.notes])


def test_damaged_forms_of_the_cache_are_prepared_again(make_images, tmp_path, monkeypatch):
  make_images(tmp_path / 'images', 12, 16)
  make_images(tmp_path / 'others', 14, 16)
  caches = {name: tmp_path / f'cache-{name}' for name in ('images', 'others')}
  for name, cache in caches.items():
    monkeypatch.setenv('MEDJAX_CACHE', str(cache))
    whole = _loaded(tmp_path / name)
    if name == 'images':
      expected = whole
  cache = caches['images']
  monkeypatch.setenv('MEDJAX_CACHE', str(cache))
  files = sorted(p for p in cache.rglob('*') if p.is_file() and p.name != 'lock')
  assert len(files) == 5
  strangers = {p.name: p for p in caches['others'].rglob('*') if p.is_file()}
  wrong = []
  for number in range(OF_CACHES):
    path, kind = files[number % len(files)], KINDS[number // len(files) % len(KINDS)]
    damage(kind, path, strangers[path.name], np.random.default_rng(number))
    try:
      if _loaded(tmp_path / 'images') != expected:
        wrong.append(f'{number} {kind} {path.name}: gives other data')
    except Exception as error:
      wrong.append(f'{number} {kind} {path.name}: ends with {type(error).__name__}: {error}')
  assert not wrong, '\n'.join([f'{len(wrong)} of {OF_CACHES}', *wrong[:40]])


def test_a_damaged_compiled_program_is_compiled_again(tmp_path):
  """JAX keeps them with a checksum; a warning says that one could not be read."""
  before = {name: jax.config.values[name] for name in PROGRAMS}
  x = np.ones((30, 30), np.float32)

  def computed():
    def product(x):  # another function each time, which this process has not compiled
      return jnp.sin(x @ x.T).sum()

    compilation_cache.reset_cache()
    return float(jax.jit(product)(x))

  try:
    for name, value in PROGRAMS.items():
      jax.config.update(name, value)
    jax.config.update('jax_compilation_cache_dir', str(tmp_path))
    expected = computed()
    (path,) = (p for p in tmp_path.rglob('*product*') if p.name.endswith('-cache'))
    whole = path.read_bytes()
    for number in range(32):
      kind = KINDS[number % len(KINDS)]
      damage(kind if kind != 'swap' else 'flip', path, path, np.random.default_rng(number))
      with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        assert computed() == expected
      path.write_bytes(whole)
  finally:
    for name, value in before.items():
      jax.config.update(name, value)
    compilation_cache.reset_cache()


COMMANDS = (  # what is damaged, by which verb it is met, and what is said of it
  ('config.json', 'predict', 'config.json: .*; restore it, or train again in another --workdir'),
  ('data.json', 'predict', 'data.json: .*; restore it, or train again in another --workdir'),
  ('decision.json', 'predict', 'decision.json: .*; run evaluate again'),
  ('checkpoints', 'predict', r'is damaged \(.*\); restore it, or remove this folder and evaluate'),
  ('checkpoints', 'evaluate', r'is damaged \(.*\); restore it, or remove this folder and evaluate'),
  ('predictions/test.csv', 'compare', 'test.csv: is not what the last evaluation wrote; run eval'),
  ('evaluation.json', 'compare', 'evaluation.json: .*; run evaluate again'),
)


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'verb', 'line'), COMMANDS)
def test_the_command_line_says_one_line(runs, tmp_path, name, verb, line):
  folder = tmp_path / 'run'
  shutil.copytree(runs / 'run', folder)
  path = folder / name
  if name == 'checkpoints':
    best = Workdir(folder).read(folder / 'decision.json')['checkpoint_step']
    path = max((path / str(best)).rglob('state/**/d/*'), key=lambda one: one.stat().st_size)
  damage('flip', path, path, np.random.default_rng(0))
  words = [str(runs / 'new.csv'), f'--workdir={folder}']
  if verb == 'evaluate':
    words = [f'--workdir={folder}']
  if verb == 'compare':
    words = [str(folder), str(runs / 'other')]
  done = subprocess.run(
    [sys.executable, '-m', 'experiments.tabular_mlp', verb, *words],
    cwd=tmp_path,
    env=os.environ | {'PYTHONPATH': os.pathsep.join(p for p in sys.path if p), 'XLA_FLAGS': ''},
    capture_output=True,
    text=True,
    timeout=300,
  )
  assert done.returncode == 2, done.stderr
  assert 'Traceback' not in done.stderr
  (said,) = (text for text in done.stderr.splitlines() if text.startswith('error: '))
  assert re.search(line, said), said
  assert not (folder / 'predict.csv').exists()
