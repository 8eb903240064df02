"""Who may do what with a set: grants, and taking them back."""

import dataclasses
import pathlib

from medjax.errors import UserError
from medjax.security import log, making, manifest
from medjax.security.identity import Identity, Person
from medjax.security.manifest import OWNER, Manifest


def grant(folder: pathlib.Path, owner: Identity, to: Person, role: str) -> Manifest:
  """Lets somebody train on a set, or read its log.

  Args:
    folder: of the set.
    owner: of the set.
    to: gets the grant, in place of one that the person has.
    role: 'trainer' or 'auditor'.

  Raises:
    UserError: there is no such role, it is somebody else's set, or another person has the name.
    TamperedError: the set is not what its owner signed; nothing is changed.
  """
  if role not in (manifest.TRAINER, manifest.AUDITOR):
    raise UserError(f'--role={role}: expected {manifest.TRAINER} or {manifest.AUDITOR}')
  with making.alone(folder):
    old = making.owned(folder, owner)
    if to == owner.person:
      raise UserError(f'{folder}: {to.name} owns it and may do everything')
    others = [one for one in old.grants if one.person != to]
    if any(one.person.name == to.name for one in others):
      raise UserError(f'{folder}: somebody else is called {to.name} there; revoke that one first')
    before = old.of(to)
    # Who has had the key may have kept it.
    stale = old.stale or (before is not None and before.role != role and role == manifest.AUDITOR)
    key = old.key(owner, folder)
    entries, head = log.add(
      folder, old.set, owner.person.sign, owner, 'grant', to=to.name, role=role, sign=to.sign,
      age=to.age,
    )  # fmt: skip
    (given,) = manifest.granted([(to, role)], key, old.set, old.epoch)
    new = dataclasses.replace(
      old, version=old.version + 1, stale=stale, grants=(*others, given), entries=entries, head=head
    )
    manifest.write(folder, new, owner)
    return new


def revoke(folder: pathlib.Path, owner: Identity, name: str, *, rotated: bool = True) -> Manifest:
  """Takes a grant back, and gives the set a key that the person never had.

  Args:
    folder: of the set.
    owner: of the set.
    name: whose grant.
    rotated: whether the set gets another key now.

  Raises:
    UserError: nobody of that name has a grant, or it is somebody else's set.
    TamperedError: the set is not what its owner signed; nothing is changed.
  """
  with making.alone(folder):
    old = making.owned(folder, owner)
    gone = next((one for one in old.grants if one.person.name == name), None)
    if gone is None:
      raise UserError(f'{folder}: nobody called {name} has a grant; list shows who has')
    if gone.role == OWNER:
      raise UserError(f'{folder}: {name} owns it; an owner cannot be revoked')
    entries, head = log.add(
      folder, old.set, owner.person.sign, owner, 'revoke', to=name, role=gone.role
    )
    new = dataclasses.replace(
      old, version=old.version + 1, stale=old.stale or bool(gone.key),
      grants=tuple(one for one in old.grants if one != gone), entries=entries, head=head,
    )  # fmt: skip
    manifest.write(folder, new, owner)
    if rotated and new.stale:
      new = making.rotate_alone(folder, owner, f'revoke {name}')
    return new
