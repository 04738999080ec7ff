"""The tree of errors that rooms raise and doors translate.

MemoError
├── NotFound      the thing asked for is not there               (404)
├── Conflict      it is there, but not in a state that allows it (409)
├── Invalid       the input cannot be used as it is              (422)
└── Unavailable   something outside us does not answer now       (503)

A room defines its own errors as subclasses where it raises them; the docstring is the message a person reads, so it says what to do.
"""


class MemoError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or " ".join((type(self).__doc__ or "").split()))

    @property
    def message(self) -> str:
        return str(self.args[0])


class NotFound(MemoError):
    """This does not exist, or it is not yours to see."""


class Conflict(MemoError):
    """This is not possible in the present state."""


class Invalid(MemoError):
    """This input cannot be used."""

    # `field` names the input that has to change, so that a page can put the text beside it.

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Unavailable(MemoError):
    """This does not answer at the moment; try again later."""
