"""Sequences of which variants choose: each name once, in one file or in several."""

import types

import pytest

from medjax.deploy import variants
from medjax.errors import UserError

CHANGE = 'sequence,position,ref,alt\none,1,A,C\n'
FIRST = '>one\nACGT\n>two\nACGA\n'


@pytest.mark.parametrize(
  ('files', 'said'),
  [
    ([FIRST, '>three\nAC\n>one\nCCCC\n'], r'1\.fa line 3: one is also the name of .*0\.fa line 1;'),
    ([FIRST, FIRST], r'1\.fa line 1: one is also the name of .*0\.fa line 1; expected each name'),
    (['>one a\nACGT\n>one b\nCCCC\n'], r'0\.fa line 3: one is also the name of .*0\.fa line 1;'),
  ],
)
def test_two_sequences_of_one_name_are_refused(tmp_path, files, said):
  names = [tmp_path / f'{number}.fa' for number in range(len(files))]
  for name, text in zip(names, files, strict=True):
    name.write_text(text)
  (tmp_path / 'list.csv').write_text(CHANGE)
  experiment = types.SimpleNamespace(
    data=types.SimpleNamespace(modality=types.SimpleNamespace(encoder=lambda what: None))
  )
  with pytest.raises(UserError, match=said) as raised:
    variants.predict_variants(
      experiment, None, None, list(map(str, names)), tmp_path / 'list.csv', tmp_path / 'out.csv'
    )
  assert '\n' not in str(raised.value)
  assert not (tmp_path / 'out.csv').exists()
