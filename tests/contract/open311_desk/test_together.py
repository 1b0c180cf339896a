"""Many clients at once, over real sockets: nothing twice, nothing lost, no "database is locked"."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from harness.app import Served

from city311.requests import desk
from city311.store import numbers
from city311.store.base import writing

THREADS = 20


@pytest.fixture
def server(app):
    with Served(app, lifespan="off") as served:
        yield f"{served.url}/open311/v2"


def post_all(server, bodies):
    barrier = threading.Barrier(len(bodies))

    def post(body):
        barrier.wait()
        return requests.post(f"{server}/requests.json", data=body, timeout=60)

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(post, bodies))


def test_the_same_number_twenty_times(server, engine, pothole, own_key):
    with writing(engine) as session:
        number = numbers.allocate(session)
    body = {**pothole, "api_key": own_key, "service_request_id": number}
    answers = post_all(server, [body] * THREADS)
    assert [answer.status_code for answer in answers] == [200] * THREADS, answers[0].text
    assert {answer.text for answer in answers} == {answers[0].text}
    rows = desk.search(engine, desk.Filter(), limit=100)
    assert [row.number for row in rows] == [number]
    assert len(rows[0].notes) == 1


def test_twenty_different_requests(server, engine, pothole):
    for _ in range(3):
        answers = post_all(server, [pothole] * THREADS)
        assert [answer.status_code for answer in answers] == [200] * THREADS
    rows = desk.search(engine, desk.Filter(), limit=100)
    assert len({row.number for row in rows}) == len(rows) == 3 * THREADS


def test_crew_and_residents_at_once(server, engine, pothole):
    number = requests.post(f"{server}/requests.json", data=pothole, timeout=60).json()[0]["service_request_id"]
    barrier = threading.Barrier(THREADS)

    def act(turn):
        barrier.wait()
        if turn % 2:
            desk.update(engine, number, note=f"Note {turn}", by="Pat")
            return 200
        shown = requests.get(f"{server}/requests/{number}.json", params={"extensions": "true"}, timeout=60)
        posted = requests.post(f"{server}/requests.json", data=pothole, timeout=60)
        return max(shown.status_code, posted.status_code)

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(act, range(THREADS))) == [200] * THREADS
    assert len(desk.show(engine, number).notes) == 1 + THREADS // 2
    assert len(desk.search(engine, desk.Filter(), limit=100)) == 1 + THREADS // 2
