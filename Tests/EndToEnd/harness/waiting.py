"""Waiting for what can be observed, with a deadline; and time as it passed for the gateway, where something must be over within a limit."""
import os
import threading
import time
from contextlib import contextmanager


def wait_for(condition, deadline=30.0, what="the condition", every=0.02):
    """The first true value of `condition()`; fails after `deadline` seconds. A deadline is for what never comes, not for what comes late: see `within`."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"{what} did not come true within {deadline} s")
        time.sleep(every)


class Stopwatch:
    """Seconds since it was started, without those in which the machine ran nobody.

    A thread on each processor does nothing but look at the clock. Where it comes back much later than it wanted to, its processor was taken away from
    us meanwhile (by the host of a virtual machine, by others who had more to do), and from the gateway as well. On a machine at rest nothing is taken
    off, and a bound of two seconds is one."""

    #: How often each thread looks, and what is no delay yet: turns of other threads.
    EVERY, USUAL = 0.01, 0.05

    def __init__(self):
        self._over = threading.Event()
        self._gaps = []
        self._lock = threading.Lock()
        self._stopped = None
        self._begun = time.monotonic()
        self._last = dict.fromkeys(os.sched_getaffinity(0), self._begun)
        for processor in list(self._last):
            threading.Thread(target=self._watch, args=(processor,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """The time stands still from here on."""
        if self._stopped is None:
            self._stopped = time.monotonic()
            self._over.set()

    def _watch(self, processor):
        # Of this thread alone.
        os.sched_setaffinity(0, {processor})
        last = self._begun
        while not self._over.wait(self.EVERY):
            now = time.monotonic()
            with self._lock:
                if now - last > self.USUAL:
                    self._gaps.append((last + self.EVERY, now))
                self._last[processor] = last = now

    @property
    def elapsed(self):
        """By the clock."""
        return (self._stopped or time.monotonic()) - self._begun

    @property
    def lost(self):
        """Seconds in which one processor or another was not ours; each counts once, however many it were."""
        end = self._stopped or time.monotonic()
        with self._lock:
            # Whoever has not come back yet may be held up right now.
            gaps = self._gaps + [(last + self.EVERY, end) for last in self._last.values() if end - last > self.USUAL]
        lost, covered = 0.0, self._begun
        for begin, until in sorted(gaps):
            begin, until = max(begin, covered), min(until, end)
            if until > begin:
                lost += until - begin
                covered = until
        return lost

    @property
    def seconds(self):
        return self.elapsed - self.lost


@contextmanager
def within(limit, what="it"):
    """Fails where its block takes longer than `limit` seconds by a stopwatch, which it hands out."""
    with Stopwatch() as watch:
        yield watch
    assert watch.seconds < limit, f"{what} took {watch.seconds:.2f} s ({watch.lost:.2f} s more in which the machine stood still), {limit} s are allowed"
