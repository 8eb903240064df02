"""What sites agree on before they train: classes, inputs, and statistics of their cases."""

from collections.abc import Mapping
from typing import Any

from medjax.data.modality import Modality
from medjax.errors import UserError


def agreed(known: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
  """What holds at all sites, of what each told; see ``Modality.agreed``.

  Args:
    known: what sites told, by name.

  Returns:
    Details, in which what is the same at all sites and nobody told has its digest, and notes.

  Raises:
    UserError: sites cannot train together; says which and why.
  """
  names = list(known)
  first = known[names[0]]
  for name in names[1:]:
    if why := differs(known[name], first):
      raise UserError(f'{name} and {names[0]} cannot train together: {why}')
  kinds = {f'{kind.__module__}.{kind.__qualname__}': kind for kind in _kinds(Modality)}  # type: ignore[type-abstract]
  if first['modality'] not in kinds:  # a name is looked up among what the experiment has loaded
    raise UserError(f'{names[0]}: its kind of data, {first["modality"]}, is not known here')
  kind = kinds[first['modality']]
  told = [known[name]['told'] for name in names]
  cases = [known[name]['splits']['train']['examples'] for name in names]
  try:
    return kind.agreed(told, cases, names)
  except UserError as error:
    raise UserError(str(error).removeprefix('--sites: ')) from None  # a flag of the simulation
  except (KeyError, TypeError, ValueError, AttributeError) as error:
    raise UserError(f'the statistics that sites told cannot be read: {error!r}') from None


def differs(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
  """Why a site cannot train with another, by what both told; '' where it can."""
  for name in ('classes', 'modality', 'shapes', 'monitor'):
    if one[name] != other[name]:
      return f'their {name} are {one[name]!r} and {other[name]!r}'
  if set(one['splits']) ^ set(other['splits']):
    return f'their splits are {", ".join(one["splits"])} and {", ".join(other["splits"])}'
  return ''


def _kinds(base: type[Modality]) -> set[type[Modality]]:
  return {found for child in base.__subclasses__() for found in {child, *_kinds(child)}}
