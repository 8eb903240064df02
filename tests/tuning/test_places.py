"""Who is at work on a study, by numbered places."""

import json

from medjax.tuning import places


def test_a_place_is_free_when_its_process_is_gone(tmp_path):
  with places.taken(tmp_path) as one:
    with places.taken(tmp_path) as other:
      assert (one.number, other.number) == (0, 1)
      assert not one.dead(other.mark())
      gone = other.mark()
    assert one.dead(gone)
    assert not one.dead(one.mark())
    assert not one.dead({})  # nobody can tell
    assert not one.dead(gone | {'host': 'another'})
    with places.taken(tmp_path) as third:
      assert third.number == 1
      assert one.dead(gone)  # the place has another owner
      assert not one.dead(third.mark())
  path = tmp_path / '1.json'
  path.write_text(json.dumps({'host': 'another', 'token': 'x'}))
  with places.taken(tmp_path), places.taken(tmp_path) as second:
    assert second.number == 2  # that of another host is not taken
