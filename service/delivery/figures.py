"""What this process has heard from relays since it began, counted by lane, by verdict and by whose matter it was."""

from collections import Counter, deque
from typing import Any

from service.delivery.outcome import Outcome, Verdict
from service.delivery.standing_by import StandingBy

NOTICE_LANE = "notice"
LATEST = 10


class Figures:
    def __init__(self) -> None:
        self.standing_by = StandingBy()
        self._latest: deque[Verdict] = deque(maxlen=LATEST)
        self._outcomes: Counter[tuple[str, Verdict, str]] = Counter()

    def note(self, lane: str, judged: Outcome) -> None:
        """One attempt ended so."""
        self._outcomes[lane, judged.verdict, judged.scope] += 1
        self._latest.append(judged.verdict)

    @property
    def are_mostly_accepted(self) -> bool:
        """Of the last few attempts."""
        return 2 * self._latest.count(Verdict.ACCEPTED) > len(self._latest)

    def as_facts(self) -> dict[str, Any]:
        """`outcomes` by `lane verdict scope`, words of closed lists; `standing_by`: why, by relay."""
        accepted = sum(
            count for (_, verdict, _), count in self._outcomes.items() if verdict is Verdict.ACCEPTED
        )
        return {
            "accepted": accepted,
            **self.standing_by.as_facts(),
            "outcomes": {
                f"{lane} {verdict} {scope}": n for (lane, verdict, scope), n in self._outcomes.items()
            },
        }
