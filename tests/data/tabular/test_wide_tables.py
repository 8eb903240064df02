"""What a table costs grows with its columns, and no faster."""

import made_table

from medjax.data import tables, text


def _comparisons(folder, monkeypatch, count):
  """How often names of columns are hashed or compared while a table is read.

  A search through a list of columns, and a set of them that is made anew for each, show there.
  """
  done = 0

  class Counted(str):
    def __hash__(self):
      nonlocal done
      done += 1
      return str.__hash__(self)

    def __eq__(self, other):
      nonlocal done
      done += 1
      return str.__eq__(self, other)

  rows = range(40)
  kinds = (
    lambda column: [f'{(7 * row + column) % 31 / 7:.2f}' for row in rows],
    lambda column: ['ab'[(row + column) % 3 % 2] for row in rows],
    lambda column: [f'note {column} {row}' for row in rows],  # left out
    lambda column: ['1'] * len(rows),  # one value
    lambda column: [f'{row % 9},{column}' for row in rows],  # decimal commas
  )
  columns = {f'c{i}': kinds[i % len(kinds)](1 + i) for i in range(count)}
  columns['label'] = ['ill', 'well'] * (len(rows) // 2)
  source = made_table.write_table(folder / f'{count}.csv', columns)
  monkeypatch.setattr(tables, 'clean', lambda cell: Counted(text.clean(cell)))
  data = made_table.load_table(source)
  assert len(data.details['inputs']) == 3 * count // len(kinds)
  return done


def test_twice_the_columns_take_twice_the_comparisons(tmp_path, monkeypatch):
  few, many = (_comparisons(tmp_path, monkeypatch, count) for count in (200, 400))
  assert 200 * 40 < few < many < 2.05 * few
