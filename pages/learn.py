"""Learn: lessons that lead through the app's own pages, alone or with a class."""

from cnnfix_ui.address import kept_in_address
from cnnfix_ui.learn import cards
from cnnfix_ui.rooms import start

with kept_in_address({}):
    cards.show_lessons(start.with_class)
