"""Where kernels cannot be compiled, the reason is said and JAX computes instead."""

import stat

import jax
import pytest

from medjax.ops import native


@pytest.fixture
def compile_anew(tmp_path, monkeypatch):
  """Compiles as at a first start; what the other tests loaded stays as it is."""
  monkeypatch.setenv('MEDJAX_CACHE', str(tmp_path / 'cache'))
  return native.library.__wrapped__


@pytest.mark.parametrize(
  ('name', 'value', 'message'),
  [
    ('MEDJAX_NATIVE', '0', 'turned off'),
    ('CXX', 'no-such-compiler', r'no C\+\+ compiler found'),
  ],
)
def test_says_why_there_are_none(compile_anew, monkeypatch, name, value, message):
  monkeypatch.setenv(name, value)
  with pytest.raises(native.UnavailableError, match=message):
    compile_anew()


def test_a_compiler_that_fails_is_quoted(compile_anew, monkeypatch, tmp_path):
  compiler = tmp_path / 'c++'
  compiler.write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\necho no room >&2\nexit 1\n')
  compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
  monkeypatch.setenv('CXX', str(compiler))
  with pytest.raises(native.UnavailableError, match='failed: no room'):
    compile_anew()


def test_a_damaged_library_is_not_loaded(compile_anew, monkeypatch, tmp_path):
  if not native.available():
    pytest.skip(f'kernels in C++ are {native.status()}')
  made = []
  monkeypatch.setattr(native, '_compile', lambda command, file: made.append(file))
  with pytest.raises(native.UnavailableError):
    compile_anew()  # nothing was made, so there is nothing to load
  made[0].parent.mkdir(parents=True)
  made[0].write_bytes(b'no library')
  with pytest.raises(native.UnavailableError, match=r'\.so'):
    compile_anew()


def test_status(monkeypatch):
  assert native.status() == 'used' if native.available() else native.status().startswith('not')
  with native.disabled():
    assert not native.available()
    assert native.status().startswith('not used')
  monkeypatch.setattr(jax, 'default_backend', lambda: 'gpu')
  assert not native.available()
