"""Where kernels cannot be compiled, the reason is said and JAX computes instead."""

import hashlib
import shutil

import jax
import jax.numpy as jnp
import pytest

from medjax import runtime
from medjax.ops import native
from medjax.ops.conv import conv_general_dilated


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
  """Compiles as at a first start; what the other tests loaded stays as it is."""
  monkeypatch.setenv('MEDJAX_CACHE', str(tmp_path / 'cache'))


@pytest.fixture
def compiler(own_cache, tmp_path, monkeypatch):
  """Makes a script the compiler; ``$out`` in it is the file to write."""

  def use(*lines):
    script = tmp_path / 'c++'
    start = ['#!/bin/sh', '[ "$1" = --version ] && exit 0', 'for out; do :; done']
    script.write_text('\n'.join([*start, *lines, '']))
    script.chmod(0o755)
    monkeypatch.setenv('CXX', str(script))

  return use


@pytest.mark.parametrize(
  ('name', 'value', 'message'),
  [
    ('MEDJAX_NATIVE', '0', 'turned off'),
    ('CXX', 'no-such-compiler', r'no C\+\+ compiler found'),
  ],
)
def test_says_why_there_are_none(own_cache, monkeypatch, name, value, message):
  monkeypatch.setenv(name, value)
  with pytest.raises(native.UnavailableError, match=message):
    native.built()


def test_nothing_is_compiled_for_a_user_without_a_home(monkeypatch):
  monkeypatch.delenv('MEDJAX_CACHE', raising=False)

  def unknown(path):
    raise RuntimeError('Could not determine home directory.')

  monkeypatch.setattr(runtime.pathlib.Path, 'expanduser', unknown)
  with pytest.raises(native.UnavailableError, match='home directory'):
    native.built()


def test_a_compiler_that_fails_is_quoted(compiler):
  compiler('echo no room >&2', 'exit 1')
  with pytest.raises(native.UnavailableError, match='failed: no room'):
    native.built()


def test_nothing_is_compiled_for_what_only_asks(compiler, capsys):
  compiler('echo first > "$out"')
  with pytest.raises(native.UnavailableError, match='not compiled yet'):
    native.built(compiles=False)
  assert not capsys.readouterr().err
  made = native.built()
  assert native.built(compiles=False) == made


def test_what_is_no_library_is_not_loaded(compiler):
  compiler('echo no library > "$out"')
  with pytest.raises(native.UnavailableError, match=r'\.so'):
    native.library.__wrapped__()


def test_a_library_is_compiled_once_and_private_to_its_user(compiler, capsys):
  compiler('echo first > "$out"')
  file = native.built()
  assert capsys.readouterr().err == 'compiling kernels in C++, once\n'
  assert file.parent.stat().st_mode & 0o777 == 0o700
  compiler('exit 1')
  assert native.built() == file
  assert file.read_text() == 'first\n'
  assert hashlib.sha256(b'first\n').hexdigest().startswith(file.stem.split('-')[1])


def test_another_checkout_of_the_same_sources_compiles_nothing(compiler, tmp_path, monkeypatch):
  compiler('echo first > "$out"')
  file = native.built()
  elsewhere = tmp_path / 'elsewhere'
  shutil.copytree(native._HERE, elsewhere)
  monkeypatch.setattr(native, '_HERE', elsewhere)
  assert native.built() == file
  (elsewhere / 'threads.h').write_text('// another')
  assert native.built() != file


@pytest.mark.parametrize('damaged', [b'', b'fir', b'firsT\n', b'first\n\0'])
def test_a_damaged_library_is_compiled_again_and_never_loaded(compiler, damaged):
  """To load one that is cut off ends the process with SIGBUS."""
  compiler('echo first > "$out"')
  native.built().write_bytes(damaged)
  file = native.built()
  assert file.read_bytes() == b'first\n'
  assert list(file.parent.iterdir()) == [file]


def test_a_folder_in_which_others_can_write_is_not_trusted(compiler):
  compiler('echo first > "$out"')
  native.built().parent.chmod(0o777)
  with pytest.raises(native.UnavailableError, match='others can write code there'):
    native.built()


def test_status(monkeypatch):
  assert native.status() == 'used' if native.available() else native.status().startswith('not')
  with native.disabled():
    assert not native.available()
    assert native.status().startswith('not used')
  monkeypatch.setattr(jax, 'default_backend', lambda: 'gpu')
  assert not native.available()


_LAYOUT = ('NHWC', 'HWIO', 'NHWC')


def test_what_is_portable_calls_no_kernel_and_is_not_for_a_cpu_alone():
  x, kernel = jnp.ones((2, 40, 40, 32)), jnp.ones((3, 3, 32, 32))

  def layer(x, kernel):
    return conv_general_dilated(x, kernel, (1, 1), 'SAME', dimension_numbers=_LAYOUT)

  def text():
    return jax.jit(lambda x, kernel: layer(x, kernel)).lower(x, kernel).as_text()

  with native.portable():
    assert (native.available(), native.on_cpu()) == (False, False)
    portable = text()
  assert native.on_cpu()
  assert 'custom_call' not in portable
  assert 'stablehlo.convolution' in portable
  if native.available():
    assert 'custom_call @medjax_conv' in text()
