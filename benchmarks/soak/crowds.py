"""Crowds of clients: whose picture is whose, a flood, throughput, and an hour of requests."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
import numpy as np
from serving import PAINT, PATIENT, Served, painted, percentile, pixels

PROMPTS = ("a six", "a nine", "a thick two", "a thin seven")
FATES = ("wait",) * 2 + ("leave", "cancel", "invalid")
"""Three fifths of all requests leave early, are cancelled or are invalid."""


def known_pictures(server: Served, seeds: int) -> dict[tuple[str, int], Any]:
    """Paint every picture that the crowd will ask for, one after the other."""
    found = {}
    for prompt, seed in itertools.product(PROMPTS, range(seeds)):
        answer = httpx.post(server.url + PAINT, json=painted(seed, prompt), timeout=PATIENT)
        found[prompt, seed] = pixels(answer)[0]
    return found


async def crowd(server: Served, clients: int, each: int, seeds: int) -> dict[str, Any]:
    """AP3: everybody gets what they asked for, and nobody what another asked for.

    Returns:
        Counts by fate, the number of wrong pictures, and the greatest difference of a pixel from
        the picture that was painted alone, of 255.
    """
    known, rng, fates = known_pictures(server, seeds), random.Random(0), Counter[str]()
    gaps: list[int] = []

    async def client(http: httpx.AsyncClient) -> None:
        for _ in range(each):
            prompt, seed = rng.choice(sorted(known))
            fate = rng.choice(FATES)
            fates[fate] += 1
            gap = await one_request(http, fate, prompt, seed, known)
            gaps.extend([] if gap is None else [gap])

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENT, limits=limits) as http:
        await asyncio.gather(*(client(http) for _ in range(clients)))
    lost = fates["wait"] - len(gaps)
    wrong = sum(gap > 1 for gap in gaps)
    return {"fates": dict(fates), "lost": lost, "wrong": wrong, "greatest_gap": max(gaps)}


async def one_request(
    http: httpx.AsyncClient, fate: str, prompt: str, seed: int, known: dict[tuple[str, int], Any]
) -> int | None:
    """Send one request; return how far its picture is from the known one, if it waits for it."""
    body = painted(seed, prompt)
    if fate == "leave":
        with suppress(httpx.TimeoutException):
            await http.post(PAINT, json=body, timeout=0.05)
    elif fate == "cancel":
        job = (await http.post("/api/jobs", json=body)).json()
        await http.delete(f"/api/jobs/{job['id']}")
    elif fate == "invalid":
        assert (await http.post(PAINT, json=body | {"n": 99})).status_code == 400
    else:
        answer = await http.post(PAINT, json=body)
        answer.raise_for_status()
        return int(np.abs(pixels(answer)[0] - known[prompt, seed]).max())
    return None


async def flood(server: Served, many: int) -> dict[str, Any]:
    """AP4: many requests at once; those that find no room are told so at once.

    The connections are open before, and requests are written as they are: a client library needs
    several times as long for a request as the server for its refusal.
    """
    await throughput(server, 1, 4)  # what the first picture loads is not taken by the flood
    before, refusals, health = server.megabytes, list[float](), list[float]()
    host, port = server.url.removeprefix("http://").split(":")
    open_ones = [await asyncio.open_connection(host, int(port)) for _ in range(many)]
    over, most = asyncio.Event(), before

    async def client(seed: int) -> int:
        reader, writer = open_ones[seed]
        body = json.dumps(painted(seed, PROMPTS[seed % len(PROMPTS)])).encode()
        head = HEAD.format(path=PAINT, host=host, port=port, length=len(body))
        began = time.perf_counter()
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if (status := int(answer.split()[1])) == 429:
            refusals.append(time.perf_counter() - began)
            assert "retry-after: " in answer
        writer.close()
        return status

    async def watch(http: httpx.AsyncClient) -> None:
        nonlocal most
        while not over.is_set():
            began = time.perf_counter()
            await http.get("/healthz")
            health.append(time.perf_counter() - began)
            most = max(most, server.megabytes)
            await asyncio.sleep(0.02)

    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENT) as other:
        watching = asyncio.create_task(watch(other))
        codes = Counter(await asyncio.gather(*map(client, range(many))))
        over.set()
        await watching
    return {
        "codes": {str(code): count for code, count in codes.items()},
        "refused_after_median": percentile(refusals, 0.5) if refusals else 0.0,
        "refused_after_p99": percentile(refusals, 0.99) if refusals else 0.0,
        "healthz_p99": percentile(health, 0.99),
        "megabytes": {"before": before, "most": most, "after": server.megabytes},
        "empty": server.waits_for_nothing(),
    }


HEAD = (
    "POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    "Content-Length: {length}\r\nConnection: close\r\n\r\n"
)
"""The head of a request to paint."""


async def throughput(server: Served, clients: int, pictures: int) -> float:
    """Return pictures a second that so many clients get together, a picture a request."""
    began = time.perf_counter()
    await asked(server, clients, pictures)
    return pictures / (time.perf_counter() - began)


async def asked(server: Served, clients: int, requests: int, **fields: Any) -> list[float]:
    """Send requests, each client one after the other; return the server's memory after each."""
    numbers, sizes = iter(range(requests)), list[float]()

    async def client(http: httpx.AsyncClient) -> None:
        for seed in numbers:
            body = painted(seed, PROMPTS[seed % len(PROMPTS)], **fields)
            (await http.post(PAINT, json=body)).raise_for_status()
            sizes.append(server.megabytes)

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENT, limits=limits) as http:
        await asyncio.gather(*(client(http) for _ in range(clients)))
    return sizes


async def steady(server: Served, seconds: float) -> dict[str, Any]:
    """AP10: a request a second for a long time; memory must not grow."""
    sizes, errors, number = list[float](), 0, 0
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENT) as http:
        while (at := time.monotonic() - began) < seconds:
            answer = await http.post(PAINT, json=painted(number, PROMPTS[number % len(PROMPTS)]))
            errors += answer.status_code != 200
            sizes.append(server.megabytes)
            number += 1
            await asyncio.sleep(max(0.0, number - at))
    fresh = sizes[len(sizes) // 10 :]  # the first tenth fills caches
    hours = max(seconds, 1.0) * 0.9 / 3600
    return {
        "requests": number,
        "errors": errors,
        "megabytes_an_hour": (fresh[-1] - fresh[0]) / hours,
        "megabytes": {"first": fresh[0], "last": fresh[-1]},
    }
