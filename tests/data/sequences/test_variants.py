"""Lists of variants, and what they make of a sequence."""

import gzip

import pytest

from medjax.data.sequences import variants
from medjax.data.sequences.variants import Variant
from medjax.errors import UserError

VCF = (
  '##fileformat=VCFv4.2\n'
  '#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
  'chr1\t3\trs7\tG\tT,C\t.\t.\t.\n'
  '\n'
  'chr2\t1\t.\tAC\tA\t.\t.\t.\n'
  'chr2\t4\t.\tA\t<DEL>\t.\t.\t.\n'
)


@pytest.mark.core
@pytest.mark.parametrize('compressed', [False, True])
def test_a_vcf_has_one_variant_for_each_alternative(tmp_path, compressed):
  path = tmp_path / 'a.vcf'
  path.write_bytes(gzip.compress(VCF.encode()) if compressed else VCF.encode())
  found = variants.read(path)
  assert [(v.name, v.sequence, v.position, v.ref, v.alt) for v in found[:3]] == [
    ('rs7', 'chr1', 3, 'G', 'T'),
    ('rs7', 'chr1', 3, 'G', 'C'),
    ('chr2:1 AC>A', 'chr2', 1, 'AC', 'A'),
  ]
  assert "changes 'A' to '<DEL>'; expected letters" in found[3].problem
  assert found[3].where == f'{path} line 6'


@pytest.mark.core
def test_a_table_says_the_same(tmp_path):
  path = tmp_path / 'a.csv'
  path.write_text('Sequence;Position;Ref;Alt\nchr1;3;G;T\nchr1;x;G;T\n')
  first, second = variants.read(path)
  assert (first.sequence, first.position, first.problem) == ('chr1', 3, '')
  assert second.problem == "position is 'x'; expected a whole number from 1"


@pytest.mark.core
@pytest.mark.parametrize(
  ('position', 'ref', 'alt', 'length', 'expected'),
  [
    (3, 'G', 't', 9, ('ACGTACGT', 'ACTTACGT')),
    (3, 'G', 'T', 3, ('CGT', 'CTT')),
    (1, 'A', 'G', 3, ('ACG', 'GCG')),
    (8, 'T', 'G', 3, ('CGT', 'CGG')),
    (3, 'GT', 'G', 8, ('ACGTACGT', 'ACGACGT')),
    (3, 'G', 'GAA', 8, ('ACGTACGT', 'ACGAATAC')),
  ],
)
def test_both_sequences_begin_at_the_same_letter(position, ref, alt, length, expected):
  change = Variant('v', 's', position, ref, alt, 'a.csv row 2')
  assert change.apply('ACGTACGT', length) == expected


@pytest.mark.core
def test_errors_name_the_line_and_what_is_there(tmp_path):
  with pytest.raises(UserError, match='row 2: s has GT at 3; expected GG'):
    Variant('v', 's', 3, 'GG', 'T', 'a.csv row 2').apply('ACGT', 4)
  with pytest.raises(UserError, match='position 9 is not in s, which has 4 letters'):
    Variant('v', 's', 9, 'G', 'T', 'a.csv row 2').apply('ACGT', 4)
  path = tmp_path / 'a'
  for text, message in [
    ('#CHROM\tPOS\n', 'line 1: expected the columns CHROM POS ID REF ALT'),
    ('##x\nchr1\t1\t.\tA\tC\n', 'line 2: expected a header that begins with #CHROM'),
    (VCF + 'chr1 4 . A C\n', 'line 7: 1 cells joined by tabs'),
    ('sequence,position,ref\na,1,A\n', "no column 'alt'"),
    ('sequence,position,ref,alt\n', 'has a header and no variants'),
    ('', 'is empty'),
  ]:
    path.write_text(text)
    with pytest.raises(UserError, match=message):
      variants.read(path)
  with pytest.raises(UserError, match='no such file'):
    variants.read(tmp_path / 'none.vcf')
