"""Measurements of several gateways in rounds, and what they come to."""
import statistics


class PeerFailed(Exception):
    """A gateway did not do what a measurement asks of it."""


class Rounds:
    """Values by peer and column, one a round. The peers take turns within a round, so that what disturbs the machine disturbs all of them."""

    def __init__(self, peers, columns):
        self.names, self.columns = [peer.name for peer in peers], list(columns)
        self.values = {(name, column): [] for name in self.names for column in self.columns}
        self.faults = {}

    def take(self, peer, column, function):
        """Keeps what `function` returns. A peer that cannot do it has no value there, and `faults` says why."""
        if (peer.name, column) in self.faults:
            return
        try:
            self.values[peer.name, column].append(function())
        except PeerFailed as fault:
            self.faults[peer.name, column] = str(fault)
            self.values[peer.name, column].clear()

    def median(self, name, column):
        values = self.values[name, column]
        return statistics.median(values) if values else None

    def ratio(self, name, column, base):
        """The median of the rounds' own ratios: both were measured within the same seconds."""
        pairs = list(zip(self.values.get((name, column), []), self.values.get((base, column), [])))
        return statistics.median(a / b for a, b in pairs) if pairs else None


def markdown(head, rows):
    """`None` is a dash; the first column is text, the others are numbers already formatted."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join("–" if cell is None else str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def number(value, digits=1):
    return None if value is None else f"{value:,.{digits}f}"


def times(value):
    return None if value is None else f"{value:.2f} ×"
