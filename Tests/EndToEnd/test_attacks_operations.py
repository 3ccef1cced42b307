"""The operations listener under more than one asker."""
from concurrent.futures import ThreadPoolExecutor


def test_balancers_that_ask_at_the_same_time_all_hear_that_it_is_ready(gateway):
    with ThreadPoolExecutor(16) as pool:
        answers = [future.result() for future in [pool.submit(gateway.operations, "/readyz") for _ in range(200)]]
    assert {status for status, _, _ in answers} == {200}, [body for status, _, body in answers if status != 200][:1]
