"""A subprocess whose output is read all the time and whose end is judged."""
import os
import shutil
import signal
import subprocess
import threading
import time

from .waiting import Stopwatch

#: What a Swift program writes when it traps, or a sanitizer when it finds something.
CRASH_MARKS = ("Fatal error", "Crash:", "*** Signal", "SUMMARY: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "Illegal instruction", "stack backtrace", "pure virtual")


class Process:
    def __init__(self, arguments, name, env=None, cwd=None):
        self.name = name
        self.out, self.err = [], []
        self._changed = threading.Condition()
        self._expected = None
        # Where the tests are cut off (a time limit, Control-C twice), what they started goes with them.
        tied = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        self.popen = subprocess.Popen(
            tied + [str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
            env={**os.environ, **(env or {})}, start_new_session=True)
        self._readers = [
            threading.Thread(target=self._read, args=(self.popen.stdout, self.out), daemon=True),
            threading.Thread(target=self._read, args=(self.popen.stderr, self.err), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self):
        return self.popen.pid

    def _read(self, pipe, lines):
        for line in pipe:
            with self._changed:
                lines.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_line(self, wanted, lines=None, deadline=60.0, start=0):
        """The first line (of standard error unless `lines` says otherwise) for which `wanted` holds: a text in it, or a function."""
        lines = self.err if lines is None else lines
        test = wanted if callable(wanted) else (lambda line: wanted in line)
        end = time.monotonic() + deadline
        with self._changed:
            at = start
            while True:
                while at < len(lines):
                    if test(lines[at]):
                        return lines[at]
                    at += 1
                left = end - time.monotonic()
                if left <= 0 or (self.popen.poll() is not None and not any(r.is_alive() for r in self._readers)):
                    tail = "\n".join(self.err[-30:])
                    raise AssertionError(f"{self.name}: no line {wanted!r}; exit {self.popen.poll()}; standard error:\n{tail}")
                self._changed.wait(min(left, 0.2))

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, deadline=60.0):
        """The exit status, all output read."""
        status = self.popen.wait(deadline)
        for reader in self._readers:
            reader.join(30)
        return status

    def kill(self):
        """As a power cut would."""
        self._expected = -signal.SIGKILL
        if self.popen.poll() is None:
            self.popen.kill()
        return self.wait()

    def stop(self, limit=35.0):
        """SIGTERM, and everything that must be true of the end of a process that served."""
        if self.popen.poll() is None:
            self._expected = 0 if self._expected is None else self._expected
            with Stopwatch() as watch:
                self.popen.terminate()
                try:
                    self.wait(2 * limit)
                except subprocess.TimeoutExpired:
                    self.popen.kill()
                    self.wait()
            assert watch.seconds < limit, f"{self.name} did not stop within {limit} s of SIGTERM"
        self.check()

    def check(self):
        """Fails where it crashed, or said something that only a broken program says."""
        marks = [line for line in self.err if any(mark in line for mark in CRASH_MARKS)]
        assert not marks, f"{self.name} crashed:\n" + "\n".join(self.err[-60:])
        status = self.popen.poll()
        if status is not None and self._expected is not None:
            assert status == self._expected, f"{self.name} ended with {status}:\n" + "\n".join(self.err[-60:])
        elif status is not None and status < 0:
            raise AssertionError(f"{self.name} died of signal {-status}:\n" + "\n".join(self.err[-60:]))

    def expect_exit(self, status):
        self._expected = status

    @property
    def is_running(self):
        return self.popen.poll() is None

    def memory(self, field="VmRSS"):
        """Bytes, from /proc/PID/status: VmRSS now, VmHWM the highest since the last reset. Always 0 of a build with a sanitizer (Tests/sanitize.sh): what
        would be measured is the sanitizer, and the rest of such a test is still worth running."""
        if os.environ.get("MENWEI_SANITIZER"):
            return 0
        with open(f"/proc/{self.pid}/status") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")

    def reset_peak(self):
        """VmHWM starts again from what is in use now (proc(5), clear_refs 5)."""
        with open(f"/proc/{self.pid}/clear_refs", "w") as file:
            file.write("5")
