"""Samples where a process spends its CPU time, between two signals.

SIGUSR1 starts it; the next one stops it and writes what it saw. In between the kernel interrupts the process after
every so many milliseconds of CPU time, idle time not counted, and the handler notes the stack.
"""

import json
import os
import signal
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

SIGNAL = signal.SIGUSR1
FILE_VARIABLE = "BENCHMARK_PROFILE"
INTERVAL_SECONDS = 0.002


class Sampler:
    """Of the process that installs it, with `install` called in its main thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stacks: Counter[tuple[CodeType, ...]] = Counter()
        self._cpu_seconds: float | None = None

    def install(self) -> None:
        """Listen to the signal; nothing else happens before it comes."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(SIGNAL, self._toggle)

    def _toggle(self, _number: int, _frame: FrameType | None) -> None:
        if self._cpu_seconds is None:
            self._stacks.clear()
            self._cpu_seconds = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)
            return
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._write(time.process_time() - self._cpu_seconds)
        self._cpu_seconds = None

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            stack.append(frame.f_code)
            frame = frame.f_back
        self._stacks[tuple(stack)] += 1

    def _write(self, cpu_seconds: float) -> None:
        stacks = [
            (count, [f"{code.co_filename}:{code.co_qualname}" for code in stack])
            for stack, count in self._stacks.items()
        ]
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps({"cpuSeconds": cpu_seconds, "stacks": stacks}), encoding="utf-8")
        draft.rename(self._file)


def install_sampler() -> None:
    """Write to the file that the environment names."""
    Sampler(Path(os.environ[FILE_VARIABLE])).install()
