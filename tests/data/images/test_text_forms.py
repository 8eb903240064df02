"""Names that look alike, in composed and decomposed Unicode and with characters of no width."""

import pathlib
import unicodedata

import pytest

from medjax.data import images
from medjax.data.images import folder
from medjax.errors import UserError

FORMS = {
  'composed': lambda name: unicodedata.normalize('NFC', name),
  'decomposed': lambda name: unicodedata.normalize('NFD', name),
  'zero width': lambda name: name[:2] + '\u200b' + name[2:],
  'soft hyphen': lambda name: name[:2] + '\u00ad' + name[2:],
  'no-break': lambda name: name.replace(' ', '\u00a0'),
}
PATH = 'Jahrgang é/Müller Å {:02d}.png'


def _load(at, **options):
  return folder.load(pathlib.Path(at), images.Config(**options))


@pytest.mark.parametrize('in_table', FORMS)
@pytest.mark.parametrize('on_disk', FORMS)
def test_files_are_found_in_whatever_form_they_are_written(
  tmp_path, make_images, in_table, on_disk
):
  rows = ['file,label']
  for i, name in enumerate(make_images(tmp_path / 'made', 20)):
    path = tmp_path / 'images' / FORMS[on_disk](PATH.format(i))
    path.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / 'made' / name).rename(path)
    rows.append(f'{FORMS[in_table](PATH.format(i))},{i % 2}')
  (tmp_path / 'labels.csv').write_text('\n'.join(rows))
  source = _load(tmp_path)
  assert len(source.records) == 20
  right = {f'{i:02d}': str(i % 2) for i in range(20)}
  for record in source.records:
    assert record.read(8, 1)[1] == right[record.id[-6:-4]]


def test_one_of_files_that_look_alike_is_taken_where_it_is_written_composed(tmp_path, make_images):
  forms = [unicodedata.normalize(form, 'Åä.png') for form in ('NFC', 'NFD')]
  names = make_images(tmp_path, 20)
  for name, form in zip(names, forms, strict=False):
    (tmp_path / name).rename(tmp_path / form)
  rows = [f'{name},{i % 2}' for i, name in enumerate([*forms, *names[2:]])]
  table = tmp_path / 'labels.csv'
  table.write_text('\n'.join(['file,label', *rows]))
  with pytest.raises(
    UserError, match=r'row 3: .*\.png was already in row 2; expected each file on'
  ):
    _load(tmp_path)
  table.write_text('\n'.join(['file,label', *rows[1:]]))
  assert len(_load(tmp_path).records) == 19
  (tmp_path / forms[0]).rename(tmp_path / '\u00c5a\u0308.png')
  with pytest.raises(UserError, match=r'row 2: 2 files look like .*\.png and none is written like'):
    _load(tmp_path)


def test_classes_in_several_forms_are_one(tmp_path, make_images):
  composed, decomposed = (unicodedata.normalize(form, 'Ödem') for form in ('NFC', 'NFD'))
  make_images(tmp_path, 20, classes=('normal', composed))
  make_images(tmp_path / 'more', 10, size=20)
  (tmp_path / 'more' / 'ill').rename(tmp_path / decomposed)
  (tmp_path / 'more' / 'normal').rename(tmp_path / 'nor\u200bmal')
  (tmp_path / 'more').rmdir()
  source = _load(tmp_path)
  assert source.classes == ('normal', composed)
  labels = [record.read(8, 1)[1] for record in source.records]
  assert {name: labels.count(name) for name in source.classes} == {'normal': 15, composed: 15}
  assert f'2 folders look alike and are one class: {composed}' in source.notes


def test_labels_of_a_table_in_several_forms_are_one_class(tmp_path, make_images):
  names = make_images(tmp_path, 20)
  forms = ['normal', 'Ödem', 'normal\u200b', unicodedata.normalize('NFD', 'Ödem')]
  rows = [f'{name},{forms[i % 4]}' for i, name in enumerate(names)]
  (tmp_path / 'labels.csv').write_text('\n'.join(['file,label', *rows]))
  assert _load(tmp_path).classes == ('normal', 'Ödem')


def test_split_folders_in_another_form(tmp_path, make_images):
  for size, name in enumerate(('train', 'val\u200b', 'test'), 20):
    make_images(tmp_path / name, 8, size)
  splits = [record.split for record in _load(tmp_path).records]
  assert {name: splits.count(name) for name in splits} == {'train': 8, 'val': 8, 'test': 8}
