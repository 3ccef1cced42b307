"""A wall clock of a gateway's own, which tests set forward and back while it serves."""
import struct
from pathlib import Path

from .preload import preload


class Clock:
    """For a process that is started with `environment`. Time limits that do not go by the calendar are not moved."""

    def __init__(self, folder):
        self.file = Path(folder) / "clock"
        self.file.write_bytes(bytes(8))
        self.environment = preload("clock", folder) | {"MENWEI_CLOCK": str(self.file)}

    def set(self, seconds):
        """So far from the machine's own, from now on."""
        with self.file.open("r+b") as file:
            file.write(struct.pack("=q", seconds))
