"""The command line of keys and encrypted sets.

    python -m medjax.security keygen NAME [--key=file:PATH]
    python -m medjax.security encrypt SOURCE SET
    python -m medjax.security grant SET --to=anna.pub --role=trainer
    python -m medjax.security report RUN --decrypt --output=report.html

Exit codes are those of experiments: 0 done, 2 something the user can fix, 74 a full disk, 130
interrupted.
"""

import dataclasses
import os
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence

from absl import flags

from medjax import files
from medjax.arguments import Flag
from medjax.errors import DiskFullError, UserError
from medjax.security import identity, keys, making, manifest, people, sealed_run, seen, vault
from medjax.security import private_files as private

KEY = Flag('key', '', 'file:PATH, keyring:NAME, env:NAME or command:PROGRAM', 'PLACE')
_OUTPUT = Flag('output', '', 'where it writes', 'PATH')


@dataclasses.dataclass(frozen=True)
class Command:
  """What can be done: how many words it takes, and what they stand for."""

  meaning: str
  words: str
  run: Callable[[Sequence[str], flags.FlagValues], None]
  flags: tuple[Flag, ...] = (KEY,)


def main(argv: Sequence[str], more: Mapping[str, Command] | None = None) -> int:
  """Does what the arguments say; returns the exit code.

  Args:
    argv: without the program's name.
    more: commands of other packages, by name.
  """
  commands = {**_COMMANDS, **(more or {})}
  values = flags.FlagValues()
  values.set_gnu_getopt(True)
  for flag in {flag.name: flag for one in commands.values() for flag in one.flags}.values():
    flag.define(values)
  try:
    if not argv or any(word in argv for word in ('--help', '-h', '--helpfull')):
      print(_help(commands))
      return 0
    words = _parsed(values, argv)
    _run(commands, words[0] if words else '', words[1:], values)
    return 0
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return error.exit_code
  except OSError as error:
    full = files.is_full(error)
    where = f'{error.filename}: ' if error.filename else ''
    print(f'error: {where}{error.strerror or error}', file=sys.stderr)
    return DiskFullError.exit_code if full else UserError.exit_code
  except KeyboardInterrupt:
    print('error: interrupted; repeat the command to continue', file=sys.stderr)
    return 130


def _parsed(values: flags.FlagValues, argv: Sequence[str]) -> list[str]:
  try:
    spelled = ['--norotate' if word == '--no-rotate' else word for word in argv]
    return values(['medjax.security', *spelled], known_only=False)[1:]
  except flags.UnrecognizedFlagError as error:
    raise UserError(f'--{error.flagname}: no such flag; --help lists all') from None
  except flags.Error:  # whose text repeats a value, which may be a secret
    raise UserError('a flag has no value, or one that it does not take; --help lists all') from None


def _run(
  commands: Mapping[str, Command], name: str, words: Sequence[str], values: flags.FlagValues
) -> None:
  if name not in commands:
    raise UserError(f'{name}: no such command; expected one of {", ".join(commands)}')
  command = commands[name]
  named, least = command.words.split(), sum(not w.startswith('[') for w in command.words.split())
  if len(words) < least or (len(words) > len(named) and not command.words.endswith('...]')):
    raise UserError(f'{name}: expected {command.words}')
  own = {flag.name for flag in command.flags}
  for other in {flag.name for one in commands.values() for flag in one.flags} - own:
    if values[other].present:
      raise UserError(f'--{other}: is no flag of {name}')
  command.run(words, values)


def _help(commands: Mapping[str, Command]) -> str:
  lines = ['python -m medjax.security COMMAND ... [--FLAG=VALUE ...]', '', 'Commands:']
  for name, one in commands.items():
    lines.append(f'  {f"{name} {one.words}":<28}{one.meaning}')
    lines += [flag.help() for flag in one.flags if flag is not KEY]
  lines += ['', 'Where a key is:', KEY.help()]
  return '\n'.join([*lines, f'    or {keys.VARIABLE}, or else file:{keys.default_file()}'])


