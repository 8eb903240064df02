"""Which source a setting names."""

import pytest

from medjax.data import images
from medjax.data.images import loader
from medjax.data.simulate import radiograph
from medjax.errors import UserError


@pytest.mark.parametrize(
  ('source', 'message'),
  [
    ('~nosuch-user/films', r'config.data.source=~nosuch-user/films: no such home folder'),
    ('nowhere/films', r'config.data.source=nowhere/films: no such folder'),
  ],
)
def test_a_source_that_is_not_there_is_one_line(source, message):
  with pytest.raises(UserError, match=message):
    images.load(images.Config(source=source), simulator=None, classes=('no', 'yes'))


def test_the_key_of_simulated_images_follows_from_their_own_simulator_alone():
  names = {path.name for path in loader._sources_of(radiograph.simulate)}
  assert names == {'radiograph.py', 'anatomy.py', 'findings.py', 'projection.py', 'skeleton.py'}
