"""What goes wrong in rooms."""

from cnnfix_core.errors import CnnfixError


class RoomError(CnnfixError):
    """Something that a pupil or a teacher can put right; the message is a sentence for them."""


class RoomEndedError(RoomError):
    """The class is over, or the server was started again since."""

    def __init__(self) -> None:
        super().__init__("This class has ended.")
