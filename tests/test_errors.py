"""Messages are one line of bounded length, whatever they quote."""

from medjax.errors import DiskFullError, UserError


def test_line_breaks_and_what_cannot_be_seen_are_escaped():
  assert str(UserError('a\nb\x00c\u200b.png: M\u00fcller')) == 'a\\nb\\x00c\\u200b.png: M\u00fcller'
  assert str(DiskFullError('full\r')) == 'full\\r'


def test_long_cells_are_shortened_and_paths_are_not():
  path = '/data/' + 'x' * 250
  assert str(UserError(f'{path} row 2: expected a number')) == f'{path} row 2: expected a number'
  found = str(UserError(f'a.csv row 2: age is {"9" * 5000!r}; expected a number'))
  assert len(found) < 250
  assert found.startswith("a.csv row 2: age is '999")
  assert found.endswith("999'; expected a number")
  assert len(str(UserError('word ' * 10000))) < 1250
