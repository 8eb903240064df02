"""Which source a setting names."""

import pytest

from medjax.data import images
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
