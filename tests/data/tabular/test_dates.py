"""Cells and columns of dates."""

import pytest

from medjax.data.tabular import dates


@pytest.mark.parametrize(
  ('cells', 'expected'),
  [
    (['2021-03-04', '2021/3/4'], True),
    (['04.05.2020 10:30', '4.5.20'], True),
    (['2021-03-04T10:11:12Z', '12:30'], True),
    (['Jan 5, 2020', '5-Jan-2020', '2021-03'], True),
    (['1. M\u00e4rz 2020', '12MAR2020', '3 Okt. 2019'], True),
    (['20190312', '20190312101530', '20191231.0', '20190312101530.25'], True),
    (['03/2020', '3-2020', '2020/03', '03.2020'], True),
    (['2021-03-04', '2021-03-05', 'soon'], True),
    (['20191312', '20190332'], False),
    (['12345678', '87654321'], False),
    (['3.2020', '10.1234'], False),
    (['1/2048', '120/80'], False),
    (['1.2', '3.4'], False),
    (['2020', '2021'], False),
    (['2021-03-04', 'soon'], False),
    (['soon', '2021-03-04', 'later', '2021-03-05'], False),
    (['soon', '2021-03-04', 'later', '2021-03-05', '2021-03-06'], True),
    (['soon'], False),
    ([], False),
  ],
)
def test_dates(cells, expected):
  assert dates.are_dates(cells) is expected
