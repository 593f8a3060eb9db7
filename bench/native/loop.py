"""pydantic-ai's own loop on the model of `outside.py`, alone in a process: what a native agent's turn cannot cost less than.

.venv/bin/python bench/native/loop.py http://127.0.0.1:9100/v1
"""

import asyncio
import statistics
import sys
import time

from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

TURNS = 300


async def main(url):
    provider = OpenAIProvider(openai_client=AsyncOpenAI(base_url=url, api_key="none"))
    agent = Agent(OpenAIChatModel("m0", provider=provider), instructions="You sell bread. " * 40)
    for n in range(20):
        await agent.run(f"Are you open? [k:loop:{n}:0]")
    begun, times = time.process_time(), []
    for n in range(TURNS):
        start = time.perf_counter()
        await agent.run(f"Are you open? [k:loop:{n}:1]")
        times.append((time.perf_counter() - start) * 1000)
    spent = (time.process_time() - begun) * 1000 / TURNS
    print(f"  pydantic-ai's own loop   p50 {statistics.median(times):.1f} ms   CPU a turn {spent:.2f} ms", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
