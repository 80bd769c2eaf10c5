"""What may be a citizen's own password, and how long somebody who guesses one must wait.

Pure: the password and the count are passed in, the answer comes back.
"""

from datetime import timedelta

#: Hashing costs time with length: nobody types more, and a file given by mistake is refused.
MOST_CHARACTERS = 128
#: So many wrong ones in a row are looked at before anybody has to wait.
FREE_GUESSES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


def fault(password: str, username: str, least: int) -> str | None:
    """Why *password* cannot be a citizen's own; None if it can.

    Args:
        password: in Unicode's form NFKC.
        least: characters of the shortest one (registration.own_password_min).
    """
    if len(password) < least:
        return f"it must have at least {least} characters"
    if len(password) > MOST_CHARACTERS:
        return f"it must have at most {MOST_CHARACTERS} characters"
    if not password.isprintable():
        return "it has control characters in it"
    if not password.strip():
        return "it is blank"
    if password == username:
        return "it is the user name"
    return None


def wait_after(wrong: int) -> timedelta:
    """How long nothing is looked at after *wrong* guesses in a row, the last of them included."""
    if wrong < FREE_GUESSES:
        return timedelta(0)
    doublings = min(wrong - FREE_GUESSES, 20)
    wait: timedelta = FIRST_WAIT * 2**doublings
    return min(wait, LONGEST_WAIT)
