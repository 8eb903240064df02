"""Tables with long cells, and the limit of the process that stays as it was."""

import csv
import threading

import pytest

from medjax.data import tables
from medjax.data.sequences import fasta, table, variants
from medjax.errors import UserError


@pytest.mark.parametrize('ending', ['a.csv', 'a.tsv'])
def test_cells_beyond_the_limit_of_the_csv_module_are_read(tmp_path, ending):
  before = csv.field_size_limit()
  assert before == 131_072
  sequence = 'ACGTN' * 28_000
  path = tmp_path / ending
  path.write_text(f'id,sequence\n1,{sequence}\n2,"{sequence}"\n')
  assert [row['sequence'] for _, row in fasta.read_table(path)] == [sequence] * 2
  (tmp_path / 'variants.csv').write_text(f'sequence,position,ref,alt\nchr1,5,A,{sequence}\n')
  assert variants.read(tmp_path / 'variants.csv')[0].alt == sequence
  assert csv.field_size_limit() == before


def test_the_limit_is_put_back_after_an_error(tmp_path):
  before = csv.field_size_limit()
  with pytest.raises(UserError, match='expected each quote closed'):
    table.parse('id,sequence\n1,"AC', tmp_path / 'a.csv')
  assert csv.field_size_limit() == before


def test_tables_read_at_the_same_time_do_not_take_the_limit_from_each_other(tmp_path):
  text, failed = 'id,sequence\n' + f'1,{"A" * 140_000}\n' * 20, []

  def parse():
    try:
      for _ in range(5):
        table.parse(text, tmp_path / 'a.csv')
    except UserError as error:
      failed.append(error)

  threads = [threading.Thread(target=parse) for _ in range(4)]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()
  assert not failed
  with pytest.raises(UserError, match='131072 characters in a cell'):
    tables.parse(text, tmp_path / 'a.csv')


def test_the_long_cells_of_the_case(shared_data):
  path = shared_data('../cases/long_sequence_cell') / 'long.csv'
  assert {len(row['sequence']) for _, row in fasta.read_table(path)} == {140_000}