def _keygen(words: Sequence[str], values: flags.FlagValues) -> None:
  """Makes somebody's keys; the public line goes to a file that is sent to owners."""
  place = values.key or f'file:{keys.default_file()}'
  who = identity.generate(words[0])
  public = pathlib.Path(values.public or f'{words[0]}.pub')
  if public.exists():
    raise UserError(f'{public}: is there; expected --public to name another file')
  if place == 'stdout':
    if sys.stdout.isatty():
      raise UserError('--key=stdout: is for a pipe to a program that keeps it; this is a terminal')
    print(who.secret())
  else:
    keys.save(who, place)
  private.write(public, f'{who.person.text()}\n'.encode())
  print(f'secret key: {place}\npublic line, for owners of sets: {public}', file=sys.stderr)


def _encrypt(words: Sequence[str], values: flags.FlagValues) -> None:
  source, folder = map(pathlib.Path, words)
  count, hidden = making.encrypt(source, folder, keys.load(values.key))
  left = f'; {hidden} hidden files were left out' if hidden else ''
  print(f'{folder}: {count} files encrypted and read back{left}; {source} is still there in clear')


def _grant(words: Sequence[str], values: flags.FlagValues) -> None:
  if not values.to:
    raise UserError('grant: expected --to=FILE with the public line of keygen')
  path = pathlib.Path(values.to)
  try:
    to = identity.person(path.read_text(), str(path))
  except (OSError, UnicodeDecodeError) as error:
    raise UserError(f'--to={path}: cannot be read: {error}') from None
  found = people.grant(pathlib.Path(words[0]), keys.load(values.key), to, values.role)
  if found.stale:
    print(f'{words[0]}: somebody who may not read it any more has had its key; rotate it')
  print(f'{to.name} is {values.role} of {words[0]}; the public line says {to.sign}: ask {to.name}')


def _revoke(words: Sequence[str], values: flags.FlagValues) -> None:
  folder, who = pathlib.Path(words[0]), keys.load(values.key)
  found = people.revoke(folder, who, words[1], rotated=values.rotate)
  print(f'{words[1]} has no grant of {folder} any more; what was read before stays read')
  if found.stale:
    print(
      f'warning: without rotation {words[1]} can read {folder} with a key that was kept; '
      'python -m medjax.security rotate gives it another',
      file=sys.stderr,
    )


def _rotate(words: Sequence[str], values: flags.FlagValues) -> None:
  found = making.rotate(pathlib.Path(words[0]), keys.load(values.key))
  print(f'{words[0]}: {found.count} records are under key {found.epoch}')


def _list(words: Sequence[str], values: flags.FlagValues) -> None:
  folder = pathlib.Path(words[0])
  found = manifest.read(folder)
  print(f'{folder}: version {found.version}, key {found.epoch}, {found.count - 1} files')
  for one in found.grants:
    print(f'  {one.role:<8} {one.person.name}  {one.person.sign}')
  if found.stale:
    print('  somebody who was revoked has had this key: rotate it')
  if values.files:
    for name, size in vault.opened(folder, values.key).contents.sizes.items():
      print(f'  {size:>12} {name}')


def _log(words: Sequence[str], values: flags.FlagValues) -> None:
  folder = pathlib.Path(words[0])
  found = manifest.read(folder)
  who = keys.load(values.key)
  if found.of(who.person) is None:
    raise UserError(f'{folder}: {who.person.name} has no grant; ask its owner, {found.owner.name}')
  entries = manifest.read_log(folder, found)
  hidden = ('sign', 'age')
  for one in entries:
    about = ', '.join(f'{k} {v}' for k, v in one.about.items() if k not in hidden and v != '')
    line = f'{one.number:>4} {one.time} {one.who.name:<12} {one.what:<8} {about}'
    # What somebody has written must not look like another line.
    print(''.join(letter if letter.isprintable() else '?' for letter in line))
  print(f'{len(entries)} entries; head {entries[-1].head if entries else "none"}')


