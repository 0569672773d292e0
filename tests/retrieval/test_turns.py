"""Turns: as many at a time as may be, in the order in which threads came, and none is lost."""

import threading
import time

import pytest

from retrieval.turns import Turns

SOON_S = 30.0


def started(run, n):
    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(n)]
    for thread in threads:
        thread.start()
    return threads


def ended(threads):
    for thread in threads:
        thread.join(SOON_S)
    return not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("at_once", [1, 3])
def test_no_more_are_let_in_than_may_be_and_all_have_their_turn(at_once):
    turns, lock, inside, seen = Turns(at_once), threading.Lock(), [], []

    def run(number):
        for _ in range(20):
            with turns.turn():
                with lock:
                    inside.append(number)
                    seen.append(len(inside))
                time.sleep(0.0001)
                with lock:
                    inside.remove(number)

    assert ended(started(run, 8))
    assert len(seen) == 160
    assert max(seen) <= at_once


def test_who_waits_is_not_passed_by_who_had_a_turn():
    turns, order, came = Turns(1), [], threading.Event()

    def run(_):
        came.set()
        with turns.turn():
            order.append("other")

    with turns.turn():
        threads = started(run, 1)
        assert came.wait(SOON_S)
        while not turns._waiting:
            time.sleep(0.001)
    with turns.turn():
        order.append("again")
    assert ended(threads)
    assert order == ["other", "again"]


@pytest.mark.parametrize("came_before", [False, True])
def test_who_is_interrupted_while_it_waits_loses_no_turn(came_before, monkeypatch):
    """Also if the turn was handed over at the same moment."""
    turns = Turns(1)

    class Interrupted:
        n = 0

        def acquire(self):
            self.n += 1
            if self.n > 1:
                if came_before:
                    turns._pass_on()
                raise KeyboardInterrupt

        def release(self):
            pass

    with turns.turn():
        monkeypatch.setattr("retrieval.turns.threading.Lock", Interrupted)
        with pytest.raises(KeyboardInterrupt), turns.turn():
            pass
        monkeypatch.undo()
        if came_before:
            turns._free -= 1  # its owner passed it on already
    with turns.turn():
        assert turns._free == 0
        assert not turns._waiting
    assert turns._free == 1


def test_an_error_ends_a_turn():
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError), turns.turn():
        raise ZeroDivisionError
    with turns.turn():
        pass


def test_nobody_could_be_let_in():
    with pytest.raises(ValueError, match="got 0"):
        Turns(0)
