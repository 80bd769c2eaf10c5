"""What can go wrong in words that tell the operator what to do."""


class SmsgwError(Exception):
    """Something could not be done; shown as one line, exit status 1.

    Args:
        problem: which thing, and what happened to it.
        remedy: what the operator can do about it.
    """

    def __init__(self, problem: str, remedy: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}" if self.remedy else self.problem


class NotFound(SmsgwError):
    """No account, message or reply answers to what was asked for."""
