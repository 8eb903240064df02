"""Nothing that is read is run: what may never stand in the source, and where exceptions are."""

import ast
import os
import pathlib
import re
import stat

import pytest

import medjax
from medjax import files, runtime
from medjax.errors import UserError

ROOT = pathlib.Path(medjax.__file__).parents[1]
FILES = sorted(
  path for top in ('medjax', 'experiments', 'launch') for path in (ROOT / top).rglob('*.py')
)
# What a file may do all the same, and why.
ALLOWED = {
  'medjax/transfer/pth.py': {'pickle'},  # an Unpickler to which no name means anything
  'medjax/evaluation/csv_cells.py': {'csv.writer', 'csv.DictWriter'},  # the one place for tables
  'medjax/data/tabular/loader.py': {'csv.writer'},  # of a line in memory, for a digest
  'medjax/bench/peer_torch.py': {'eval'},  # the method of a network
  'medjax/bench/peer_chemprop.py': {'eval'},
}
MODULES = {
  'pickle', 'cPickle', 'dill', 'cloudpickle', 'joblib', 'shelve', 'marshal', 'yaml', 'tarfile',
  'xml', 'imp', 'code', 'pty',
}  # fmt: skip
CALLS = {
  'eval', 'exec', 'compile', '__import__', 'os.system', 'os.popen', 'torch.load', 'pickle.load',
  'pickle.loads', 'numpy.loadtxt', 'np.loadtxt', 'tempfile.mktemp', 'csv.writer', 'csv.DictWriter',
  'jinja2.Template', 'os.chmod',
}  # fmt: skip
# Of an archive: everything at once, to where its names say.
METHODS = {'extractall', 'extract', 'unpack_archive', 'chmod'}


def name_of(node):
  """The dotted name that is called; '' where it is none."""
  parts = []
  while isinstance(node, ast.Attribute):
    parts.append(node.attr)
    node = node.value
  return '.'.join([node.id, *parts[::-1]]) if isinstance(node, ast.Name) else ''


def found_in(tree):
  """What is forbidden in a file, with the line."""
  found = []
  for node in ast.walk(tree):
    line = getattr(node, 'lineno', 0)
    if isinstance(node, ast.Import):
      found += [(line, a.name) for a in node.names if a.name.split('.')[0] in MODULES]
    elif isinstance(node, ast.ImportFrom) and (node.module or '').split('.')[0] in MODULES:
      found.append((line, node.module))
    elif isinstance(node, ast.Call):
      name = name_of(node.func)
      given = {one.arg: one.value for one in node.keywords}
      last = node.func.attr if isinstance(node.func, ast.Attribute) else name
      if name in CALLS or last in METHODS or (last == 'eval' and not name.startswith('jax.')):
        found.append((line, name if name in CALLS else last))
      if last in ('load', 'read_array') and _is_true(given.get('allow_pickle')):
        found.append((line, 'allow_pickle'))
      if _is_true(given.get('shell')):
        found.append((line, 'shell=True'))
      if last == 'Environment' and not _is_true(given.get('autoescape')):
        found.append((line, 'jinja2 without autoescape'))
  return found


def _is_true(node):
  return isinstance(node, ast.Constant) and node.value is True


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_is_run(path):
  allowed = ALLOWED.get(path.relative_to(ROOT).as_posix(), set())
  found = found_in(ast.parse(path.read_text()))
  assert [one for one in found if one[1] not in allowed] == []


@pytest.mark.parametrize(
  ('code', 'what'),
  [
    ('import pickle', 'pickle'),
    ('from yaml import load', 'yaml'),
    ('eval(text)', 'eval'),
    ('np.load(file, allow_pickle=True)', 'allow_pickle'),
    ('archive.extractall(folder)', 'extractall'),
    ('shutil.unpack_archive(path)', 'unpack_archive'),
    ('subprocess.run(line, shell=True)', 'shell=True'),
    ('csv.writer(file)', 'csv.writer'),
    ('jinja2.Environment(loader=x)', 'jinja2 without autoescape'),
    ('torch.load(path)', 'torch.load'),
    ('path.chmod(0o777)', 'chmod'),
  ],
)
def test_the_test_sees_what_it_looks_for(code, what):
  assert what in {name for _, name in found_in(ast.parse(code))}


def test_exceptions_are_still_needed():
  for name, allowed in ALLOWED.items():
    found = {what for _, what in found_in(ast.parse((ROOT / name).read_text()))}
    assert allowed <= found


@pytest.mark.parametrize('path', sorted(ROOT.glob('medjax/**/*.html')), ids=lambda path: path.name)
def test_pages_switch_escaping_off_for_nothing_but_their_own_parts(path):
  """``|safe`` and ``autoescape false`` would show what a file is called as HTML."""
  assert not re.search(r'\|\s*safe\b|autoescape\s+false', path.read_text())


@pytest.fixture
def _mask():
  before = os.umask(0o022)
  yield
  os.umask(before)


@pytest.mark.usefixtures('_mask')
def test_what_a_command_writes_is_its_users_alone(tmp_path, monkeypatch):
  monkeypatch.delenv('MEDJAX_UMASK', raising=False)
  runtime.configure()
  (tmp_path / 'run').mkdir()
  (tmp_path / 'run' / 'report.html').write_text('x')
  assert stat.S_IMODE((tmp_path / 'run').stat().st_mode) == 0o700
  assert stat.S_IMODE((tmp_path / 'run' / 'report.html').stat().st_mode) == 0o600


@pytest.mark.usefixtures('_mask')
def test_a_group_may_be_let_in(tmp_path, monkeypatch):
  monkeypatch.setenv('MEDJAX_UMASK', '027')
  runtime.configure()
  (tmp_path / 'a').write_text('x')
  assert stat.S_IMODE((tmp_path / 'a').stat().st_mode) == 0o640
  monkeypatch.setenv('MEDJAX_UMASK', '9')
  with pytest.raises(UserError, match=r"MEDJAX_UMASK='9': expected three octal digits"):
    runtime.configure()


@pytest.mark.usefixtures('_mask')
def test_folders_of_the_cache_are_made_private_and_others_left(tmp_path):
  files.make_own(tmp_path / 'cache' / 'data' / 'set')
  for name in ('cache', 'cache/data', 'cache/data/set'):
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700
  (tmp_path / 'open').mkdir()
  files.make_own(tmp_path / 'open')
  assert stat.S_IMODE((tmp_path / 'open').stat().st_mode) == 0o755
  (tmp_path / 'file').write_text('x')
  with pytest.raises(OSError):
    files.make_own(tmp_path / 'file')


@pytest.mark.parametrize(
  ('mode', 'why'), [(0o720, 'others can write'), (0o702, 'others can write')]
)
def test_code_that_others_can_change_is_refused(mode, why, tmp_path):
  library = tmp_path / 'kernels.so'
  library.write_bytes(b'x')
  library.chmod(0o644)
  files.require_own(library)
  library.chmod(mode)
  with pytest.raises(UserError, match=why):
    files.require_own(library)


@pytest.mark.skipif(
  not hasattr(os, 'getuid') or os.getuid(), reason='only root can give files away'
)
def test_code_of_another_user_is_refused(tmp_path):
  library = tmp_path / 'kernels.so'
  library.write_bytes(b'x')
  os.chown(library, 1234, -1)
  with pytest.raises(UserError, match='belongs to another user'):
    files.require_own(library)
