"""How many federations may each spend a budget on the patients of a site.

What a federation is, its server says: it may begin as many as it likes, each of which would have a
budget of its own. So a site lets one spend, and its hospital says when it may be more.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

from medjax import files, sealed
from medjax.errors import UserError

FLAG = 'budgets'  # of --node-config
_FILE, _NAMES = 'budgets.json', 'federations'


class Budgets:
  """Those of a site, in its folder.

  Args:
    folder: of all federations of the site.
    name: of this federation.
    node: the site's configuration, which may say how many may spend.

  Raises:
    UserError: it says something else.
  """

  def __init__(self, folder: pathlib.Path, name: str, node: Mapping[str, Any]):
    given = str(node.get(FLAG, 1))
    if not given.isdecimal() or int(given) < 1:
      raise UserError(f'--node-config: {FLAG}={given!r}: expected a number of federations, from 1')
    self._most, self._name, self._path = int(given), name, folder / _FILE

  def take(self) -> None:
    """Notes that this federation spends, unless it is noted.

    Raises:
      UserError: as many others have spent as may; or the file is damaged.
    """
    self._path.parent.mkdir(parents=True, exist_ok=True)
    with files.locked(self._path.with_name(f'.{_FILE}.lock')):
      names = list(sealed.read(self._path)[0][_NAMES]) if self._path.exists() else []
      if self._name in names:
        return
      if len(names) >= self._most:
        raise UserError(
          f'config.privacy.epsilon: {len(names)} other federations have each spent a budget on the '
          f'patients of {self._path.parent}: {", ".join(names)}; expected --node-config '
          f'{FLAG}="{len(names) + 1}" if another may'
        )
      sealed.write(self._path, {_NAMES: [*names, self._name]})
      files.keep(self._path)
