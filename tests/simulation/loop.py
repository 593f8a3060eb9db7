"""An event loop in which no time passes by itself, and the processes that live in it.

Time jumps to the next timer as soon as nothing is left to do. What is ready runs in order within one process, as asyncio promises;
which process goes next is drawn. A process is a context: whatever was started in it belongs to it, so it can be frozen in the
middle of anything, and it can die there.
"""

import asyncio
import heapq
from collections import deque
from contextvars import Context, ContextVar, copy_context

PROCESS = ContextVar("process", default=None)
MOST_STEPS = 2_000_000


class Loop(asyncio.SelectorEventLoop):
    """`chance` is a random.Random: it alone decides who is next. Nothing here waits for the machine."""

    def __init__(self, chance):
        self._moment = 0.0
        super().__init__()
        self._chance = chance
        self._lanes = {None: deque()}
        self._steps = 0
        self.outside = copy_context()
        self.set_task_factory(_noted)

    def time(self):
        return self._moment

    def later(self, seconds, work, *args):
        """Run `work` outside of every process."""
        return self.call_later(seconds, work, *args, context=self.outside)

    def _run_once(self):
        self._sort()
        lanes = [lane for process, lane in self._lanes.items() if lane and not (process and process.frozen)]
        if not lanes:
            self._jump()
            return
        lane = lanes[0] if len(lanes) == 1 else self._chance.choice(lanes)
        handle = lane.popleft()
        if not handle._cancelled:
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise RuntimeError("this goes on for ever")
            handle._run()

    def _sort(self):
        while self._ready:
            handle = self._ready.popleft()
            process = handle._context.get(PROCESS)
            lane = self._lanes.get(process)
            if lane is None:
                lane = self._lanes[process] = deque()
            lane.append(handle)

    def _jump(self):
        """To the next timer; all that are due then are ready."""
        timers = self._scheduled
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not timers:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        self._moment = max(self._moment, timers[0]._when)
        while timers and timers[0]._when <= self._moment:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            self._ready.append(handle)


def _noted(loop, coro, context=None):
    task = asyncio.Task(coro, loop=loop, context=context)
    process = context.get(PROCESS) if context is not None else PROCESS.get()
    if process is not None:
        process.tasks.append(task)
    return task


class Process:
    """One life of one server process. `doors` of it (database, network) look at `dead` before they let anything through."""

    def __init__(self, loop, name):
        self.loop, self.name = loop, name
        self.dead = self.frozen = False
        self.deaf = False  # its listening connection is broken
        self.tasks = []
        self.context = Context()
        self.context.run(PROCESS.set, self)

    def __repr__(self):
        return self.name

    def spawn(self, coro):
        return self.loop.create_task(coro, context=self.context.copy())

    def kill(self):
        """Nothing of it reaches anybody any more, not even what it does when it is cancelled."""
        self.dead, self.frozen = True, False
        for task in self.tasks:
            if not task.done():
                task.cancel()

    def ask(self, make):
        """A future for what `make()`, a coroutine run in this process, gives; ConnectionError when the process dies first."""
        answer = self.loop.create_future()
        if self.dead:
            answer.set_exception(ConnectionError(f"{self.name} is not there"))
            return answer

        def tell(task):
            if answer.done():
                return
            if task.cancelled():
                answer.set_exception(ConnectionError(f"{self.name} died"))
            elif task.exception() is not None:
                answer.set_exception(task.exception())
            else:
                answer.set_result(task.result())

        self.spawn(make()).add_done_callback(tell, context=self.loop.outside)
        return answer