def _verify(words: Sequence[str], values: flags.FlagValues) -> None:
  folder = pathlib.Path(words[0])
  if sealed_run.is_sealed(folder):
    count = sum(1 for _ in sealed_run.read(sealed_run.open_run(folder, values.key), ()))
    print(f'{folder}: {count} files of the run are as they were written')
    return
  who, found = keys.load(values.key), manifest.read(folder)
  entries = manifest.read_log(folder, found)
  grant = found.of(who.person)
  if grant is not None and grant.role == manifest.AUDITOR:
    print(f'{folder}: manifest and {len(entries)} entries of the log are as they were signed')
    return
  opened = vault.Vault(folder, who)
  count = sum(1 for _ in opened.check())
  print(f'{folder}: {count} files and {len(entries)} entries of the log are as they were written')


def _export(words: Sequence[str], values: flags.FlagValues) -> None:
  folder, output = map(pathlib.Path, words)
  count = making.export(folder, keys.load(values.key), output)
  print(f'{output}: {count} files in clear; the log of {folder} notes it')


def _report(words: Sequence[str], values: flags.FlagValues) -> None:
  """Files of an encrypted run in clear, where somebody asks for that."""
  if not values.decrypt or not values.output:
    raise UserError('report: expected --decrypt and --output=PATH, where it will lie in clear')
  run = sealed_run.open_run(pathlib.Path(words[0]), values.key)
  names, output = list(words[1:]), pathlib.Path(values.output)
  if names == ['all']:
    names = []
  elif not names:
    names = [sealed_run.PAGE]
  into_folder = output.is_dir() or len(words) > 1
  for name, content in sealed_run.read(run, names):
    path = output / name if into_folder else output
    path.parent.mkdir(parents=True, exist_ok=True, mode=private.FOLDER)
    private.write(path, content, private.FILE)
    print(f'{path}: in clear')


def _forget(words: Sequence[str], values: flags.FlagValues) -> None:
  where = os.path.realpath(words[0])
  count = seen.forget(where)
  print(f'{where}: {count} sets or runs that were there are forgotten')


_COMMANDS = {
  'keygen': Command(
    'make keys: --key=file:PATH (a passphrase is asked), keyring:NAME or stdout', 'NAME', _keygen,
    (KEY, Flag('public', '', 'where the public line goes (default NAME.pub)', 'FILE')),
  ),
  'encrypt': Command('encrypt a folder or a file; the key owns it', 'SOURCE SET', _encrypt),
  'grant': Command(
    'let somebody train on it or read its log', 'SET', _grant,
    (
      KEY,
      Flag('to', '', 'the public line of keygen', 'FILE'),
      Flag('role', manifest.TRAINER, 'trainer or auditor', 'ROLE'),
    ),
  ),
  'revoke': Command(
    'take a grant back and rotate the key', 'SET NAME', _revoke,
    (KEY, Flag('rotate', True, 'whether the set gets another key; --no-rotate keeps it')),
  ),
  'rotate': Command('encrypt every record under a new key', 'SET', _rotate),
  'list': Command(
    'who may do what', 'SET', _list, (KEY, Flag('files', False, 'the files too'))
  ),
  'log': Command('what was done, each entry checked', 'SET', _log),
  'verify': Command('read and check every record and entry', 'SET_OR_RUN', _verify),
  'export': Command('write the files in clear, which the log notes', 'SET FOLDER', _export),
  'report': Command(
    'files of an encrypted run in clear; all for every one', 'RUN [FILES...]', _report,
    (KEY, Flag('decrypt', False, 'say that this is meant'), _OUTPUT),
  ),
  'forget': Command('take a set at a place for new again', 'PLACE', _forget, ()),
}  # fmt: skip
