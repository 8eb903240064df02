"""Tokens: kept as digests, in a file that nobody else reads."""

import hashlib
import os

import pytest

from medjax.errors import UserError
from medjax.serve import tokens


def test_a_token_is_found_by_its_digest_and_is_in_no_file(tmp_path):
  path = tmp_path / 'tokens'
  token, line = tokens.new('predict, explain')
  tokens.append(path, line)
  other, line = tokens.new('admin')
  tokens.append(path, line)
  text = path.read_text()
  assert os.stat(path).st_mode & 0o777 == 0o600
  assert hashlib.sha256(token.encode()).hexdigest() in text
  assert token not in text
  assert len(token) == 43  # 256 bits
  known = tokens.read(path)
  assert tokens.roles_of(token, known) == {'predict', 'explain'}
  assert tokens.roles_of(other, known) == {'admin'}
  assert tokens.roles_of(token[:-1], known) is None
  assert tokens.roles_of('\ud800', known) is None


@pytest.mark.parametrize(
  ('text', 'said'),
  [
    ('', 'has no token'),
    ('# nothing\n\n', 'has no token'),
    ('secret-token predict\n', r'line 1: expected sha256:, 64 hexadecimal digits and roles'),
    (f'sha256:{"a" * 64}\n', 'line 1: expected sha256'),
    (f'sha256:{"a" * 64} root\n', "line 1: role 'root'; expected predict, explain, metrics, admin"),
  ],
)
def test_files_that_are_none(tmp_path, text, said):
  path = tmp_path / 'tokens'
  path.write_text(text)
  path.chmod(0o600)
  with pytest.raises(UserError, match=said) as error:
    tokens.read(path)
  assert 'secret' not in str(error.value)


def test_a_file_that_others_read_is_refused(tmp_path):
  path = tmp_path / 'tokens'
  path.write_text(f'sha256:{"a" * 64} predict\n')
  path.chmod(0o640)
  with pytest.raises(UserError, match=r'others can read or change it \(mode 0640\)'):
    tokens.read(path)
  with pytest.raises(UserError, match='others can read'):
    tokens.append(path, tokens.new('predict')[1])
  with pytest.raises(UserError, match='no such file; serve --new_token'):
    tokens.read(tmp_path / 'missing')
  with pytest.raises(UserError, match="--new_token: role 'x'"):
    tokens.new('x')


def test_a_line_without_an_end_stays_a_line_of_its_own(tmp_path):
  path = tmp_path / 'tokens'
  first, line = tokens.new('predict')
  path.write_text(line)
  path.chmod(0o600)
  second, line = tokens.new('admin')
  tokens.append(path, line)
  known = tokens.read(path)
  assert tokens.roles_of(first, known) == {'predict'}
  assert tokens.roles_of(second, known) == {'admin'}
  assert path.read_text().count('\n') == 2


def test_a_file_is_read_to_its_end_or_refused(tmp_path):
  path = tmp_path / 'tokens'
  path.write_text('#' * 2**20 + f'\nsha256:{"a" * 64} predict\n')
  path.chmod(0o600)
  with pytest.raises(UserError, match='expected at most 1048576 letters'):
    tokens.read(path)


def test_a_token_that_is_deleted_is_let_in_no_more(tmp_path, monkeypatch, capsys):
  path, now = tmp_path / 'tokens', [100.0]
  monkeypatch.setattr(tokens.time, 'monotonic', lambda: now[0])
  first, line = tokens.new('predict')
  tokens.append(path, line)
  file = tokens.File(path)
  second, other = tokens.new('admin')
  tokens.append(path, other)
  assert tokens.roles_of(second, file.known()) is None  # read within the last second
  now[0] += 2
  assert tokens.roles_of(second, file.known()) == {'admin'}
  before = file.known()
  now[0] += 2
  assert file.known() is before  # as the file is the same
  path.write_text(f'{other}\n')
  now[0] += 2
  assert tokens.roles_of(first, file.known()) is None
  for spoil in (
    lambda: path.write_text(''), lambda: path.write_text('x'), lambda: path.chmod(0o644),
    path.unlink,
  ):  # fmt: skip
    path.write_text(f'{other}\n')
    path.chmod(0o600)
    now[0] += 2
    assert tokens.roles_of(second, file.known()) == {'admin'}
    spoil()
    now[0] += 2
    assert file.known() == {}
    assert 'serve: nobody is let in: --tokens=' in capsys.readouterr().err
