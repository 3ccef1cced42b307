"""Waiting for what can be observed, with a deadline."""
import time


def wait_for(condition, deadline=10.0, what="the condition", every=0.02):
    """The first true value of `condition()`; fails after `deadline` seconds."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"{what} did not come true within {deadline} s")
        time.sleep(every)
